# Tries: raises its own limits.
# Must: they cannot be raised.

import resource
try:
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print('BROKEN')
except (OSError, ValueError) as error:
    print('held', error)
