"""Makes further golden bases, of other shapes and seeds, in the layout of this folder.

    python make_references.py OUT SEED          needs torch, transformers, peft, safetensors
    SKILLBELT_GOLDEN=OUT cargo test -p skillbelt-train --test golden

Sizes, head counts, windows, lengths and weights are drawn from the seed. Each base comes with its
hidden states, logits, loss, all gradients, the losses of three AdamW steps, and two LoRA.
"""
import json
import os
import random
import sys

import torch
import transformers as tf
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

OUT, SEED = sys.argv[1], int(sys.argv[2])
draw = random.Random(SEED)
torch.manual_seed(SEED)
LR, DECAY = draw.choice([1e-3, 5e-4]), draw.choice([0.01, 0.1])


def bert_sizes():
    heads = draw.choice([1, 2, 3, 4])
    return dict(
        vocab_size=draw.choice([131, 300, 512]), hidden_size=heads * draw.choice([8, 12, 16, 20]),
        num_attention_heads=heads, num_hidden_layers=draw.choice([1, 2, 3]),
        intermediate_size=draw.choice([33, 64, 130]), max_position_embeddings=140,
    )


def llama_sizes():
    kv = draw.choice([1, 2])
    heads = kv * draw.choice([1, 2, 3])
    return dict(
        vocab_size=draw.choice([131, 300, 512]), hidden_size=heads * draw.choice([8, 12, 16]),
        num_attention_heads=heads, num_key_value_heads=kv, num_hidden_layers=draw.choice([1, 2, 3]),
        intermediate_size=draw.choice([33, 64, 130]), max_position_embeddings=140,
        bos_token_id=0, eos_token_id=0, pad_token_id=1,
    )


def t5_sizes():
    return dict(
        vocab_size=draw.choice([97, 300]), d_model=draw.choice([24, 40, 64]), d_kv=draw.choice([8, 12]),
        d_ff=draw.choice([33, 96]), num_layers=2, num_decoder_layers=draw.choice([1, 3]),
        num_heads=draw.choice([1, 3, 4]), relative_attention_num_buckets=draw.choice([8, 16, 32]),
        relative_attention_max_distance=draw.choice([40, 128]), decoder_start_token_id=0,
        pad_token_id=0, eos_token_id=1, dropout_rate=0.0,
    )




NO_DROPOUT = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
FAMILIES = {
    "bert": lambda: tf.BertForMaskedLM(tf.BertConfig(
        **bert_sizes(), **NO_DROPOUT, hidden_act=draw.choice(["gelu", "relu", "gelu_new"]))),
    "roberta": lambda: tf.RobertaForMaskedLM(tf.RobertaConfig(**bert_sizes(), **NO_DROPOUT, type_vocab_size=1)),
    "modernbert": lambda: tf.ModernBertForMaskedLM(tf.ModernBertConfig(
        **bert_sizes(), local_attention=draw.choice([6, 11, 20]), global_attn_every_n_layers=draw.choice([1, 2, 3]),
        pad_token_id=1, bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2)),
    "llama": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(
        **llama_sizes(), attention_bias=draw.random() < 0.5, tie_word_embeddings=draw.random() < 0.5)),
    "mistral": lambda: tf.MistralForCausalLM(tf.MistralConfig(**llama_sizes(), sliding_window=draw.choice([1, 7, 30]))),
    "qwen2": lambda: tf.Qwen2ForCausalLM(tf.Qwen2Config(**llama_sizes(), tie_word_embeddings=draw.random() < 0.5)),
    "starcoder2": lambda: tf.Starcoder2ForCausalLM(tf.Starcoder2Config(
        **llama_sizes(), sliding_window=draw.choice([5, 19, None]), residual_dropout=0.0, embedding_dropout=0.0)),
    "gpt_bigcode": lambda: tf.GPTBigCodeForCausalLM(tf.GPTBigCodeConfig(
        vocab_size=300, n_positions=140, n_embd=48, n_head=draw.choice([2, 3, 6]), n_layer=2,
        n_inner=draw.choice([50, 192]), multi_query=draw.random() < 0.5, resid_pdrop=0.0, embd_pdrop=0.0,
        attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, pad_token_id=1)),
    "t5": lambda: tf.T5ForConditionalGeneration(tf.T5Config(**t5_sizes(), feed_forward_proj="relu")),
    "t5_gated": lambda: tf.T5ForConditionalGeneration(tf.T5Config(
        **t5_sizes(), feed_forward_proj="gated-gelu", tie_word_embeddings=False)),
}
STYLES = {"bert": "bert", "roberta": "bert", "modernbert": "bert", "t5": "t5", "t5_gated": "t5"}


