# Tries: ends with success while it is loaded.
# Must: an early end is no answer.

import sys
sys.exit(0)
