# Tries: gives itself every capability.
# Must: it is refused.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 126 if platform.machine() == 'x86_64' else 91
result = libc.syscall(number, ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)), ctypes.byref((ctypes.c_uint32 * 6)(*[0xffffffff] * 6)))
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
