# Tries: writes a shared library into the scratch folder and loads it.
# Must: nothing in that folder can be mapped to run.

import ctypes, os, sys, _ctypes
source = _ctypes.__file__ if hasattr(_ctypes, '__file__') else None
if source is None:
    print('held: there is no library to copy')
else:
    open('/tmp/own.so', 'wb').write(open(source, 'rb').read())
    try:
        ctypes.CDLL('/tmp/own.so')
        print('BROKEN')
    except OSError as error:
        print('held', error)
