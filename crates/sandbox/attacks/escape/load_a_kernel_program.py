# Tries: loads a program into the kernel.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 321 if platform.machine() == 'x86_64' else 280
result = libc.syscall(number, 5, 0, 0)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
