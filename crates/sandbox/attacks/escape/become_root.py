# Tries: becomes user 0.
# Must: it is refused.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 105 if platform.machine() == 'x86_64' else 146
result = libc.syscall(number, 0)
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
