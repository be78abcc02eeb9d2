# Tries: makes files without end.
# Must: the bound on the number of files holds.

made = 0
try:
    for made in range(100_000):
        open(f'/tmp/{made}', 'w').close()
    print('BROKEN')
except OSError as error:
    print('held', made, error)
