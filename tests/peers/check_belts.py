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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("belt", help="the belt's folder, or `-` for a merged base")
    parser.add_argument("said")
    parser.add_argument("--base", required=True)
    parser.add_argument("--bar", type=float, default=1e-4)
    arguments = parser.parse_args()
    with open(arguments.said) as file:
        said = json.load(file)
    hidden = said["what"] == "hidden"
    expected = torch.tensor(said["rows"], dtype=torch.float64)
    model = network(arguments.base, hidden)
    moved = None
    if arguments.belt != "-":
        moved = (every_row(model, said, hidden) - expected).abs().max().item()
        model = with_belt(model, arguments.belt)
    found = every_row(model, said, hidden)
    if found.shape != expected.shape:
        sys.exit(f"the library gives {tuple(found.shape)}, expected {tuple(expected.shape)}")
    difference, largest = (found - expected).abs().max().item(), expected.abs().max().item()
    line = f"{said['what']}: largest difference {difference:.2e} of {largest:.3f}; bar {arguments.bar:g}"
    print(line if moved is None else f"{line}; the belt moved them by {moved:.2e}")
    # A belt that moves nothing is compared with nothing.
    moves = moved is None or moved > 10 * arguments.bar * largest
    sys.exit(0 if difference <= arguments.bar * largest and moves else 1)


if __name__ == "__main__":
    main()
