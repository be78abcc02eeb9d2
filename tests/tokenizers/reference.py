"""Writes vectors.json for a tokenizer's folder with the reference library (transformers; works offline).

    python reference.py vectors DIR [OUT]     ids and texts of DIR, by AutoTokenizer, into OUT (default DIR/vectors.json)
    python reference.py vectors DIR OUT roberta|bert     the same through the class that reads only vocabulary files
    python reference.py tiny ROOT             makes the tiny vocabularies of this folder anew under ROOT

Then: SKILLBELT_TOKENIZER=DIR SKILLBELT_VECTORS=OUT cargo test -p skillbelt-model --test reference_tokenizers -- --ignored
"""

import json
import os
import random
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

SNIPPETS = [
    "", " ", "\n", "a", "def add(a, b):\n    return a + b\n", "x=1", "if (x == 10) { return -1; }",
    "for(int i=0;i<n;++i){\tsum+=v[i];}\r\n", "// 注释 comment é ü ñ\n", "print(\"Hello, World!\")  # greet",
    "SELECT * FROM users WHERE id = 42;", "I'm sure they'll say we've won, don't you?", "I'M SURE THEY'LL", "   leading and trailing   ",
    "tabs\t\tand\n\n\nnewlines\r\n\r\n", "snake_case camelCase PascalCase SCREAMING_CASE", "0123456789 3.14159e-10 0xDEADBEEF",
    "emoji 😀👩‍👩‍👧‍👦🇩🇪 end", "東京タワー 한국어 العربية हिन्दी ไทย", "ﬁ ligature Å Å ｆｕｌｌ", "zero\u200bwidth\u00a0nbsp\u3000ideographic",
    "\u0000\u0001\u0007bell", "<s>special</s> <mask> <pad> [CLS] [SEP] [MASK] [UNK] <|endoftext|> <unk>", "word<mask>word <mask> .",
    "a<|im_start|>user\nhi<|im_end|>\n", "\\u00e9 \\n \\t escape", "a" * 120, " " * 70 + "x", "\n" * 9 + "y", "ab " * 40,
    "public static void main(String[] args) { System.out.println(\"ok\"); }", "lambda x: x**2 if x>0 else None", "&mut self -> Result<Vec<u8>, E>",
    "#include <stdio.h>\nint main(void){return 0;}", "key: value\n- item\n  - nested: [1, 2, 3]", "<div class=\"a\">&nbsp;</div>",
    "$var = @array[0]; %hash{'k'} = ~/re+g?ex$/", "naïve café résumé", "ИДЕНТИФИКАТОР идентификатор", "İstanbul ıssız ß ẞ ς σ", "１２３ ①②③ ½ ²", "x\u0301y\u0308 combining",
    "end with space ", "end with spaces   ", " end\n ", "\t", "\t\tif x:\n\t\t\tpass", "a\u2028b\u2029c\u0085d\u000be\u000cf", "don’t “quote” – dash — em…",
    "CamelCase123abc_456", "...!!!???", "a.b.c->d::e", "100,000.00 €$£¥", "ÀÉÎÕÜ àéîõü", "ſ'ſ K", "don't DON'T 'S 's 'Ll",
]


def texts(count):
    """The snippets, then seeded mixtures of pieces and code points."""
    drawn = random.Random(11)
    pieces = [p for s in SNIPPETS for p in s.split(" ") if p] + [" ", "  ", "\n", "\t", "(", ")", "==", "'s"]
    found = list(SNIPPETS)
    while len(found) < count:
        if drawn.random() < 0.5:
            text = "".join(drawn.choice(pieces) + drawn.choice(["", " ", " "]) for _ in range(drawn.randint(1, 14)))
        else:
            marks = [drawn.choice([drawn.randint(32, 126), drawn.randint(160, 0x24F), drawn.randint(0x370, 0xD7FF), drawn.randint(0x1F300, 0x1FAFF), 32, 10]) for _ in range(drawn.randint(1, 16))]
            text = "".join(map(chr, marks))
        found.append(text)
    return found


