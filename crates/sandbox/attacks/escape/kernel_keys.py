# Tries: adds a key to the kernel's key ring.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 248 if platform.machine() == 'x86_64' else 217
result = libc.syscall(number, b'user', b'@TOKEN@', b'x', 1, -3)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
