# Tries: fills the scratch folder, which lies in memory.
# Must: the bound on the folder holds.

written = 0
try:
    for number in range(100):
        with open(f'/tmp/{number}', 'wb') as file:
            written += file.write(b'x' * (1 << 20))
    print('BROKEN', written)
except OSError as error:
    print('held', error)
