//! Presets: what a well-known task needs not be told. They lie under the recipe's own keys.

use crate::recipe::tree::{Node, Origin, Value};

/// A preset, and the keys of a task that it sets. Names of fields are not among them: the readers
/// know those that published sets use, and a map would keep them from looking.
pub struct Preset {
    pub name: &'static str,
    pub meaning: &'static str,
    pub sets: &'static [(&'static str, &'static str)],
}

/// All presets.
pub const PRESETS: [Preset; 7] = [
    Preset {
        name: "defect",
        meaning: "is a function vulnerable (Devign)",
        sets: &[
            ("type", "classify"),
            ("max_length", "400"),
            ("metric", "accuracy"),
        ],
    },
    Preset {
        name: "clone",
        meaning: "do two functions do the same (BigCloneBench)",
        sets: &[
            ("type", "pair"),
            ("max_length", "512"),
            ("encoding", "joint"),
            ("metric", "f1"),
        ],
    },
    Preset {
        name: "search",
        meaning: "which code answers a question (CoSQA, CodeSearchNet)",
        sets: &[
            ("type", "retrieve"),
            ("max_length", "256"),
            ("max_query_length", "64"),
            ("metric", "mrr"),
        ],
    },
    Preset {
        name: "flaky",
        meaning: "is a test flaky (FlakeFlagger); few are",
        sets: &[
            ("type", "classify"),
            ("max_length", "256"),
            ("class_weights", "balanced"),
            ("metric", "auc"),
        ],
    },
    Preset {
        name: "generate",
        meaning: "code from a description (CONCODE)",
        sets: &[
            ("type", "generate"),
            ("prompt_prefix", "generate: "),
            ("max_length", "320"),
            ("max_target_length", "150"),
            ("metric", "bleu_codexglue"),
        ],
    },
    Preset {
        name: "translate",
        meaning: "code from code of another language (CodeTrans)",
        sets: &[
            ("type", "generate"),
            ("format", "parallel_text"),
            ("prompt_prefix", "translate: "),
            ("max_length", "320"),
            ("max_target_length", "256"),
            ("metric", "bleu_codexglue"),
        ],
    },
    Preset {
        name: "summarize",
        meaning: "what code does, in a sentence (CodeSearchNet)",
        sets: &[
            ("type", "generate"),
            ("prompt_prefix", "summarize: "),
            ("max_length", "256"),
            ("max_target_length", "128"),
            ("metric", "bleu_codexglue"),
        ],
    },
];

impl Preset {
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// What it sets under a key.
    pub fn sets(&self, key: &str) -> Option<&'static str> {
        let set = self.sets.iter().find(|(set, _)| *set == key);
        set.map(|(_, value)| *value)
    }

    /// What it sets, as a layer to lie under a task.
    pub fn layer(&self) -> Node {
        let origin = Origin::Preset(self.name);
        let set = |(key, value): &(&str, &str)| {
            let node = Node::word(origin.clone(), *value);
            ((*key).to_owned(), node)
        };
        let value = Value::Map(self.sets.iter().map(set).collect());
        Node { origin, value }
    }
}
