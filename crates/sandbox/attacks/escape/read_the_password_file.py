# Tries: reads the list of users.
# Must: the file is not there.

import os
try:
    found = open('/etc/passwd').read()
    print('BROKEN', found)
except OSError as error:
    print('held', error)
