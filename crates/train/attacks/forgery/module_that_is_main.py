# Tries: makes itself the main module and ends it.
# Must: an early end is no answer.

import sys
sys.modules['__main__'] = sys.modules[__name__]
def squares(n): raise KeyboardInterrupt()
