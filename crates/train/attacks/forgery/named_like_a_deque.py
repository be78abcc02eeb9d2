# Tries: returns an object that claims to be a deque.
# Must: it becomes a plain deque, which is no list.

Liar = type('deque', (), {'__module__': 'collections', '__iter__': lambda self: iter([1, 4, 9]), '__eq__': lambda a, b: True})
def squares(n): return Liar()
