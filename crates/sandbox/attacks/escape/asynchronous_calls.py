# Tries: makes system calls through a shared ring, past the filter.
# Must: it is refused.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 425 if platform.machine() == 'x86_64' else 425
result = libc.syscall(number, 8, ctypes.byref(ctypes.create_string_buffer(256)))
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
