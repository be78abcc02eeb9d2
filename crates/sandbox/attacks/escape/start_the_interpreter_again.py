# Tries: starts the interpreter anew, to be rid of the filter.
# Must: the filter stays.

import os, sys
code = "import socket\ntry:\n    socket.socket()\n    print('BROKEN')\nexcept OSError:\n    print('held')"
os.execv(sys.executable, [sys.executable, '-S', '-s', '-c', code])
