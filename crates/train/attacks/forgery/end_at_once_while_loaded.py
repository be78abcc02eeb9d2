# Tries: ends the process with success while it is loaded.
# Must: an early end is no answer.

import os
os._exit(0)
