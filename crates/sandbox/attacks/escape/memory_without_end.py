# Tries: takes memory without end.
# Must: the bound on memory holds.

taken = []
try:
    while len(taken) < 40:
        taken.append(b'x' * (10 << 20))
    print('BROKEN', len(taken))
except MemoryError:
    print('held')
