# Tries: makes a file among the devices.
# Must: the folder is read-only.

import os
try:
    found = open('/dev/made', 'w').write('x')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
