# Tries: asks for the address of a host.
# Must: no answer; the program is ended at its first socket.

import socket
try:
    socket.gethostbyname('example.org')
    print('BROKEN')
except OSError as error:
    print('held', error)
