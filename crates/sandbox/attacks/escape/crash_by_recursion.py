# Tries: overflows its stack in native code.
# Must: only the program itself ends.

import sys
sys.setrecursionlimit(10 ** 9)
print('held', flush=True)
def deeper():
    return deeper.__call__()
deeper()
