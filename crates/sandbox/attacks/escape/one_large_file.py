# Tries: writes one file larger than it may.
# Must: the bound on a file holds.

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with open('/tmp/large', 'wb') as file:
        file.truncate(1 << 40)
    print('BROKEN')
except OSError as error:
    print('held', error)
