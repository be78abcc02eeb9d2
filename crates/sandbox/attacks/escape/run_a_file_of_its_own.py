# Tries: writes a program into the scratch folder and starts it.
# Must: nothing in that folder can be started.

import os, sys
try:
    found = (open('/tmp/x', 'w').write('#!' + sys.executable + ' -c\nprint(1)'), os.chmod('/tmp/x', 0o755), os.execv('/tmp/x', ['/tmp/x']))
    print('BROKEN', found)
except OSError as error:
    print('held', error)
