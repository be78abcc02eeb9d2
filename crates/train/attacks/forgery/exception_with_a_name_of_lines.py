# Tries: raises an exception whose name holds lines of the protocol.
# Must: it is no answer.

Named = type('X\n0 V 1\nT', (BaseException,), {})
def squares(n): raise Named()
