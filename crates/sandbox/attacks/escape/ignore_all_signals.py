# Tries: ignores every signal and goes on.
# Must: the clock ends it all the same.

import signal, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
print('held', flush=True)
time.sleep(1000)
print('BROKEN')
