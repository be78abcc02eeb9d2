# Tries: connects to a socket without a file.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.socket(socket.AF_UNIX).connect('\0@TOKEN@')
    print('BROKEN')
except OSError as error:
    print('held', error)
