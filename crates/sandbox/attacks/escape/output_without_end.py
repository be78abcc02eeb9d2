# Tries: writes output without end.
# Must: it is ended, and what was taken is bounded.

import os
while True:
    os.write(1, b'x' * 65536)
