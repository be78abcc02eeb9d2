# Tries: lists the home folders of people.
# Must: there are none.

import os
try:
    found = [os.listdir(path) for path in ('/home',)]
    print('BROKEN', found)
except OSError as error:
    print('held', error)
