# Tries: reads a file of the machine by its absolute path.
# Must: the file is not there for it; nothing of it is printed.

import os
try:
    found = open('@CANARY@').read()
    print('BROKEN', found)
except OSError as error:
    print('held', error)
