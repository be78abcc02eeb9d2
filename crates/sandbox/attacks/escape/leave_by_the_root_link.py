# Tries: follows the link to the root of process 1.
# Must: there is none.

import os
try:
    found = os.listdir('/proc/1/root')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
