# Tries: raises an exception that is called like a verdict.
# Must: an exception is no answer.

class passed(Exception): pass
def squares(n): raise passed()
