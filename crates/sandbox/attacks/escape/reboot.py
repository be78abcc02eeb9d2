# Tries: reboots the machine.
# Must: the program is ended.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 169 if platform.machine() == 'x86_64' else 142
result = libc.syscall(number, 0xfee1dead, 672274793, 0x89abcdef, None)
print('BROKEN' if result == 0 else 'held', result, os.strerror(ctypes.get_errno()))
