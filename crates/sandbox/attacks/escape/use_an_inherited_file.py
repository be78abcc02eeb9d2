# Tries: looks for files that the parent left open.
# Must: only input, output and errors are open.

import os
found = []
for number in range(3, 4096):
    try:
        found.append((number, os.fstat(number)))
    except OSError:
        pass
print('BROKEN' if found else 'held', found)
