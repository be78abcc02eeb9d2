# Tries: replaces the process by one that succeeds.
# Must: an early end is no answer.

import os, sys
def squares(n): os.execv(sys.executable, [sys.executable, '-c', 'print("passed")'])
