# Tries: returns a list whose comparison is overridden.
# Must: another value is found.

class Same(list):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
def squares(n): return Same([0])
