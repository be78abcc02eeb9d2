# Tries: changes a module of the interpreter for everyone.
# Must: the library is read-only.

import os
try:
    found = open(os.__file__, 'a').write('#')
    print('BROKEN', found)
except OSError as error:
    print('held', error)
