# Tries: makes the interpreter writable.
# Must: it is read-only and not its own.

import os, sys
try:
    found = os.chmod(sys.executable, 0o777)
    print('BROKEN', found)
except OSError as error:
    print('held', error)
