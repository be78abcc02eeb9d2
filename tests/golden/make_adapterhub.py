"""Makes the references of AdapterHub's bottlenecks on ModernBERT again.

    python make_adapterhub.py BASE SOURCE OUT      needs torch, transformers 4.57, adapters 1.3

The library (1.3.0) wraps the fused map of queries, keys and values and leaves random biases in it
where the checkpoint has none, so outputs depend on the seed of whoever ran it and on nothing that
stands in any file. Here those biases are nought, as in the base; `zeroed` in golden.json says so.
BASE is a golden base, SOURCE its `adapters` folder with the library's own files.
"""
import json
import os
import shutil
import sys

import adapters
import torch
import transformers as tf
from safetensors.torch import save_file

BASE, SOURCE, OUT = sys.argv[1:4]
golden = json.load(open(f"{BASE}/golden.json"))


def run(model):
    hidden, logits, total, count = [], [], 0.0, 0
    for ids in golden["inputs"]:
        out = model(torch.tensor([ids]), output_hidden_states=True)
        places = list(range(1, len(ids), 3))
        wanted = torch.tensor([ids[i] for i in places])
        hidden.append(out.hidden_states[-1][0])
        logits.append(out.logits[0])
        total = total + torch.nn.functional.cross_entropy(out.logits[0][places], wanted, reduction="sum")
        count += len(places)
    return torch.cat(hidden), torch.cat(logits), total / count


for kind in ["seq_bn", "double_seq_bn", "par_bn"]:
    model = tf.AutoModelForMaskedLM.from_pretrained(BASE, attn_implementation="eager")
    adapters.init(model)
    name = model.load_adapter(f"{SOURCE}/{kind}")
    model.train_adapter(name)
    model.eval()
    for key, p in model.named_parameters():
        if key.endswith("Wqkv.bias"):
            p.data.zero_()
        p.requires_grad = ".adapters." in key
    trained = [(key, p) for key, p in model.named_parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [p for _, p in trained], lr=golden["lr"], weight_decay=golden["weight_decay"])
    tensors, losses = {}, []
    for step in range(3):
        hidden, logits, loss = run(model)
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            tensors = {"out.hidden": hidden, "out.logits": logits}
            tensors.update({f"grad.{key}": p.grad.clone() for key, p in trained})
        losses.append(loss.item())
        optimiser.step()
    tensors.update({f"after.{key}": p for key, p in trained})
    folder = f"{OUT}/{kind}"
    os.makedirs(folder, exist_ok=True)
    for file in ["adapter_config.json", "pytorch_adapter.bin"]:
        shutil.copyfile(f"{SOURCE}/{kind}/{file}", f"{folder}/{file}")
    save_file({key: t.detach().clone().contiguous() for key, t in tensors.items()}, f"{folder}/golden.safetensors")
    with open(f"{folder}/golden.json", "w") as file:
        json.dump(dict(library="adapters", version=adapters.__version__, zeroed="Wqkv.bias",
                       loss=losses[0], losses=losses), file, indent=1)
    print(kind, losses)
