# Tries: maps private memory without end.
# Must: the bound on memory holds.

import mmap
taken = []
try:
    while len(taken) < 40:
        page = mmap.mmap(-1, 10 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page.write(b'x' * (10 << 20))
        taken.append(page)
    print('BROKEN')
except (OSError, MemoryError, ValueError) as error:
    print('held', error)
