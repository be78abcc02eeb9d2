//! Defaults that depend on something: on the kind of belt, on the type of a task. They are the last
//! layer; what remains open depends on the base, or on the data, and is chosen when those are known.

use crate::recipe::tree::{Node, Origin, Value};

/// What a kind of belt uses, besides `kind`: the key, and its default if it has a fixed one.
pub fn of_belt(kind: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let low_rank = [
        ("lora_r", Some("8")),
        ("lora_alpha", None),
        ("lora_dropout", Some("0")),
        ("target_modules", None),
        ("use_rslora", Some("false")),
        ("rank_pattern", None),
        ("alpha_pattern", None),
    ];
    let adapter = |reduction, curve, scaling| {
        vec![
            ("reduction_factor", Some(reduction)),
            ("non_linearity", Some(curve)),
            ("scaling", Some(scaling)),
        ]
    };
    match kind {
        "lora" | "dora" => low_rank.to_vec(),
        "task_lora" => [low_rank.as_slice(), &[("up_projections", Some("2"))]].concat(),
        "seq_bn" => adapter("16", "relu", "1"),
        "double_seq_bn" => adapter("16", "swish", "1"),
        "par_bn" => adapter("2", "relu", "4"),
        "prefix" => vec![("num_virtual_tokens", Some("20"))],
        _ => Vec::new(),
    }
}

/// What a type of task uses, besides what every task does.
pub fn of_type(kind: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let classes = [
        ("labels", None),
        ("class_weights", None),
        ("undersample", None),
        ("pooling", None),
    ];
    match kind {
        "classify" => [classes.as_slice(), &[("metric", Some("accuracy"))]].concat(),
        "pair" => {
            let own = [("encoding", Some("joint")), ("metric", Some("f1"))];
            [classes.as_slice(), &own].concat()
        }
        "retrieve" => vec![
            ("pooling", None),
            ("max_query_length", Some("64")),
            ("temperature", Some("0.05")),
            ("symmetric", Some("false")),
            ("hard_negatives", Some("0")),
            ("metric", Some("mrr")),
        ],
        "generate" => vec![
            ("max_target_length", Some("128")),
            ("prompt_prefix", None),
            ("prompt_suffix", None),
            ("loss_on_source", Some("false")),
            ("num_beams", Some("1")),
            ("metric", Some("bleu_codexglue")),
        ],
        _ => Vec::new(),
    }
}

/// What every task uses.
pub const OF_EVERY_TASK: [(&str, Option<&str>); 13] = [
    ("preset", None),
    ("type", None),
    ("train", None),
    ("valid", None),
    ("test", None),
    ("format", None),
    ("fields", None),
    ("weight", Some("1")),
    ("batch_size", None),
    ("max_length", Some("256")),
    ("max_train_rows", None),
    ("max_eval_rows", None),
    ("metric", None),
];

/// Lays the defaults under a tree.
pub fn lay_under(tree: &mut Node) {
    let kind = word_at(tree, &["belt", "kind"]).unwrap_or_else(|| "lora".into());
    if let Some(belt) = tree.section("belt", &Origin::Default) {
        lay(belt, &of_belt(&kind));
        let alpha = match (belt.get("lora_r"), belt.get("lora_alpha")) {
            (
                Some(Node {
                    value: Value::Word(rank),
                    ..
                }),
                None,
            ) => rank.parse::<u64>().ok(),
            _ => None,
        };
        if let Some(rank) = alpha {
            let twice = rank.saturating_mul(2).to_string();
            belt.set("lora_alpha", Node::word(Origin::Default, twice));
        }
    }
    let Some(Node {
        value: Value::Map(tasks),
        ..
    }) = tree.section("tasks", &Origin::Default)
    else {
        return;
    };
    for (_, task) in tasks {
        if !matches!(task.value, Value::Map(_)) {
            continue;
        }
        lay(task, &OF_EVERY_TASK);
        if let Some(kind) = word_at(task, &["type"]) {
            lay(task, &of_type(&kind));
        }
    }
}

fn lay(section: &mut Node, defaults: &[(&str, Option<&str>)]) {
    if !matches!(section.value, Value::Map(_)) {
        // It is told as of the wrong kind; keys would hide that.
        return;
    }
    for (key, default) in defaults {
        if let (Some(default), None) = (default, section.get(key)) {
            section.set(key, Node::word(Origin::Default, *default));
        }
    }
}

/// The scalar at a path.
pub fn word_at(tree: &Node, path: &[&str]) -> Option<String> {
    match &tree.at(path)?.value {
        Value::Word(word) => Some(word.clone()),
        _ => None,
    }
}
