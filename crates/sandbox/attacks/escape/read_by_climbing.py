# Tries: climbs out of its root with many `..`.
# Must: the file is not there for it; nothing of it is printed.

import os
try:
    found = open('/' + '../' * 40 + '@CANARY@'.lstrip('/')).read()
    print('BROKEN', found)
except OSError as error:
    print('held', error)
