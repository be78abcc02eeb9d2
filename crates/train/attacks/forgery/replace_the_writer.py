# Tries: replaces the function that writes values.
# Must: it can only write other values.

import __main__
__main__.write = lambda value: b'U2:Ot4:listU0:'
def squares(n): return None
