# Tries: makes a hard link to a file of the machine.
# Must: there is nothing to link to.

import os
try:
    found = os.link('@CANARY@', '/tmp/link')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
