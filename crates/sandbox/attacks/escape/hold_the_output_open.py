# Tries: leaves a process that holds the output open, so that the parent waits for ever.
# Must: it ends with the program.
# Runs: forks

import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(1000)
    os._exit(0)
print('held')
