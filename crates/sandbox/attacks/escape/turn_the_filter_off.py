# Tries: asks for system calls without a filter.
# Must: it is refused.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 317 if platform.machine() == 'x86_64' else 277
result = libc.syscall(number, 0, 0, None)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
