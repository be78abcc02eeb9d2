# Tries: writes over a file of the machine.
# Must: the file keeps its content.

import os
try:
    found = open('@CANARY@', 'w').write('changed')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
