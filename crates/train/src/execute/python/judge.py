# Runs the tests of one problem. No code under test is in this process: wherever a test asks for
# something of it, the question goes to the parent, which answers with a value. `values.py` stands in
# front of this file.

import ast
import builtins
import os
import sys


class Unsupported(BaseException):
    pass


class Gone(BaseException):
    pass


class Raised(Exception):
    pass


class Opaque:
    # A value that could not be sent. It is true or false; asking anything else of it ends the test
    # without a verdict.
    def __init__(self, name, truth):
        self._name, self._truth = name, truth

    def __bool__(self):
        return self._truth

    def _refuse(self, *_):
        raise Unsupported('a result of type ' + self._name)

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = __iter__ = __len__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __contains__ = __getitem__ = _refuse
    __repr__ = __str__ = __float__ = __int__ = __index__ = __call__ = _refuse


questions, answers = os.fdopen(os.dup(0), 'rb'), os.dup(1)
_nothing = os.open('/dev/null', os.O_RDWR)
os.dup2(_nothing, 0)
os.dup2(_nothing, 1)
sys.path[:] = [path for path in sys.path if path]
asked = 0


def send(head, body):
    data = head + b' ' + str(len(body)).encode() + b'\n' + body
    while data:
        data = data[os.write(answers, data):]


def receive():
    head = questions.readline().split()
    if len(head) != 2:
        raise Gone()
    return head[0], questions.read(int(head[1]))


def raised(name):
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return type(name, (Raised, kind), {})()
        except TypeError:
            pass
    error = Raised()
    error.named = name
    return error


def question(kind, body):
    global asked
    asked += 1
    send(kind, body)
    kind, body = receive()
    if kind == b'V':
        return read(body, Opaque)
    if kind == b'X':
        error = raised(body.decode())
        error.named = body.decode()
        raise error
    raise Gone()


def ask(source):
    return question(b'E', source.encode())[0]


def call(name, arguments, named):
    try:
        body = write((name, tuple(arguments), dict(named)))
    except Unwritable as error:
        raise Unsupported('an argument that is ' + str(error))
    result, after = question(b'C', body)
    for ours, theirs in zip(arguments, after):
        # What was changed in place is changed here too.
        if type(ours) is type(theirs) and ours != theirs:
            if isinstance(ours, (list, bytearray)):
                ours[:] = theirs
            elif isinstance(ours, (dict, set)):
                ours.clear()
                ours.update(theirs)
    return result


def proxy(name):
    def candidate(*arguments, **named):
        return call(name, arguments, named)
    candidate.__name__ = name
    return candidate


def bound_by(tree):
    # Names that assignments, loops, comprehensions and arguments of a test bind.
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split('.')[0])
    return names


def root_of(node):
    # The name at the left end of calls, attributes and subscripts, if there is one.
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        else:
            return node.id if isinstance(node, ast.Name) else None


class Rewriter(ast.NodeTransformer):
    # Puts questions where a test asks for something of the code under test.
    def __init__(self, remote, bound):
        self.remote, self.bound = remote, bound

    def visit(self, node):
        name = root_of(node) if isinstance(node, ast.expr) else None
        if name is None or name in self.bound or not self.remote(name):
            return self.generic_visit(node)
        if not isinstance(getattr(node, 'ctx', ast.Load()), ast.Load):
            raise Unsupported('an assignment to something of the code under test')
        inner = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        own = bound_by(node)
        if not (inner - own) & self.bound:
            return self.to_call('_ask', [ast.Constant(ast.unparse(node))], node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            arguments = ast.List([self.visit(part) for part in node.args], ast.Load())
            if any(word.arg is None for word in node.keywords):
                raise Unsupported('keywords that are unpacked')
            named = ast.Dict([ast.Constant(word.arg) for word in node.keywords],
                             [self.visit(word.value) for word in node.keywords])
            return self.to_call('_call', [ast.Constant(name), arguments, named], node)
        raise Unsupported('an attribute of the code under test inside of a loop')

    def to_call(self, name, arguments, node):
        made = ast.Call(ast.Name(name, ast.Load()), arguments, [])
        return ast.copy_location(made, node)


def statements_one_by_one(source, names, keep=lambda node: True):
    # What needs the code under test fails here, and is then asked for.
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in tree.body:
        if keep(node):
            try:
                exec(compile(ast.Module([node], []), '<setup>', 'exec'), names)
            except Exception:
                pass


def is_import(node):
    return isinstance(node, (ast.Import, ast.ImportFrom))


def asserts(setup, reference, tests):
    # Tests as statements that name the code under test.
    names = {'__name__': 'tests'}
    statements_one_by_one(reference, names, is_import)
    imported = set(names)
    statements_one_by_one(setup, names)
    try:
        tree = ast.parse(reference)
    except SyntaxError:
        tree = ast.Module([], [])
    tree.body = [node for node in tree.body if not is_import(node)]
    top = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            top.add(node.name)
        elif not isinstance(node, (ast.If, ast.For, ast.While, ast.Expr)):
            top |= bound_by(node)
    given = set(names) - imported
    modules = set(sys.stdlib_module_names) if hasattr(sys, 'stdlib_module_names') else {'math'}

    def remote(name):
        if name in top and name not in given:
            return True
        if name in names or hasattr(builtins, name):
            return False
        if name in modules:
            try:
                names[name] = __import__(name)
                return False
            except ImportError:
                pass
        return True

    names['_ask'], names['_call'] = ask, call
    for number, test in enumerate(tests):
        before = asked
        try:
            tree = ast.parse(test)
        except SyntaxError:
            return verdict('unsupported', number, 'a test that does not parse')
        if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            return verdict('unsupported', number, 'a test without an assert')
        found = judged(lambda: run(tree, remote, names), number)
        if found:
            return found
        if asked == before:
            return verdict('unsupported', number, 'a test that asks nothing of the code under test')
    return verdict('passed', len(tests), '')


def run(tree, remote, names):
    rewritten = Rewriter(remote, bound_by(tree)).visit(tree)
    exec(compile(ast.fix_missing_locations(rewritten), '<test>', 'exec'), names)


def check(solution, test, entry):
    # A function `check(candidate)`.
    names = {'__name__': 'tests'}

    def whole():
        names[entry] = stand_in = proxy(entry)
        exec(compile(test, '<test>', 'exec'), names)
        if not callable(names.get('check')):
            raise Unsupported('a test without a function `check`')
        names['check'](stand_in)

    def prepared():
        exec(compile(solution, '<solution>', 'exec'), names)

    if judged(prepared, 0):
        return verdict('unsupported', 0, 'a reference that does not run')
    found = judged(whole, 0)
    if found:
        return found
    if not asked:
        return verdict('unsupported', 0, 'a test that asks nothing of the code under test')
    return verdict('passed', 1, '')


def judged(work, number):
    # Nothing when it went well.
    try:
        work()
    except Raised as error:
        return verdict('raised', number, getattr(error, 'named', '?'))
    except AssertionError:
        return verdict('wrong', number, '')
    except Gone:
        return verdict('gone', number, '')
    except Unsupported as error:
        return verdict('unsupported', number, str(error))
    except BaseException as error:
        # Such as adding a number to a text that came instead of a number.
        return verdict('unfit', number, type(error).__name__)
    return None


def verdict(kind, number, about):
    return [kind, number, about]


def main():
    nonce, body = receive()
    setup, solution, tests, entry = read(body, Opaque)
    found = check(solution, tests[0], entry) if entry else asserts(setup, solution, tests)
    send(nonce, write(found))


main()
