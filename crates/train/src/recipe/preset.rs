//! Presets: what a well-known task needs not be told. They lie under the recipe's own keys.

use crate::recipe::tree::{Node, Origin, Value};

/// A preset, and what it sets: keys of a task, `fields.` for names in the files.
pub struct Preset {
    pub name: &'static str,
    pub meaning: &'static str,
    pub sets: &'static [(&'static str, &'static str)],
}

/// All presets. Fields are named as CodeXGLUE and FlakeFlagger name them.
pub const PRESETS: [Preset; 7] = [
    Preset {
        name: "defect",
        meaning: "is a function vulnerable (Devign)",
        sets: &[
            ("type", "classify"),
            ("fields.text", "func"),
            ("fields.label", "target"),
            ("fields.id", "idx"),
            ("max_length", "400"),
            ("metric", "accuracy"),
        ],
    },
    Preset {
        name: "clone",
        meaning: "do two functions do the same (BigCloneBench)",
        sets: &[
            ("type", "pair"),
            ("fields.text", "func1"),
            ("fields.text_b", "func2"),
            ("fields.label", "label"),
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
            ("fields.query", "docstring"),
            ("fields.candidate", "code"),
            ("fields.id", "idx"),
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
            ("fields.text", "code"),
            ("fields.label", "flaky"),
            ("fields.id", "test"),
            ("fields.group", "project"),
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
            ("fields.source", "nl"),
            ("fields.target", "code"),
            ("prompt_prefix", "generate: "),
            ("max_length", "320"),
            ("max_target_length", "150"),
            ("metric", "bleu"),
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
            ("metric", "bleu"),
        ],
    },
    Preset {
        name: "summarize",
        meaning: "what code does, in a sentence (CodeSearchNet)",
        sets: &[
            ("type", "generate"),
            ("fields.source", "code"),
            ("fields.target", "docstring"),
            ("prompt_prefix", "summarize: "),
            ("max_length", "256"),
            ("max_target_length", "128"),
            ("metric", "bleu"),
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

    /// What it sets, as a layer to lie under a task. Layouts that fix the names of fields themselves
    /// get none from here.
    pub fn layer(&self, task: &Node) -> Node {
        let origin = Origin::Preset(self.name);
        let value = Value::Map(Vec::new());
        let mut layer = Node {
            origin: origin.clone(),
            value,
        };
        let format = match task.get("format").map(|node| &node.value) {
            Some(Value::Word(word)) => Some(word.as_str()),
            _ => None,
        };
        let fixed = format.is_some_and(|word| FIXED_FIELDS.contains(&word));
        for (key, value) in self.sets {
            let node = Node::word(origin.clone(), *value);
            match key.strip_prefix("fields.") {
                Some(_) if fixed => {}
                Some(field) => {
                    if let Some(fields) = layer.section("fields", &origin) {
                        fields.set(field, node);
                    }
                }
                None => layer.set(key, node),
            }
        }
        layer
    }
}

/// Layouts in which fields have names of their own.
const FIXED_FIELDS: [&str; 5] = [
    "parallel_text",
    "bigclonebench",
    "poj104",
    "cosqa",
    "messages",
];
