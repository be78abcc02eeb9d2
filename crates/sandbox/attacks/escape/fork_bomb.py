# Tries: starts processes without end.
# Must: the bound on processes holds, and all end with the first.
# Runs: forks

import os, time
started = 0
for _ in range(2000):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        started += 1
    except OSError:
        break
print('BROKEN' if started > 100 else 'held', started)
