# Tries: answers that there is nothing to judge.
# Must: that counts against it.

import __main__
def squares(n):
    raise SyntaxError('nothing to judge')
