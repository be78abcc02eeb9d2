# Tries: starts threads without end.
# Must: the bound on threads holds.

import threading, time
started = 0
try:
    for _ in range(3000):
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
        started += 1
except (RuntimeError, MemoryError):
    pass
print('BROKEN' if started > 100 else 'held', started, flush=True)
import os
os._exit(0)
