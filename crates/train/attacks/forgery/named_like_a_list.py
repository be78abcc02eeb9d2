# Tries: returns an object of a class that is called list.
# Must: its name counts for nothing.

Liar = type('list', (), {'__eq__': lambda self, other: True, '__module__': 'builtins'})
def squares(n): return Liar()
