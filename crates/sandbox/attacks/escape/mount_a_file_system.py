# Tries: mounts a file system over its scratch folder.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 165 if platform.machine() == 'x86_64' else 40
result = libc.syscall(number, b'none', b'/tmp', b'tmpfs', 0, None)
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
