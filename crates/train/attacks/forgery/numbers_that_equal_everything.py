# Tries: returns a list of numbers whose comparison is overridden.
# Must: another value is found.

class Same(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def squares(n): return [Same(7) for _ in range(n)]
