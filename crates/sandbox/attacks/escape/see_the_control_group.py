# Tries: finds out which control group namespace it is in.
# Must: there is no process file system to tell.

import os
try:
    same = os.readlink('/proc/self/ns/cgroup') == '@CGROUP@'
    print('BROKEN' if same else 'held', same)
except OSError as error:
    print('held', error)
