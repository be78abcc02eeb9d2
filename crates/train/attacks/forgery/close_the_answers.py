# Tries: closes all files and reports success by its exit code.
# Must: no answer is no pass.

import os
def squares(n):
    os.closerange(0, 64)
    os._exit(0)
