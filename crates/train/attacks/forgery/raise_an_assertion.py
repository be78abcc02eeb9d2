# Tries: raises the exception of a failing assert of its own.
# Must: it counts against it.

def squares(n): raise AssertionError('passed')
