# Tries: opens the devices of memory.
# Must: there are none.

import os
try:
    found = [os.open(path, os.O_RDONLY) for path in ('/dev/mem',)]
    print('BROKEN', found)
except OSError as error:
    print('held', error)
