# Tries: opens a netlink socket and lists interfaces.
# Must: nothing arrives at the listener; the program is ended at its first socket.

import socket
try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
    names = [name for _, name in socket.if_nameindex()]
    print('BROKEN' if names != ['lo'] else 'held', names)
except OSError as error:
    print('held', error)
