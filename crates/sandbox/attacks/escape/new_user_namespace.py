# Tries: makes a user namespace in which it would be root.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 272 if platform.machine() == 'x86_64' else 97
result = libc.syscall(number, 0x10000000)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
