# Runs code under test and answers questions about it with exact values. It knows no expected value,
# and it decides nothing: whatever the code under test does to this process, it can only change its
# own answers. `values.py` stands in front of this file.


def _live():
    import os
    import sys
    import types

    requests, answers = os.fdopen(os.dup(0), 'rb'), os.dup(1)
    nothing = os.open('/dev/null', os.O_RDWR)
    os.dup2(nothing, 0)
    # What the code under test prints is counted and thrown away by the parent.
    os.dup2(2, 1)
    os.close(nothing)
    sys.path[:] = [path for path in sys.path if path]
    module = types.ModuleType('candidate')
    sys.modules['candidate'] = module
    names = module.__dict__

    class Opaque:
        pass

    def answer(nonce, kind, body):
        data = nonce + b' ' + kind + b' ' + str(len(body)).encode() + b'\n' + body
        while data:
            data = data[os.write(answers, data):]

    def value(result, arguments=()):
        try:
            return write((result, tuple(arguments)))
        except Unwritable as error:
            name = b'value that is ' + str(error).encode()
        except RecursionError:
            name = b'value that is too deep'
        return b'U2:Ot' + str(len(name)).encode() + b':' + name + b'U0:'

    def load(body):
        source = body.decode('utf-8', 'surrogatepass')
        try:
            code = compile(source, '<candidate>', 'exec')
        except (SyntaxError, ValueError, OverflowError):
            return b'P', b''
        exec(code, names)
        return b'V', value(None)

    def do(kind, body):
        if kind == b'L':
            return load(body)
        if kind == b'S':
            exec(compile(body.decode(), '<setup>', 'exec'), names)
            return b'V', value(None)
        if kind == b'E':
            return b'V', value(eval(compile(body.decode(), '<test>', 'eval'), names))
        name, arguments, named = read(body, Opaque)
        result = names[name](*arguments, **named)
        return b'V', value(result, arguments)

    while True:
        head = requests.readline().split()
        if len(head) != 3:
            return
        nonce, kind, length = head
        body = requests.read(int(length))
        try:
            kind, body = do(kind, body)
        except BaseException as error:
            kind, body = b'X', type(error).__name__.encode('ascii', 'replace')[:80]
        answer(nonce, kind, body)


_live()
