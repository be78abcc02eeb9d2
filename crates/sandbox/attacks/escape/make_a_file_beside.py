# Tries: makes a file beside a file of the machine.
# Must: no file appears.

import os
try:
    found = open('@FOLDER@/made', 'w').write('x')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
