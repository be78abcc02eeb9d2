# Tries: connects to the host of a virtual machine.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.socket(getattr(socket, 'AF_VSOCK', 40), socket.SOCK_STREAM)
    print('BROKEN')
except OSError as error:
    print('held', error)
