"""Clients that mean no good, against `skillbelt serve`: half-open connections and malformed requests, by
the thousand, while an honest client keeps asking. Tells the server's memory before, during and after.

    skillbelt serve --base BASE --address 127.0.0.1:8642 --log none & 
    python3 tests/peers/serve_storm.py 127.0.0.1:8642 $! [--half-open 10000] [--malformed 100000]

Ends with 1 if the server is gone, answers an honest client wrongly or with a status of 500, or does not
give its memory a bound (twice what it had at first, and 200 MB).
"""

import argparse
import collections
import json
import random
import selectors
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("pid", type=int)
parser.add_argument("--half-open", type=int, default=10_000)
parser.add_argument("--malformed", type=int, default=100_000)
args = parser.parse_args()
host, port = args.address.rsplit(":", 1)
where = (host, int(port))
draw = random.Random(1)


def memory():
    lines = open(f"/proc/{args.pid}/status").read().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return kib["VmRSS"] / 1024, kib["VmHWM"] / 1024


def honest():
    body = json.dumps({"inputs": ["int add(int a, int b) { return a + b; }"]}).encode()
    request = urllib.request.Request(f"http://{args.address}/embed", body, {"Content-Type": "application/json"})
    begun = time.monotonic()
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer), time.monotonic() - begun


HEAD = b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
WHOLE = b'{"inputs": ["a text", "another"], "normalize": true}'
BEGINNINGS = [b"", b"G", b"POST /embed HTTP/1.1\r\n", HEAD, HEAD + b"Content-Length: 1000\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"]


def mutated():
    kind = draw.randrange(5)
    if kind == 0:
        return draw.randbytes(draw.randrange(1, 400))
    body = bytearray(WHOLE)
    if kind <= 2:
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(body))
            body[at : at + draw.randrange(3)] = draw.randbytes(draw.randrange(3))
    length = len(body) + (draw.choice([0, 0, 0, -3, 7, 10**9, 10**30]) if kind == 3 else 0)
    whole = bytearray(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % length + bytes(body))
    if kind == 4:
        for _ in range(draw.randrange(1, 8)):
            at = draw.randrange(len(whole))
            whole[at : at + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
    return bytes(whole)


def half_open(count):
    """So many connections with the beginning of a request each, all open as long as the server lets them."""
    held = []
    for number in range(count):
        one = socket.socket()
        one.settimeout(5)
        try:
            one.connect(where)
            one.sendall(BEGINNINGS[number % len(BEGINNINGS)])
        except OSError:
            pass
        held.append(one)
    return held


def malformed(count, at_once=256, patience=0.5):
    """Sends so many mutated requests, `at_once` at a time, and counts the statuses. Hangs up on a server that
    says nothing for a while: it waits for the rest of a request that has none."""
    statuses, left, open_now = {}, count, 0
    chooser = selectors.DefaultSelector()
    until = collections.deque()
    while left or open_now:
        while left and open_now < at_once:
            one = socket.socket()
            one.settimeout(5)
            try:
                one.connect(where)
                one.sendall(mutated())
            except OSError:
                pass
            one.setblocking(False)
            chooser.register(one, selectors.EVENT_READ, bytearray())
            until.append((time.monotonic() + patience, one))
            left, open_now = left - 1, open_now + 1
        ready = [key for key, _ in chooser.select(0.05)]
        while until and until[0][0] < time.monotonic():
            one = until.popleft()[1]
            if one.fileno() >= 0:
                ready.append(chooser.get_key(one))
        for key in ready:
            if key.fileobj.fileno() < 0:
                continue
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            key.data.extend(data)
            if not data:
                first = bytes(key.data[:12]).split(b" ")
                status = first[1].decode() if len(first) > 1 and first[0].startswith(b"HTTP/") else "none"
                statuses[status] = statuses.get(status, 0) + 1
                chooser.unregister(key.fileobj)
                key.fileobj.close()
                open_now -= 1
    return statuses


wrong = []
expected, _ = honest()
at_first = memory()
print(f"at first: {at_first[0]:.0f} MB")
times, stop = [], threading.Event()


def keep_asking():
    while not stop.is_set():
        try:
            found, seconds = honest()
            times.append(seconds)
            if found != expected:
                wrong.append("another answer")
        except (OSError, urllib.error.URLError) as error:
            wrong.append(f"an honest client: {error!r}")
        time.sleep(0.05)


asking = threading.Thread(target=keep_asking)
asking.start()
begun = time.monotonic()
held = half_open(args.half_open)
print(f"{len(held)} half-open connections in {time.monotonic() - begun:.0f} s: {memory()[0]:.0f} MB")
begun = time.monotonic()
statuses = malformed(args.malformed)
seconds = time.monotonic() - begun
print(f"{args.malformed} malformed requests in {seconds:.0f} s: {memory()[0]:.0f} MB, {dict(sorted(statuses.items()))}")
stop.set()
asking.join()
for one in held:
    one.close()
now, most = memory()
times.sort()
print(f"in the end: {now:.0f} MB, at most {most:.0f} MB; {len(times)} honest requests, the slowest {times[-1] * 1000:.0f} ms, half within {times[len(times) // 2] * 1000:.0f} ms")
if honest()[0] != expected:
    wrong.append("another answer in the end")
if any(status.startswith("5") for status in statuses):
    wrong.append(f"a status of 500: {statuses}")
if most > 2 * at_first[0] + 200:
    wrong.append(f"{most:.0f} MB")
for one in sorted(set(wrong))[:10]:
    print("WRONG", one)
sys.exit(bool(wrong))
