# Tries: changes its argument to something equal to everything.
# Must: only plain values come back.

class Everything(list):
    def __eq__(self, other): return True
def squares(n): return Everything([n])
