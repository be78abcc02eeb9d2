"""Expected outputs of generation for the tiny checkpoints beside this file.

Writes roberta/sight.json: greedy continuations by an encoder that is made to look back only
(`causal`), or whole within the prompt and back after it (`prefix`), as UniXcoder is; with the logit of each token.
Writes <family>/beam.json: for each of a few settings, what the reference library's `generate`
gives for every input of golden.json, each input alone. The settings name end tokens of their own
choice, because random weights hardly ever choose the real ones.

    python make_generation.py [FAMILY ...]        # needs torch and transformers
"""

import json
import pathlib
import sys

import torch
import transformers

HERE = pathlib.Path(__file__).parent
FAMILIES = ["llama", "qwen2", "mistral", "starcoder2", "gpt_bigcode", "t5", "t5_gated"]
COMMON = [
    dict(num_beams=1, repetition_penalty=1.3),
    dict(num_beams=1, min_new_tokens=8),
    dict(num_beams=3, length_penalty=1.0, early_stopping=False),
    dict(num_beams=4, length_penalty=0.0, early_stopping=False),
    dict(num_beams=4, length_penalty=2.0, early_stopping=True),
    dict(num_beams=5, length_penalty=-1.0, early_stopping="never"),
    dict(num_beams=2, length_penalty=1.5, early_stopping="never"),
    dict(num_beams=3, length_penalty=1.0, early_stopping=True, repetition_penalty=1.5, min_new_tokens=4),
]
MAX_NEW_TOKENS = 12


def open_model(family):
    folder = HERE / family
    t5 = family.startswith("t5")
    kind = transformers.AutoModelForSeq2SeqLM if t5 else transformers.AutoModelForCausalLM
    return kind.from_pretrained(folder, torch_dtype=torch.float32).eval(), t5


def ends_for(model, inputs, t5):
    """Tokens that a search without ends writes in the middle of its texts."""
    seen = []
    for ids in inputs:
        out = model.generate(
            torch.tensor([ids]), num_beams=3, do_sample=False, max_new_tokens=MAX_NEW_TOKENS, eos_token_id=511
        )[0].tolist()
        new = out[1:] if t5 else out[len(ids):]
        seen += [new[4], new[9]]
    return sorted(set(seen))


def expect(model, ids, t5, ends, settings):
    out = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=False,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_token_id=ends,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_scores=True,
        **settings,
    )
    tokens = out.sequences[0].tolist()
    score = getattr(out, "sequences_scores", None)
    return dict(tokens=tokens[1:] if t5 else tokens[len(ids):], score=None if score is None else score[0].item())


def make(family):
    model, t5 = open_model(family)
    inputs = json.loads((HERE / family / "golden.json").read_text())["inputs"]
    ends = ends_for(model, inputs, t5)
    cases = []
    for number, settings in enumerate(COMMON):
        chosen = ends[: 1 + number % 3]
        written = [expect(model, ids, t5, chosen, settings) for ids in inputs]
        cases.append(dict(settings=settings, ends=chosen, written=written))
    result = dict(transformers=transformers.__version__, max_new_tokens=MAX_NEW_TOKENS, cases=cases)
    (HERE / family / "beam.json").write_text(json.dumps(result, indent=1) + "\n")
    short = sum(len(w["tokens"]) < MAX_NEW_TOKENS for case in cases for w in case["written"])
    print(family, "ended early:", short, "of", sum(len(case["written"]) for case in cases))


def make_sight(family):
    folder = HERE / family
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = json.loads((folder / "golden.json").read_text())["inputs"]
    result = dict(transformers=transformers.__version__)
    for sight in ("causal", "prefix"):
        result[sight] = []
        for prompt in inputs:
            ids, scores = list(prompt), []
            for _ in range(MAX_NEW_TOKENS):
                seen = torch.tril(torch.ones(len(ids), len(ids)))
                if sight == "prefix":
                    seen[: len(prompt), : len(prompt)] = 1
                hidden_away = (1 - seen) * torch.finfo(torch.float32).min
                with torch.no_grad():
                    logits = model(torch.tensor([ids]), attention_mask=hidden_away[None, None]).logits
                scores.append(logits[0, -1].max().item())
                ids.append(logits[0, -1].argmax().item())
            result[sight].append(dict(tokens=ids[len(prompt):], logits=scores))
    (folder / "sight.json").write_text(json.dumps(result, indent=1) + "\n")
    print(family, result)


for family in sys.argv[1:] or FAMILIES + ["roberta"]:
    make_sight(family) if family == "roberta" else make(family)
