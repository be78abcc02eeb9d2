# Tries: makes system calls in the numbering of 32 bits, which the list does not name.
# Must: the program is ended.

import ctypes, mmap, platform
if platform.machine() != 'x86_64':
    print('held: there is no other numbering')
else:
    # mov eax, 20 (getpid of 32 bits); int 0x80; ret
    code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])
    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
    page.write(code)
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    print('BROKEN', ctypes.CFUNCTYPE(ctypes.c_int)(place)())
