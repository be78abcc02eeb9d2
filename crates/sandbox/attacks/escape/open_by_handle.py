# Tries: opens a file by its number on the disk, past all paths.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 304 if platform.machine() == 'x86_64' else 265
result = libc.syscall(number, -100, ctypes.byref(ctypes.create_string_buffer(64)), 0)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
