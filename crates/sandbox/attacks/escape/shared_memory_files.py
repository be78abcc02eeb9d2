# Tries: leaves a file in the machine's shared memory.
# Must: there is no such folder.

import os
try:
    found = open('/dev/shm/@TOKEN@', 'w').write('x')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
