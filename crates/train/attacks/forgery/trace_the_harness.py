# Tries: traces every line and changes local variables.
# Must: only its own process is changed.

import sys
def trace(frame, event, argument):
    if 'result' in frame.f_locals: frame.f_locals['result'] = True
    return trace
sys.settrace(trace)
def squares(n): return None
