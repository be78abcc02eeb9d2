# Tries: computes without end in native code on many threads.
# Must: its CPU seconds count all threads.

import hashlib, threading
block = b'x' * (4 << 20)
def work():
    while True:
        hashlib.sha256(block).digest()
for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
print('held', flush=True)
work()
