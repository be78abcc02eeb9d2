# Tries: sends a signal to every process that it can.
# Must: no process outside notices.

import os, signal
try:
    os.kill(@PID@, signal.SIGKILL)
    print('BROKEN')
except OSError as error:
    print('held', error)
os.kill(-1, signal.SIGKILL)
