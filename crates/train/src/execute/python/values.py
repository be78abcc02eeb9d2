# How values travel between the process that runs the code under test and the process that judges.
#
# Only what a value holds is written, by its built-in type; a subclass is written as what it is made
# of, so that nothing it overrides is ever asked. What cannot be written so is opaque: it has a name
# and a truth, and judging by anything else of it is refused.

MOST_DEPTH = 200
MOST_BYTES = 1 << 20


class Unwritable(Exception):
    pass


def write(value, _iterators=(list.__iter__, tuple.__iter__, dict.items, set.__iter__, frozenset.__iter__)):
    out = []
    size = 0

    def put(tag, body=b''):
        nonlocal size
        size += len(tag) + len(body)
        if size > MOST_BYTES:
            raise Unwritable('too large')
        out.append(tag)
        out.append(body)

    def text(tag, body):
        put(tag + str(bytes.__len__(body)).encode() + b':', body)

    def number(value):
        put(b'I', hex(value).encode() + b';')

    def many(tag, count, items, depth):
        put(tag + str(count).encode() + b':')
        for item in items:
            one(item, depth)

    def one(value, depth):
        if depth > MOST_DEPTH:
            raise Unwritable('too deep')
        depth += 1
        if value is None:
            return put(b'N')
        kind = type(value)
        bases = type.__dict__['__mro__'].__get__(kind)
        if kind is bool:
            return put(b'T' if value is True else b'F')
        if int in bases:
            return number(int.__add__(value, 0))
        if float in bases:
            return text(b'D', float.hex(value).encode())
        if complex in bases:
            put(b'C')
            text(b'D', float.hex(complex.real.__get__(value)).encode())
            return text(b'D', float.hex(complex.imag.__get__(value)).encode())
        if str in bases:
            return text(b'S', str.encode(value, 'utf-8', 'surrogatepass'))
        if bytes in bases:
            return text(b'B', bytes.__getitem__(value, slice(None)))
        if bytearray in bases:
            return text(b'A', bytes(bytearray.__getitem__(value, slice(None))))
        if list in bases:
            return many(b'L', list.__len__(value), list.__iter__(value), depth)
        if tuple in bases:
            return many(b'U', tuple.__len__(value), tuple.__iter__(value), depth)
        if set in bases:
            return many(b'E', set.__len__(value), set.__iter__(value), depth)
        if frozenset in bases:
            return many(b'Z', frozenset.__len__(value), frozenset.__iter__(value), depth)
        if dict in bases:
            put(b'M' + str(dict.__len__(value)).encode() + b':')
            for key, item in dict.items(value):
                one(key, depth)
                one(item, depth)
            return None
        if kind is range:
            put(b'R')
            number(value.start)
            number(value.stop)
            return number(value.step)
        return special(value, kind, bases, depth)

    def special(value, kind, bases, depth):
        for base in bases:
            named = (getattr(base, '__module__', None), getattr(base, '__name__', None))
            if named == ('collections', 'deque'):
                items = list(value)
                return many(b'Q', len(items), items, depth)
            if named == ('decimal', 'Decimal'):
                return text(b'P', str(value).encode())
            if named == ('fractions', 'Fraction'):
                put(b'H')
                number(value.numerator)
                return number(value.denominator)
        try:
            truth = b't' if value else b'f'
        except Exception:
            truth = b'f'
        return text(b'O' + truth, str(getattr(kind, '__name__', '?')).encode('ascii', 'replace')[:80])

    one(value, 0)
    return b''.join(out)


def read(data, opaque):
    # `data` was checked before it came here.
    at = 0

    def until(mark):
        nonlocal at
        end = data.index(mark, at)
        part, at = data[at:end], end + 1
        return part

    def body():
        nonlocal at
        length = int(until(b':'))
        part = data[at:at + length]
        at += length
        return part

    def many():
        return [one() for _ in range(int(until(b':')))]

    def one():
        nonlocal at
        tag = data[at:at + 1]
        at += 1
        if tag == b'N':
            return None
        if tag == b'T':
            return True
        if tag == b'F':
            return False
        if tag == b'I':
            return int(until(b';'), 16)
        if tag == b'D':
            return float.fromhex(body().decode())
        if tag == b'C':
            return complex(one(), one())
        if tag == b'S':
            return body().decode('utf-8', 'surrogatepass')
        if tag == b'B':
            return bytes(body())
        if tag == b'A':
            return bytearray(body())
        if tag == b'L':
            return many()
        if tag == b'U':
            return tuple(many())
        if tag == b'E':
            return set(many())
        if tag == b'Z':
            return frozenset(many())
        if tag == b'M':
            return {key: item for key, item in [(one(), one()) for _ in range(int(until(b':')))]}
        if tag == b'R':
            return range(one(), one(), one())
        if tag == b'Q':
            from collections import deque
            return deque(many())
        if tag == b'P':
            from decimal import Decimal
            return Decimal(body().decode())
        if tag == b'H':
            from fractions import Fraction
            return Fraction(one(), one())
        truth = data[at:at + 1] == b't'
        at += 1
        return opaque(body().decode(), truth)

    return one()
