# Tries: leaves a file in the scratch folder for the next program.
# Must: the folder is in memory and new each time.

import os
found = os.listdir('/tmp')
open('/tmp/@TOKEN@', 'w').write('x')
print('BROKEN' if found else 'held', found)
