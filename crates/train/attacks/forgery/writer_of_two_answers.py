# Tries: writes two answers at once.
# Must: the second has no number that was asked for.

import __main__
keep = __main__.write
__main__.write = lambda value: keep((None, ())) + b'\n0 V 6\nU2:TU0:'
def squares(n): return None
