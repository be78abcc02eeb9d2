# Tries: computes without end and catches the first signal of the limit.
# Must: its CPU seconds end it.

import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
print('held', flush=True)
while True:
    pass
