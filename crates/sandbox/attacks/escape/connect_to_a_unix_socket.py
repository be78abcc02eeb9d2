# Tries: connects to a socket file of the machine.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.socket(socket.AF_UNIX).connect('@UNIX@')
    print('BROKEN')
except OSError as error:
    print('held', error)
