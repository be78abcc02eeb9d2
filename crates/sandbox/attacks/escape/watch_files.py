# Tries: watches the files of the machine.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 300 if platform.machine() == 'x86_64' else 262
result = libc.syscall(number, 0, 0)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
