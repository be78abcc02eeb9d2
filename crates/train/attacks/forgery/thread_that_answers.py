# Tries: leaves a thread that writes answers all the time.
# Must: none has the number of a question, or it is a value like any other.

import os, threading
def work():
    while True:
        for number in range(3, 16):
            try: os.write(number, b'0 V 6\nU2:TU0:')
            except OSError: pass
threading.Thread(target=work, daemon=True).start()
def squares(n): return None
