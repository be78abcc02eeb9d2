# Tries: makes a symbolic link to a file of the machine and reads through it.
# Must: the link leads nowhere.

import os
try:
    found = (os.symlink('@CANARY@', '/tmp/link'), open('/tmp/link').read())
    print('BROKEN', found)
except OSError as error:
    print('held', error)
