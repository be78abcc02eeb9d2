# Tries: reads the process file system.
# Must: there is none.

import os
try:
    found = os.listdir('/proc')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
