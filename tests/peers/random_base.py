"""Writes a small base with random weights: an encoder-decoder as CodeT5, or a decoder as Qwen2.

    python tests/peers/random_base.py t5 OUT --words data/tokenizer-codet5 --width 96 --layers 2

Nothing but Python itself is needed. The words are the first ones of a byte-level vocabulary, so that
a small base has few of them; weights are drawn as the families' own code draws them.
"""

import argparse
import array
import json
import os
import random
import struct

SPECIALS = 4  # <pad>, <s>, </s>, <unk>
BYTES = 256


def words(folder, out, count):
    """The first merges of a vocabulary, and the words that they make."""
    with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as file:
        known = json.load(file)
    with open(os.path.join(folder, "merges.txt"), encoding="utf-8") as file:
        merges = [line for line in file.read().splitlines() if line and not line.startswith("#version")]
    merges = merges[: count - SPECIALS - BYTES]
    kept = {word: number for word, number in known.items() if number < SPECIALS + BYTES}
    for merge in merges:
        word = merge.replace(" ", "")
        kept.setdefault(word, len(kept))
    with open(os.path.join(out, "vocab.json"), "w", encoding="utf-8") as file:
        json.dump(kept, file, ensure_ascii=False)
    with open(os.path.join(out, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(["#version: 0.2", *merges, ""]))
    return len(kept)


def t5(width, layers, count):
    heads, head_width, inner = 4, width // 4, 4 * width
    shapes = {"shared.weight": ([count, width], 1.0)}

    def attention(place):
        shapes[f"{place}.q.weight"] = ([width, width], (width * head_width) ** -0.5)
        for name in "kvo":
            shapes[f"{place}.{name}.weight"] = ([width, width], width**-0.5)

    for stack in ("encoder", "decoder"):
        for layer in range(layers):
            block = f"{stack}.block.{layer}.layer"
            parts = ["SelfAttention"] + ["EncDecAttention"] * (stack == "decoder")
            for number, part in enumerate(parts):
                attention(f"{block}.{number}.{part}")
                shapes[f"{block}.{number}.layer_norm.weight"] = ([width], None)
            last = f"{block}.{len(parts)}"
            shapes[f"{last}.DenseReluDense.wi.weight"] = ([inner, width], width**-0.5)
            shapes[f"{last}.DenseReluDense.wo.weight"] = ([width, inner], inner**-0.5)
            shapes[f"{last}.layer_norm.weight"] = ([width], None)
        bias = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        shapes[bias] = ([32, heads], width**-0.5)
        shapes[f"{stack}.final_layer_norm.weight"] = ([width], None)
    config = {
        "model_type": "t5",
        "architectures": ["T5ForConditionalGeneration"],
        "d_model": width,
        "d_kv": head_width,
        "d_ff": inner,
        "num_heads": heads,
        "num_layers": layers,
        "num_decoder_layers": layers,
        "feed_forward_proj": "relu",
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "layer_norm_epsilon": 1e-6,
        "is_encoder_decoder": True,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": 2,
        "vocab_size": count,
        "tie_word_embeddings": True,
    }
    return config, shapes, "RobertaTokenizer"


def qwen2(width, layers, count):
    heads, pairs, inner = 4, 2, 3 * width
    small = pairs * width // heads
    shapes = {"model.embed_tokens.weight": ([count, width], 0.02)}
    for layer in range(layers):
        place = f"model.layers.{layer}"
        for name, outputs in (("q", width), ("k", small), ("v", small)):
            shapes[f"{place}.self_attn.{name}_proj.weight"] = ([outputs, width], width**-0.5)
            shapes[f"{place}.self_attn.{name}_proj.bias"] = ([outputs], 0.02)
        shapes[f"{place}.self_attn.o_proj.weight"] = ([width, width], width**-0.5)
        for name in ("gate", "up"):
            shapes[f"{place}.mlp.{name}_proj.weight"] = ([inner, width], width**-0.5)
        shapes[f"{place}.mlp.down_proj.weight"] = ([width, inner], inner**-0.5)
        for name in ("input_layernorm", "post_attention_layernorm"):
            shapes[f"{place}.{name}.weight"] = ([width], None)
    shapes["model.norm.weight"] = ([width], None)
    config = {
        "model_type": "qwen2",
        "architectures": ["Qwen2ForCausalLM"],
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": pairs,
        "hidden_act": "silu",
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "pad_token_id": 0,
        "eos_token_id": 2,
        "vocab_size": count,
        "tie_word_embeddings": True,
    }
    return config, shapes, "Qwen2Tokenizer"


def write_weights(path, shapes, seed):
    """safetensors: the length of the header, the header, the numbers. `None` stands for ones."""
    draw = random.Random(seed)
    header, numbers, at = {}, [], 0
    for key in sorted(shapes):
        shape, spread = shapes[key]
        length = 1
        for size in shape:
            length *= size
        drawn = (1.0 if spread is None else draw.gauss(0.0, spread) for _ in range(length))
        numbers.append(array.array("f", drawn))
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * length]}
        at += 4 * length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for part in numbers:
            part.tofile(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=["t5", "qwen2"])
    parser.add_argument("out")
    parser.add_argument("--words", required=True, help="a folder with vocab.json and merges.txt")
    parser.add_argument("--count", type=int, default=4096, help="words of the vocabulary")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    count = words(arguments.words, arguments.out, arguments.count)
    family = {"t5": t5, "qwen2": qwen2}[arguments.family]
    config, shapes, tokenizer = family(arguments.width, arguments.layers, count)
    write_weights(os.path.join(arguments.out, "model.safetensors"), shapes, arguments.seed)
    settings = {"tokenizer_class": tokenizer, "clean_up_tokenization_spaces": False, "eos_token": "</s>",
                "pad_token": "<pad>", "unk_token": "<unk>"}
    for name, content in (("config.json", config), ("tokenizer_config.json", settings)):
        with open(os.path.join(arguments.out, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)


if __name__ == "__main__":
    main()
