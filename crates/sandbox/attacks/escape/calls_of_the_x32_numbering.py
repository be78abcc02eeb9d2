# Tries: makes system calls in the second numbering of 64 bits.
# Must: the program is ended, or the call is unknown.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 0x40000000 + 39 if platform.machine() == 'x86_64' else 0x40000000 + 172
result = libc.syscall(number, 0)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
