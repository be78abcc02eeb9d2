//! Which files of a base are needed: configuration, tokenizer, chat templates, and one form of the weights. It knows
//! names only, and reads an index of shards.

use std::collections::BTreeSet;

use serde_json::Value;

use super::name::file_is_plain;

const WANTED: [&str; 9] = [
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
];

/// How the weights lie there; the first form present is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    Whole(&'static str),
    /// An index that lists the shards.
    Shards(&'static str),
}

const FORMS: [Weights; 4] = [
    Weights::Whole("model.safetensors"),
    Weights::Shards("model.safetensors.index.json"),
    Weights::Whole("pytorch_model.bin"),
    Weights::Shards("pytorch_model.bin.index.json"),
];

impl Weights {
    /// The form that `has` tells of: safetensors before anything else, one file before shards.
    pub(super) fn choose(has: impl Fn(&str) -> bool) -> Option<Weights> {
        FORMS.into_iter().find(|form| has(form.file()))
    }

    pub(super) fn file(self) -> &'static str {
        match self {
            Weights::Whole(file) | Weights::Shards(file) => file,
        }
    }
}

/// Everything needed beside the weights, of the files listed, sorted.
pub(super) fn small_files(listed: &BTreeSet<String>) -> Vec<String> {
    let wanted = |name: &&String| {
        let name = name.as_str();
        let config = name.starts_with("config") && name.ends_with(".json") && !name.contains('/');
        let template = name.starts_with("additional_chat_templates/") && name.ends_with(".jinja");
        config || template || WANTED.contains(&name)
    };
    listed.iter().filter(wanted).cloned().collect()
}

/// The shards that an index names, sorted; `None` if it is no index or a name in it is not plain.
pub(super) fn shards(index: &str) -> Option<Vec<String>> {
    let index: Value = serde_json::from_str(index).ok()?;
    let mut names = BTreeSet::new();
    for name in index.get("weight_map")?.as_object()?.values() {
        names.insert(name.as_str().filter(|name| file_is_plain(name))?.to_owned());
    }
    (!names.is_empty()).then(|| names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_base_needs_is_taken_and_safetensors_come_first() {
        let listed = [
            "README.md",
            "config.json",
            "flax_model.msgpack",
            "model.safetensors",
            "pytorch_model.bin",
            "tokenizer.json",
            "onnx/config.json",
            "additional_chat_templates/tool_use.jinja",
        ];
        let listed: BTreeSet<String> = listed.map(str::to_owned).into();
        assert_eq!(
            small_files(&listed),
            [
                "additional_chat_templates/tool_use.jinja",
                "config.json",
                "tokenizer.json"
            ]
        );
        let chosen = Weights::choose(|name| listed.contains(name));
        assert_eq!(chosen, Some(Weights::Whole("model.safetensors")));
        let only_bin = Weights::choose(|name| name == "pytorch_model.bin");
        assert_eq!(only_bin, Some(Weights::Whole("pytorch_model.bin")));
    }

    #[test]
    fn an_index_that_points_elsewhere_is_refused() {
        let good = r#"{"weight_map": {"b": "m-2.safetensors", "a": "m-1.safetensors", "c": "m-2.safetensors"}}"#;
        assert_eq!(
            shards(good).unwrap(),
            ["m-1.safetensors", "m-2.safetensors"]
        );
        for bad in [
            "",
            "{}",
            r#"{"weight_map": {"a": "../x"}}"#,
            r#"{"weight_map": {"a": 1}}"#,
            r#"{"weight_map": {}}"#,
        ] {
            assert!(shards(bad).is_none(), "{bad}");
        }
    }
}
