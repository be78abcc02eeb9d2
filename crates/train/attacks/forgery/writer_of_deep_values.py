# Tries: writes a value of a million levels.
# Must: it is refused before the judge sees it.

import __main__
__main__.write = lambda value: b'U2:' + b'L1:' * 300000 + b'NU0:'
def squares(n): return None
