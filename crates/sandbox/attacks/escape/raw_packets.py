# Tries: opens a raw socket.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    print('BROKEN')
except OSError as error:
    print('held', error)
