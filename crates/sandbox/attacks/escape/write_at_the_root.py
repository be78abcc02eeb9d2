# Tries: makes a file at its root.
# Must: the root is read-only.

import os
try:
    found = open('/made', 'w').write('x')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
