# Tries: lets its parent trace it.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 101 if platform.machine() == 'x86_64' else 117
result = libc.syscall(number, 0, 0, 0, 0)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
