"""Functions for compare.py: pure ones, over plain values, with something of every construct."""


def longest_run(values, limit):
    best = 0
    current = 0
    previous = None
    for value in values:
        if value == previous and current > 0:
            current += 1
        else:
            current = 1
        previous = value
        if current > best:
            best = current
    return best if best < 5 else limit


def collatz(start):
    steps = 0
    number = start
    while number > 1 and steps < 100:
        if number % 2 == 0:
            number = number // 2
        else:
            number = 3 * number + 1
        steps += 1
    return steps, number


def split_pairs(text, sign):
    parts = []
    rest = text
    while sign in rest or len(rest) > 20:
        head, _, rest = rest.partition(sign)
        if head != "" and len(head) < 10:
            parts.append(head)
    if rest:
        parts.append(rest)
    return {part: index for index, part in enumerate(parts)}


def clamp(value, low, high):
    result = value
    changed = False
    if value < low or value > high:
        changed = True
        if value < low:
            result = low
        else:
            result = high
    return (result, changed) if changed else (value, changed)


def counted(values):
    counts = {}
    order = []
    for value in values:
        key = str(value)
        if key in counts:
            counts[key] += 1
        else:
            counts[key] = 1
            order.append(key)
    total = sum(counts.values())
    return [(key, counts[key] / total) for key in order]


def nested(rows, extra):
    table = []
    width = 0
    for row in rows:
        line = [cell for cell in str(row)]
        width = len(line) if len(line) > width else width
        table.append(line)
    for line in table:
        while len(line) < width:
            line.append(str(extra))
    return [list(column) for column in zip(*table)]


def careful(first, second):
    found = None
    tries = 0
    try:
        found = first / second
        tries = tries + 1
    except ZeroDivisionError:
        found = 0
        tries = -1
    except TypeError as error:
        message = str(error)
        return len(message) > 0
    finally:
        tries = tries + 10
    return found, tries


def later(values):
    calls = []
    offset = 1
    for value in values:
        def call(step, kept=value):
            return (kept, step, offset)
        calls.append(call)
    offset = 2
    return [call(index) for index, call in enumerate(calls)]


def generated(limit):
    first, second = 0, 1
    seen = 0
    while seen < limit and seen < 12:
        yield_value = first
        first, second = second, first + second
        seen += 1
        if yield_value > 50:
            break
    return [first, second, seen]


def matrix(size, fill):
    rows = []
    index = 0
    base = [fill]
    while index < size and index < 6:
        rows.append([index * 2 if index != 3 else fill] + base)
        index += 1
    flat = [cell for row in rows for cell in row]
    return rows, flat, f"{index} rows of {len(rows) if rows else 0}"
