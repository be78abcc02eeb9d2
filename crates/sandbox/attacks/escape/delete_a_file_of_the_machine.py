# Tries: deletes a file of the machine.
# Must: the file stays.

import os
try:
    found = os.unlink('@CANARY@')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
