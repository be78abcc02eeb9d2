//! Which layer and which group of sites a parameter of a belt belongs to, by its name alone. It
//! knows the words that the families' checkpoints use, and no family.

/// Words of names that stand in attention, and in the feed-forward part.
const ATTENTION: [&str; 6] = ["attention", "attn", "q_proj", "k_proj", "v_proj", "o_proj"];
const FEED_FORWARD: [&str; 9] = [
    "mlp",
    "intermediate",
    "output",
    "dense",
    "ffn",
    "feed_forward",
    "wi",
    "wo",
    "fc",
];

/// Layer and site group of a parameter. The layer is the first number in its path, with `encoder`
/// or `decoder` before it where the path says so; without a number it is `-`.
pub(super) fn place(name: &str) -> (String, &'static str) {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split('.').collect();
    let numbered = words.iter().find(|word| word.parse::<u32>().is_ok());
    let half = words
        .iter()
        .find(|word| ["encoder", "decoder"].contains(*word));
    let layer = match (half, numbered) {
        (Some(half), Some(number)) => format!("{half}.{number}"),
        (None, Some(number)) => (*number).to_owned(),
        (_, None) => "-".to_owned(),
    };
    let holds = |parts: &[&str]| {
        words
            .iter()
            .any(|word| parts.iter().any(|part| word.contains(part)))
    };
    let site = match () {
        () if holds(&ATTENTION) => "attention",
        () if holds(&FEED_FORWARD) => "feed_forward",
        () => "other",
    };
    (layer, site)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn names_of_all_families_tell_layer_and_site() {
        for (name, layer, site) in [
            (
                "encoder.layer.11.attention.self.query.lora_A.weight",
                "encoder.11",
                "attention",
            ),
            (
                "encoder.layer.3.attention.output.dense.lora_B.weight",
                "encoder.3",
                "attention",
            ),
            (
                "encoder.layer.3.output.dense.lora_B.weight",
                "encoder.3",
                "feed_forward",
            ),
            (
                "model.layers.7.self_attn.q_proj.lora_A.weight",
                "7",
                "attention",
            ),
            (
                "model.layers.7.mlp.up_proj.lora_A.weight",
                "7",
                "feed_forward",
            ),
            (
                "decoder.block.2.layer.1.EncDecAttention.q.lora_A.weight",
                "decoder.2",
                "attention",
            ),
            (
                "decoder.block.2.layer.2.DenseReluDense.wi.lora_A.weight",
                "decoder.2",
                "feed_forward",
            ),
            ("belt", "-", "other"),
        ] {
            assert_eq!(place(name), (layer.to_owned(), site), "{name}");
        }
    }
}
