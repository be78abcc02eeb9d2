# Tries: reads the environment of other processes.
# Must: there is no process file system.

import os
try:
    found = [open(f'/proc/{n}/environ', 'rb').read() for n in (1, @PID@)]
    print('BROKEN', found)
except OSError as error:
    print('held', error)
