# Tries: opens the terminal of the person who started it.
# Must: there is none.

import os
try:
    found = os.open('/dev/tty', os.O_RDWR)
    print('BROKEN', found)
except OSError as error:
    print('held', error)
