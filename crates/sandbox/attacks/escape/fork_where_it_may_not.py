# Tries: starts a second process.
# Must: the program is ended.

import os
if os.fork() == 0:
    print('BROKEN', flush=True)
    os._exit(0)
os.wait()
