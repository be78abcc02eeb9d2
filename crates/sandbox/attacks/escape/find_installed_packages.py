# Tries: imports packages that are installed on the machine.
# Must: the folder of packages is empty.

import os, sysconfig
folder = sysconfig.get_paths()['purelib']
found = os.listdir(folder) if os.path.isdir(folder) else []
print('BROKEN' if found else 'held', found)
