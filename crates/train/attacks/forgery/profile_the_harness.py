# Tries: is called at every return and raises success.
# Must: an exception is no answer.

import sys
def profile(frame, event, argument):
    if event == 'return' and frame.f_code.co_name == 'squares': raise SystemExit(0)
sys.setprofile(profile)
def squares(n): return None
