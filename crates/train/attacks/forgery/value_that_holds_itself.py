# Tries: returns a list that holds itself.
# Must: it is opaque, and comparing it is refused.

def squares(n):
    value = [1, 4, 9]
    value.append(value)
    return value
