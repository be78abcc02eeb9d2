# Tries: looks for secrets in the environment.
# Must: only what it was given is there.

import os
extra = {name for name in os.environ if name not in ('PYTHONHASHSEED', 'LC_CTYPE')}
print('BROKEN' if extra or '@TOKEN@' in str(os.environ) else 'held', extra)
