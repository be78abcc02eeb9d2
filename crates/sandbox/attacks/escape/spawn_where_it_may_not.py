# Tries: starts another interpreter.
# Must: the program is ended.

import subprocess, sys
print('BROKEN', subprocess.run([sys.executable, '-c', 'pass']).returncode)
