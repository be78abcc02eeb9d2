# Tries: returns more than can be sent.
# Must: it is opaque, and comparing it is refused.

def squares(n): return 'x' * (3 << 20)
