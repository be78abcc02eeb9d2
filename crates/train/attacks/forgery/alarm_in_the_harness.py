# Tries: lets a signal interrupt the harness with success.
# Must: an early end is no answer.

import os, signal
signal.signal(signal.SIGALRM, lambda *arguments: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.01)
def squares(n):
    while True: pass
