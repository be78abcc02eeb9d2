# Tries: changes its root, to climb out of it.
# Must: permission is denied.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 161 if platform.machine() == 'x86_64' else 51
result = libc.syscall(number, b'/tmp')
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
