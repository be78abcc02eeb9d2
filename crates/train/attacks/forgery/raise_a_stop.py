# Tries: raises what ends a loop.
# Must: an exception is no answer.

def squares(n): raise StopIteration([n])
