# Tries: reads the name of the machine.
# Must: it is another name.

import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 63 if platform.machine() == 'x86_64' else 160
room = ctypes.create_string_buffer(6 * 65)
result = libc.syscall(number, ctypes.byref(room))
print('BROKEN' if '@HOST@' == os.uname().nodename else 'held', result, os.strerror(ctypes.get_errno()))
