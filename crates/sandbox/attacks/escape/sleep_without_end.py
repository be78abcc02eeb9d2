# Tries: sleeps without end.
# Must: the clock ends it.

import time
print('held', flush=True)
time.sleep(1000)
print('BROKEN')
