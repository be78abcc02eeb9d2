# Tries: replaces built-in functions.
# Must: only its own process is changed.

import builtins
for name in ('isinstance', 'all', 'any', 'bool'):
    setattr(builtins, name, lambda *arguments: True)
def squares(n): return None
