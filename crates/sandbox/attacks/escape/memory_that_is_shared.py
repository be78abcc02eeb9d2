# Tries: maps shared memory, which no bound on private memory counts.
# Must: it is refused.

import mmap
try:
    mmap.mmap(-1, 64 << 20)
    print('BROKEN')
except OSError as error:
    print('held', error)
