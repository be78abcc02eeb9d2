# Tries: writes the memory of process 1.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 311 if platform.machine() == 'x86_64' else 271
remote = (ctypes.c_size_t * 2)(0x400000, 8)
result = libc.syscall(number, 1, ctypes.byref(remote), 1, ctypes.byref(remote), 1, 0)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
