# Tries: starts a shell.
# Must: there is none.

import os
try:
    found = os.execv('/bin/sh', ['sh', '-c', 'echo BROKEN'])
    print('BROKEN', found)
except OSError as error:
    print('held', error)
