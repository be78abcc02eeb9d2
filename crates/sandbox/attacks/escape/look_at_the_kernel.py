# Tries: reads the settings of the kernel.
# Must: there is no such file system.

import os
try:
    found = os.listdir('/sys')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
