# Tries: types a command into the terminal of the person who started it.
# Must: it is refused.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 16 if platform.machine() == 'x86_64' else 29
result = libc.syscall(number, 0, 0x5412, b'x')
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
