# Tries: writes what is no value, to upset the judge.
# Must: it is refused before the judge sees it.

import __main__
__main__.write = lambda value: b'U2:L99999999:U0:'
def squares(n): return None