class Case:
    """The texts of one base, and its loss on them, each sequence alone (so that nothing is padded)."""

    def __init__(self, name, model):
        self.style = STYLES.get(name, "gpt")
        vocabulary = model.config.vocab_size
        text = lambda length: [draw.randrange(5, vocabulary) for _ in range(length)]
        self.inputs = [text(draw.choice([2, 5, 9, 17, 40, 66, 97])) for _ in range(draw.choice([1, 3, 5]))]
        self.prompts = [draw.randrange(1, len(ids)) for ids in self.inputs] if self.style == "gpt" else None
        self.targets = [text(draw.choice([1, 4, 23])) + [1] for _ in self.inputs] if self.style == "t5" else None

    def run(self, model):
        hidden, logits, total, count = [], [], 0.0, 0
        for place, ids in enumerate(self.inputs):
            x = torch.tensor([ids])
            if self.style == "t5":
                labels = self.targets[place]
                out = model(input_ids=x, labels=torch.tensor([labels]))
                hidden.append(out.encoder_last_hidden_state[0])
                rows, wanted = out.logits[0], labels
            else:
                core = model.get_base_model() if hasattr(model, "get_base_model") else model
                hidden.append(core.base_model(x).last_hidden_state[0])
                out = model(input_ids=x)
                if self.style == "bert":
                    places = list(range(1, len(ids), 3))
                    rows, wanted = out.logits[0][places], [ids[i] for i in places]
                else:
                    start = self.prompts[place]
                    rows, wanted = out.logits[0][start - 1:-1], ids[start:]
            logits.append(out.logits[0])
            if wanted:
                total = total + torch.nn.functional.cross_entropy(rows, torch.tensor(wanted), reduction="sum")
                count += len(wanted)
        return torch.cat(hidden), torch.cat(logits), total / count

    def record(self, model):
        """Outputs, first gradients, the losses of three steps and the trained weights after them."""
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW([p for _, p in trained], lr=LR, weight_decay=DECAY)
        tensors, losses = {}, []
        for step in range(3):
            hidden, logits, loss = self.run(model)
            optimiser.zero_grad()
            loss.backward()
            if step == 0:
                tensors["out.encoder_hidden" if self.style == "t5" else "out.hidden"] = hidden
                tensors["out.logits"] = logits
                tensors.update({f"grad.{name}": p.grad.clone() for name, p in trained})
            losses.append(loss.item())
            optimiser.step()
        tensors.update({f"after.{name}": p.clone() for name, p in trained})
        return {k: v.detach().contiguous() for k, v in tensors.items()}, losses


def main():
    for name, make in FAMILIES.items():
        folder = f"{OUT}/{name}"
        model = make().eval()
        for p in model.parameters():
            if p.dim() > 1:
                torch.nn.init.normal_(p, std=0.12)
            else:
                p.data.add_(torch.randn_like(p) * 0.1)
        model.tie_weights()
        model.save_pretrained(folder)
        case = Case(name, model)
        for belt, settings in {
            "lora_qv": dict(r=4, lora_alpha=8), "lora_all_rslora": dict(r=3, lora_alpha=6, use_rslora=True),
        }.items():
            make_belt(name, belt, settings, case, folder)
        tensors, losses = case.record(model)
        tensors = {k.replace("grad.", "full.grad.", 1): v for k, v in tensors.items() if not k.startswith("after.")}
        save_file(tensors, f"{folder}/golden.safetensors")
        write(f"{folder}/golden.json", dict(
            style=case.style, inputs=case.inputs, prompt_lens=case.prompts, targets=case.targets, lr=LR,
            weight_decay=DECAY, transformers=tf.__version__ if name != "modernbert" else "last_hidden_state",
            loss=losses[0], full_losses=losses))
        print(name, losses[0])


QUERY_VALUE = {
    "bert": ["query", "value"], "roberta": ["query", "value"], "modernbert": ["Wqkv"],
    "gpt_bigcode": ["c_attn"], "t5": ["q", "v"], "t5_gated": ["q", "v"],
}


def make_belt(name, belt, settings, case, base):
    folder = f"{base}/adapters/{belt}"
    model = getattr(tf, json.load(open(f"{base}/config.json"))["architectures"][0]).from_pretrained(base)
    linear = {n.rsplit(".", 1)[-1] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    sites = sorted(linear - {"lm_head", "decoder"}) if "all" in belt else QUERY_VALUE.get(name, ["q_proj", "v_proj"])
    model = get_peft_model(model, LoraConfig(target_modules=sites, lora_dropout=0.0, **settings)).eval()
    for key, p in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(p, std=0.1)
    model.save_pretrained(folder)
    tensors, losses = case.record(model)
    save_file(tensors, f"{folder}/golden.safetensors")
    write(f"{folder}/golden.json", dict(library="peft", loss=losses[0], losses=losses))


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump(value, file, indent=1)


main()
