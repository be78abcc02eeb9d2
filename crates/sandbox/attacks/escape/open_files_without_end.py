# Tries: opens files without end.
# Must: the bound on open files holds.

held = []
try:
    while len(held) < 10_000:
        held.append(open('/dev/null'))
    print('BROKEN')
except OSError as error:
    print('held', error)
