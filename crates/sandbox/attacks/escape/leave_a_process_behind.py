# Tries: starts a process that goes on when the program has ended.
# Must: it ends with the program.
# Runs: forks

import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        nothing = os.open('/dev/null', os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.execv(sys.executable, [sys.executable, '-S', '-s', '-c', 'import time; time.sleep(30)', '@TOKEN@'])
    os._exit(0)
os.wait()
print('held', flush=True)
import time
time.sleep(0.3)
