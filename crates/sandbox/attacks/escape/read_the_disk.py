# Tries: opens the disk as a device.
# Must: there is none.

import os
try:
    found = os.open('/dev/vda', os.O_RDONLY)
    print('BROKEN', found)
except OSError as error:
    print('held', error)
