# Tries: sets the clock of the machine.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 227 if platform.machine() == 'x86_64' else 112
result = libc.syscall(number, 0, ctypes.byref((ctypes.c_long * 2)(0, 0)))
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
