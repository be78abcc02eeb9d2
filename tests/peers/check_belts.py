"""Loads a belt that Skillbelt wrote in the library it was written for, and compares the outputs.

    pip install torch transformers peft
    skillbelt export BELT --base BASE --to peft --out belt --logits said.json
    python tests/peers/check_belts.py belt said.json --base BASE

    pip install torch 'adapters==1.3.0'      # brings the transformers that it needs
    skillbelt export BELT --base BASE --to adapterhub --out belt --logits said.json
    python tests/peers/check_belts.py belt said.json --base BASE

`BASE` is the same folder both times. A merged folder is checked in the same way, without a belt:

    skillbelt export BELT --base BASE --to merged --out merged --logits said.json
    python tests/peers/check_belts.py - said.json --base merged

Which library a belt is for is seen from its `adapter_config.json`. Exit code 0 if the largest
difference is within --bar of the largest number and the belt moved the outputs by far more; 1
otherwise.
"""

import argparse
import json
import os
import sys

import torch
import transformers

# Sums in another order, as a share of the largest number.
BAR = 1e-4


def network(base, hidden):
    """The base with its head for words, in f32; without a head where hidden states are compared."""
    config = transformers.AutoConfig.from_pretrained(base)
    if hidden:
        kind = transformers.AutoModel
    elif config.is_encoder_decoder:
        kind = transformers.AutoModelForSeq2SeqLM
    elif config.model_type in ("bert", "roberta", "modernbert"):
        kind = transformers.AutoModelForMaskedLM
    else:
        kind = transformers.AutoModelForCausalLM
    model = kind.from_pretrained(base, attn_implementation="eager")
    return model.float().eval()


def with_belt(model, belt):
    with open(os.path.join(belt, "adapter_config.json")) as file:
        is_peft = "peft_type" in json.load(file)
    if is_peft:
        import peft

        return peft.PeftModel.from_pretrained(model, belt).eval()
    import adapters

    adapters.init(model)
    name = model.load_adapter(belt)
    model.set_active_adapters(name)
    return model.float().eval()


def rows(model, ids, hidden):
    """One row of numbers per token; an encoder-decoder reads the text and is shown it again."""
    ids = torch.tensor([ids])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    with torch.no_grad():
        output = model(**inputs)
    return (output.last_hidden_state if hidden else output.logits)[0]


def every_row(model, said, hidden):
    return torch.cat([rows(model, ids, hidden) for ids in said["sequences"]]).double()


class Comparison:
    """What a library says of a belt on a base, beside what Skillbelt said."""

    def __init__(self, belt, said, base):
        with open(said) as file:
            said = json.load(file)
        self.what = said["what"]
        hidden = self.what == "hidden"
        expected = torch.tensor(said["rows"], dtype=torch.float64)
        model = network(base, hidden)
        self.moved = None
        if belt != "-":
            self.moved = (every_row(model, said, hidden) - expected).abs().max().item()
            model = with_belt(model, belt)
        found = every_row(model, said, hidden)
        if found.shape != expected.shape:
            sys.exit(f"the library gives {tuple(found.shape)}, expected {tuple(expected.shape)}")
        self.difference = (found - expected).abs().max().item()
        self.largest = expected.abs().max().item()

    def agrees(self, bar):
        # A belt that moves nothing is compared with nothing.
        moves = self.moved is None or self.moved > 10 * bar * self.largest
        return self.difference <= bar * self.largest and moves


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("belt", help="the belt's folder, or `-` for a merged base")
    parser.add_argument("said")
    parser.add_argument("--base", required=True)
    parser.add_argument("--bar", type=float, default=BAR)
    arguments = parser.parse_args()
    found = Comparison(arguments.belt, arguments.said, arguments.base)
    line = f"{found.what}: largest difference {found.difference:.2e} of {found.largest:.3f}"
    print(f"{line}; bar {arguments.bar:g}")
    if found.moved is not None:
        print(f"the belt moved them by {found.moved:.2e}")
    sys.exit(0 if found.agrees(arguments.bar) else 1)


if __name__ == "__main__":
    main()
