# Tries: kills process 1 of its namespace.
# Must: the signal is ignored; the end is told.

import os, signal
try:
    os.kill(1, signal.SIGKILL)
except OSError:
    pass
print('held')
