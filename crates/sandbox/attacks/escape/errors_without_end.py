# Tries: writes errors without end.
# Must: it is ended, and what was taken is bounded.

import os
while True:
    os.write(2, b'x' * 65536)
