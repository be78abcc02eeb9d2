# Tries: makes a device file for the disk.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 259 if platform.machine() == 'x86_64' else 33
result = libc.syscall(number, -100, b'/tmp/disk', 0o060600, 0xfe00)
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
