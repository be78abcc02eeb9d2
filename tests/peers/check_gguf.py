"""Runs an exported GGUF file in llama.cpp itself and compares with what Skillbelt says.

    pip install numpy xllamacpp
    skillbelt export BELT --base BASE --to gguf --out model.gguf --logits said.json
    python tests/peers/check_gguf.py model.gguf said.json
    skillbelt export BELT --base BASE --to gguf-lora --out belt.gguf --logits said.json
    skillbelt export - --base BASE --to gguf-base --out base.gguf
    python tests/peers/check_gguf.py base.gguf said.json --lora belt.gguf

`said.json` holds token sequences and, for each token, logits or (for encoders) hidden states.
llama.cpp is called through its C interface inside the `xllamacpp` package, with keys and values in
f32, no flash attention and one thread. Exit code 0 if the largest difference is within --bar of the
largest number and the cosine within --bar of one; 1 otherwise.

llama.cpp computes gelu through a table of f16 numbers, and the erf form by the tanh form, so models
with gelu differ by about a thousandth; those with silu or relu by rounding only.
"""

import argparse
import ctypes
import glob
import json
import os
import sys

import numpy as np

WORDS = 96  # larger than any parameter structure; the callee reads its own part only
LAYOUT = {0: 512, 1: 2048, 2: 512, 3: 1, 26: 1, 27: 1}  # defaults that prove the layout
N_CTX, N_BATCH, N_UBATCH, THREADS, THREADS_BATCH = 0, 1, 2, 7, 8
POOLING, FLASH, TYPE_K, TYPE_V, FLAGS = 11, 13, 26, 27, 34


class Words(ctypes.Structure):
    _fields_ = [("w", ctypes.c_uint32 * WORDS)]


class Batch(ctypes.Structure):
    _fields_ = [
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.POINTER(ctypes.c_float)),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    ]


def library():
    import xllamacpp

    path = glob.glob(os.path.join(os.path.dirname(xllamacpp.__file__), "xllamacpp*.so"))[0]
    lib = ctypes.CDLL(path)
    pointers = [
        "llama_model_load_from_file",
        "llama_init_from_model",
        "llama_model_get_vocab",
        "llama_adapter_lora_init",
    ]
    for name in pointers:
        getattr(lib, name).restype = ctypes.c_void_p
    lib.llama_model_default_params.restype = Words
    lib.llama_context_default_params.restype = Words
    lib.llama_batch_init.restype = Batch
    lib.llama_model_has_encoder.restype = lib.llama_model_has_decoder.restype = ctypes.c_bool
    for name in ["llama_get_logits_ith", "llama_get_embeddings_ith"]:
        getattr(lib, name).restype = ctypes.POINTER(ctypes.c_float)
    return lib


def context(lib, model, length, hidden):
    params = lib.llama_context_default_params()
    for place, expected in LAYOUT.items():
        if params.w[place] != expected:
            sys.exit(f"this llama.cpp has another layout of its parameters (word {place})")
    for place in (N_CTX, N_BATCH, N_UBATCH):
        params.w[place] = max(64, length)
    params.w[THREADS] = params.w[THREADS_BATCH] = 1
    params.w[FLASH] = 0
    params.w[TYPE_K] = params.w[TYPE_V] = 0
    if hidden:
        params.w[POOLING] = 0
        params.w[FLAGS] |= 1
    ctx = lib.llama_init_from_model(ctypes.c_void_p(model), params)
    if not ctx:
        sys.exit("llama.cpp made no context")
    return ctypes.c_void_p(ctx)


def fill(lib, ids):
    batch = lib.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i] = token
        batch.pos[i] = i
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = 1
    return batch


def rows(lib, model, ids, hidden, lora):
    """One row of numbers per token of a sequence."""
    ctx = context(lib, model, len(ids), hidden)
    if lora:
        adapters, scales = (ctypes.c_void_p * 1)(lora), (ctypes.c_float * 1)(1.0)
        if lib.llama_set_adapters_lora(ctx, adapters, ctypes.c_size_t(1), scales):
            sys.exit("llama.cpp did not take the LoRA")
    handle = ctypes.c_void_p(model)
    if lib.llama_model_has_encoder(handle) and lib.llama_encode(ctx, fill(lib, ids)):
        sys.exit("llama.cpp could not encode")
    if lib.llama_model_has_decoder(handle) and lib.llama_decode(ctx, fill(lib, ids)):
        sys.exit("llama.cpp could not decode")
    if hidden:
        width = lib.llama_model_n_embd(handle)
        get = lib.llama_get_embeddings_ith
    else:
        width = lib.llama_vocab_n_tokens(ctypes.c_void_p(lib.llama_model_get_vocab(handle)))
        get = lib.llama_get_logits_ith
    found = [np.ctypeslib.as_array(get(ctx, i), (width,)).copy() for i in range(len(ids))]
    lib.llama_free(ctx)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("said")
    parser.add_argument("--lora")
    parser.add_argument("--bar", type=float, default=1e-2)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    lib = library()
    quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
    if not arguments.verbose:
        lib.llama_log_set(quiet, None)
    lib.llama_backend_init()
    model = lib.llama_model_load_from_file(
        arguments.model.encode(), lib.llama_model_default_params()
    )
    if not model:
        sys.exit("llama.cpp did not load the model")
    lora = None
    if arguments.lora:
        lora = lib.llama_adapter_lora_init(ctypes.c_void_p(model), arguments.lora.encode())
        if not lora:
            sys.exit("llama.cpp did not load the LoRA")
    with open(arguments.said) as file:
        said = json.load(file)
    hidden = said["what"] == "hidden"
    found = [row for ids in said["sequences"] for row in rows(lib, model, ids, hidden, lora)]
    found = np.array(found, dtype=np.float64)
    expected = np.array(said["rows"], dtype=np.float64)
    if found.shape != expected.shape:
        sys.exit(f"llama.cpp gives {found.shape}, expected {expected.shape}")
    difference, largest = np.abs(found - expected).max(), np.abs(expected).max()
    cosine = (found * expected).sum() / np.sqrt((found**2).sum() * (expected**2).sum())
    print(
        f"llama.cpp, {said['what']}: largest difference {difference:.2e} of {largest:.3f}, "
        f"cosine {cosine:.9f}; bar {arguments.bar:g}"
    )
    good = difference <= arguments.bar * largest and cosine >= 1 - arguments.bar
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
