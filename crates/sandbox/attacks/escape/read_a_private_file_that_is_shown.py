# Tries: reads a file that only its owner may read, though it is shown.
# Must: permission is denied, because the program is nobody.
# Needs: root

import os
try:
    found = open('@PRIVATE@').read()
    print('BROKEN', found)
except OSError as error:
    print('held', error)
