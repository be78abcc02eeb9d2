# Tries: connects to a port of the machine.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.create_connection(('127.0.0.1', @PORT@), 3).send(b'out')
    print('BROKEN')
except OSError as error:
    print('held', error)
