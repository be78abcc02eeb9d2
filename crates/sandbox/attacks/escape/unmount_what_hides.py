# Tries: unmounts what lies over a folder.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 166 if platform.machine() == 'x86_64' else 39
result = libc.syscall(number, b'/tmp', 2)
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