def load(folder, kind):
    if kind is None:
        from transformers import AutoTokenizer
        return AutoTokenizer.from_pretrained(folder)
    import transformers
    config = {}
    path = os.path.join(folder, "tokenizer_config.json")
    if os.path.exists(path):
        config = {k: v for k, v in json.load(open(path)).items() if k in ("do_lower_case", "add_prefix_space")}
    if kind == "bert":
        return transformers.BertTokenizerFast(vocab=transformers.models.bert.tokenization_bert.load_vocab(os.path.join(folder, "vocab.txt")), **config)
    vocab = json.load(open(os.path.join(folder, "vocab.json")))
    lines = open(os.path.join(folder, "merges.txt"), encoding="utf-8").read().split("\n")
    merges = [tuple(l.split(" ")) for i, l in enumerate(lines) if l and not (i == 0 and l.startswith("#version"))]
    from transformers import AddedToken
    mask = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
    return transformers.RobertaTokenizerFast(vocab=vocab, merges=merges, mask_token=mask, **config)


def vectors(folder, out, kind=None, count=200, pairs=True):
    tokenizer = load(folder, kind)
    rows = []
    for text in texts(count):
        ids = tokenizer(text)["input_ids"]
        rows.append({"text": text, "ids": ids, "plain": tokenizer(text, add_special_tokens=False)["input_ids"],
                     "pair": tokenizer(text, "x y")["input_ids"],
                     "decoded": tokenizer._tokenizer.decode(ids, skip_special_tokens=True)})
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"rows": rows}, file, ensure_ascii=False, separators=(",", ":"))
    print(len(rows), out)


def tiny(root):
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    corpus = [t for t in texts(400)] * 3
    alphabet = pre_tokenizers.ByteLevel.alphabet()

    def write(name, files):
        folder = os.path.join(root, name)
        os.makedirs(folder, exist_ok=True)
        for file, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=None)
            open(os.path.join(folder, file), "w", encoding="utf-8").write(text)
        return folder

    def byte_level(pre, special, size=560, normalizer=None):
        t = Tokenizer(models.BPE())
        if normalizer:
            t.normalizer = normalizer
        t.pre_tokenizer, t.decoder = pre, decoders.ByteLevel()
        t.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False))
        return t

    def files(t):
        model = json.loads(t.to_str())["model"]
        return {"vocab.json": model["vocab"], "merges.txt": "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in model["merges"])}

    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<encoder-only>", "<decoder-only>", "<encoder-decoder>"]
    folder = write("roberta_files", files(byte_level(plain, special)) | {"tokenizer_config.json": {"tokenizer_class": "RobertaTokenizer", "additional_special_tokens": special[5:], "mask_token": {"content": "<mask>", "lstrip": True, "rstrip": False, "single_word": False, "normalized": False, "__type": "AddedToken"}}, "config.json": {"model_type": "roberta"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)
    folder = write("gpt_files", files(byte_level(plain, ["<|endoftext|>"])) | {"tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}, "config.json": {"model_type": "gpt2"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t = byte_level(split, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC())
    folder = write("qwen_split", {"tokenizer.json": t.to_str(), "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)
    steps = [Regex("[\r\n]"), Regex(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+"), Regex(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), Regex(r"\s+$"), Regex("[一-龥ࠀ-一가-퟿]+")]
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(s, "isolated") for s in steps] + [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t = byte_level(split, ["<begin>", "<end>"])
    t.post_processor = processors.TemplateProcessing(single="<begin> $A", pair="<begin> $A <begin> $B", special_tokens=[("<begin>", 0)])
    folder = write("stepwise_split", {"tokenizer.json": t.to_str(), "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<begin>", "eos_token": "<end>"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=500, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    lines = sorted(t.get_vocab().items(), key=lambda e: e[1])
    folder = write("bert_files", {"vocab.txt": "".join(token + "\n" for token, _ in lines), "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True}, "config.json": {"model_type": "bert"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer, t.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    t.train_from_iterator([c for c in corpus if c.isascii()], trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    folder = write("unigram", {"tokenizer.json": t.to_str(), "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    fallback = [f"<0x{b:02X}>" for b in range(256)]
    t.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>", "<s>", "</s>"] + fallback, limit_alphabet=80, max_token_length=12, show_progress=False))
    recipe = json.loads(t.to_str())
    recipe["added_tokens"] = recipe["added_tokens"][:3]
    recipe["decoder"] = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    recipe["post_processor"] = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    folder = write("byte_fallback", {"tokenizer.json": recipe, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}})
    vectors(folder, os.path.join(folder, "vectors.json"), count=90)


if __name__ == "__main__":
    if sys.argv[1] == "tiny":
        tiny(sys.argv[2])
    else:
        folder = sys.argv[2]
        vectors(folder, sys.argv[3] if len(sys.argv) > 3 else os.path.join(folder, "vectors.json"), *(sys.argv[4:5] or [None]))
