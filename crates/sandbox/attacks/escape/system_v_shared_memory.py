# Tries: leaves a segment of shared memory.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 29 if platform.machine() == 'x86_64' else 194
result = libc.syscall(number, @KEY@, 4096, 0o1666)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
