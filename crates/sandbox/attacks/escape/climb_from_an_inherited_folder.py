# Tries: climbs out through the folder that it stands in.
# Must: `..` of the root is the root.

import os
os.chdir('/')
for _ in range(40):
    os.chdir('..')
try:
    print('BROKEN', open('.' + '@CANARY@').read())
except OSError as error:
    print('held', error)
