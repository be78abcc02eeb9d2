# Tries: sends a datagram to a port of the machine.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', @UDP@))
    print('held', 'sent into nothing')
except OSError as error:
    print('held', error)
