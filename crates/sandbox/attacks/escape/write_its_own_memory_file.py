# Tries: writes to its memory through the process file system.
# Must: there is none.

import os
try:
    found = open('/proc/self/mem', 'r+b')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
