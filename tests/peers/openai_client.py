"""The official OpenAI client, unchanged, against `skillbelt serve`: every call that the server knows.

    python3 -m venv /tmp/client && /tmp/client/bin/pip install openai
    skillbelt serve --base BASE-THAT-WRITES --address 127.0.0.1:8642 --api-key k &
    /tmp/client/bin/python tests/peers/openai_client.py http://127.0.0.1:8642/v1 k [--reads-only] [--chat]

`--reads-only` for an encoder: then writing must be refused with an error that the client understands.
`--chat` where the base has a chat template. Ends with 1 if anything is not as it should be.
"""

import base64
import concurrent.futures
import struct
import sys

import openai

address, key = sys.argv[1:3]
reads_only, chats = "--reads-only" in sys.argv, "--chat" in sys.argv
client = openai.OpenAI(base_url=address, api_key=key, max_retries=2)
wrong = 0


def expect(what, holds, seen=""):
    global wrong
    print(f"{'ok   ' if holds else 'WRONG'} {what}{'' if holds else f': {seen}'}")
    wrong += not holds


def as_f32(numbers):
    """As f32 holds them: as numbers they come in as few digits as tell one f32 from another."""
    return struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers))


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    except Exception as error:  # noqa: BLE001: told below
        return print("instead:", type(error), error)
    return None


models = [model.id for model in client.models.list()]
expect("models are listed", len(models) >= 1, models)
name = models[0]
expect("a model is found by its name", client.models.retrieve(name).id == name)

texts = ["int add(int a, int b) { return a + b; }", "def f(x): return x", "fn main() {}"]
# As the client asks by default: in base64, decoded by the client itself.
usual = client.embeddings.create(model=name, input=texts)
plain = client.embeddings.create(model=name, input=texts, encoding_format="float")
expect("embeddings have an order", [one.index for one in usual.data] == [0, 1, 2])
expect("base64 and numbers are the same", all(tuple(a.embedding) == as_f32(b.embedding) for a, b in zip(usual.data, plain.data)))
length = sum(x * x for x in plain.data[0].embedding)
expect("vectors have length one", abs(length - 1) < 1e-4, length)
raw = client.embeddings.with_raw_response.create(model=name, input=texts[0], encoding_format="base64")
coded = raw.http_response.json()["data"][0]["embedding"]
numbers = struct.unpack(f"<{len(plain.data[0].embedding)}f", base64.b64decode(coded))
expect("base64 holds little-endian f32", numbers == as_f32(plain.data[0].embedding))
expect("requests have numbers", bool(raw.headers.get("x-request-id")))
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    asked = [pool.submit(client.embeddings.create, model=name, input=texts[n % 3], encoding_format="float") for n in range(64)]
    same = all(one.result().data[0].embedding == plain.data[n % 3].embedding for n, one in enumerate(asked))
expect("64 at once are each what they are alone", same)

expect("an unknown model is NotFound", refused(openai.NotFoundError, lambda: client.embeddings.create(model="none", input="a")) is not None)
stranger = openai.OpenAI(base_url=address, api_key="not-the-key", max_retries=0)
if key != "none":
    expect("another key is refused", refused(openai.AuthenticationError, lambda: stranger.models.list()) is not None)
error = refused(openai.BadRequestError, lambda: client.embeddings.create(model=name, input=""))
expect("an empty text is a BadRequest with a message", error is not None and bool(error.message))

if reads_only:
    error = refused(openai.BadRequestError, lambda: client.completions.create(model=name, prompt="a"))
    expect("writing is refused by name", error is not None and error.code == "model_does_not_write")
    sys.exit(min(wrong, 1))

whole = client.completions.create(model=name, prompt="def add(a, b):", max_tokens=24, temperature=0)
expect("a completion ends for a reason", whole.choices[0].finish_reason in ("stop", "length"))
expect("usage adds up", whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens)
events = client.completions.create(model=name, prompt="def add(a, b):", max_tokens=24, temperature=0, stream=True, stream_options={"include_usage": True})
pieces, usage = "", None
for event in events:
    pieces += event.choices[0].text if event.choices else ""
    usage = event.usage or usage
expect("pieces are the whole", pieces == whole.choices[0].text, (pieces, whole.choices[0].text))
expect("usage comes last", usage == whole.usage, (usage, whole.usage))
drawn = [client.completions.create(model=name, prompt="def", max_tokens=12, temperature=1.0, seed=seed, n=2) for seed in (1, 1, 2)]
text = [[choice.text for choice in one.choices] for one in drawn]
expect("a seed gives the same texts, another seed others", text[0] == text[1] != text[2], text)
expect("logprobs are refused by name", getattr(refused(openai.BadRequestError, lambda: client.completions.create(model=name, prompt="a", logprobs=3)), "param", None) == "logprobs")
messages = [{"role": "user", "content": "hello"}]
if chats:
    said = client.chat.completions.create(model=name, messages=messages, max_tokens=12)
    expect("a conversation is answered", said.choices[0].message.role == "assistant")
    stream = client.chat.completions.create(model=name, messages=messages, max_tokens=12, stream=True)
    pieces = "".join(event.choices[0].delta.content or "" for event in stream if event.choices)
    expect("its pieces are the whole", pieces == said.choices[0].message.content)
else:
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(model=name, messages=messages))
    expect("a base without a template is refused by name", error is not None and error.code == "no_chat_template")
sys.exit(min(wrong, 1))
