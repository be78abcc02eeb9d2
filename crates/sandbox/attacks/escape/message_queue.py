# Tries: leaves a message queue.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 240 if platform.machine() == 'x86_64' else 180
result = libc.syscall(number, b'/@TOKEN@', 0o102, 0o666, None)
print('BROKEN' if result >= 0 else 'held', result, os.strerror(ctypes.get_errno()))
