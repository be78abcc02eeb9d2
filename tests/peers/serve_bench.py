"""Requests per second of `skillbelt serve` and of the same model behind a plain PyTorch server, at 1, 8 and
64 clients, each sending one text at a time as fast as it is answered.

    python tests/peers/serve_bench.py torch MODEL-FOLDER PORT [--batch]   # a server, until it is killed
    python tests/peers/serve_bench.py load URL KIND [--seconds 8]        # prints one line per number of clients
    python tests/peers/serve_bench.py alike URL-A URL-B                  # the vectors of both, compared

The peer is torch and transformers behind the standard library's threaded HTTP server: the model in f32, as
many threads as cores, mean pooling, length one, one text per forward pass (as such servers are mostly
written); with `--batch` it gathers what waits, up to 32 texts, and pads them to the longest.
KIND is `embed` ({"inputs": [text]}) or `predict` ({"texts": [text]}); the peer's `predict` has two linear
heads with a softmax on the pooled vector. Texts are functions of 30 to 120 tokens, always the same ones.
"""

import argparse
import http.client
import json
import queue
import sys
import threading
import time
import urllib.parse


def texts():
    """512 different functions of different lengths."""
    all_of_them = []
    for n in range(512):
        lines = [f"    total += values[{k}] * {(n * 31 + k) % 97};" for k in range(1 + n % 7)]
        all_of_them.append(f"int compute_{n}(int *values, int count) {{\n    int total = {n % 13};\n" + "\n".join(lines) + "\n    return total;\n}")
    return all_of_them


def serve_torch(folder, port, batched):
    import os
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(os.cpu_count())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    heads = [torch.nn.Linear(model.config.hidden_size, 2) for _ in range(2)]
    lock = threading.Lock()

    def compute(some):
        with torch.inference_mode():
            inputs = tokenizer(some, padding=True, truncation=True, max_length=256, return_tensors="pt")
            hidden = model(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            return (hidden * mask).sum(1) / mask.sum(1)

    waiting = queue.Queue()

    def gather():
        while True:
            orders = [waiting.get()]
            while len(orders) < 32 and not waiting.empty():
                orders.append(waiting.get())
            pooled = compute([text for text, _ in orders])
            for row, (_, reply) in enumerate(orders):
                reply.put(pooled[row : row + 1])

    if batched:
        threading.Thread(target=gather, daemon=True).start()

    def vectors(some):
        if not batched:
            with lock:
                return compute(some)
        replies = [queue.Queue(1) for _ in some]
        for text, reply in zip(some, replies):
            waiting.put((text, reply))
        return torch.cat([reply.get() for reply in replies])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pooled = vectors(asked.get("inputs") or asked["texts"])
            with torch.inference_mode():
                if self.path == "/embed":
                    answer = torch.nn.functional.normalize(pooled).tolist()
                else:
                    answer = [head(pooled).softmax(-1).tolist() for head in heads]
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256

    Server(("127.0.0.1", port), Handler).serve_forever()


def ask(connection, kind, text):
    body = json.dumps({"inputs": [text]} if kind == "embed" else {"texts": [text]})
    connection.request("POST", f"/{kind}", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {data[:200]}")
    return data


def load(url, kind, clients, seconds):
    where, all_of_them = urllib.parse.urlparse(url).netloc, texts()
    done, begun, stop = [[] for _ in range(clients)], time.monotonic(), threading.Event()

    def client(number):
        connection = http.client.HTTPConnection(where, timeout=60)
        turn = number * 37
        while not stop.is_set():
            before = time.monotonic()
            ask(connection, kind, all_of_them[turn % 512])
            done[number].append(time.monotonic() - before)
            turn += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    times = sorted(t for one in done for t in one)
    return len(times) / took, times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000


def alike(first, second):
    most = 0.0
    connections = [http.client.HTTPConnection(urllib.parse.urlparse(url).netloc, timeout=60) for url in (first, second)]
    for text in texts()[:64]:
        a, b = (json.loads(ask(connection, "embed", text))[0] for connection in connections)
        most = max(most, max(abs(x - y) for x, y in zip(a, b, strict=True)))
    return most


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["torch", "load", "alike"])
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--batch", action="store_true")
    parser.add_argument("--seconds", type=float, default=8)
    args = parser.parse_args()
    if args.what == "torch":
        serve_torch(args.first, int(args.second), args.batch)
    elif args.what == "alike":
        difference = alike(args.first, args.second)
        print(f"largest difference of an element over 64 texts: {difference:.1e}")
        sys.exit(difference > 1e-4)
    else:
        load(args.first, args.second, 4, 2)
        for clients in (1, 8, 64):
            rate, half, slow = load(args.first, args.second, clients, args.seconds)
            print(f"{args.second} {clients:3} clients: {rate:7.1f} requests/s, median {half:6.1f} ms, 99% within {slow:6.1f} ms", flush=True)
