//! The tasks: files that are there, keys that the type uses, words and ranges, and whether texts fit
//! into the base.

use std::path::PathBuf;

use skillbelt_model::base::portrait::Portrait;

use super::Checking;
use crate::recipe::shape::Shaped;
use crate::recipe::task::ClassWeights;
use crate::recipe::{Format, SplitFiles, TaskSettings, TaskType, defaults};

/// Names that a field map may use.
const FIELDS: [&str; 12] = [
    "text",
    "text_b",
    "label",
    "class",
    "query",
    "candidate",
    "candidate_id",
    "negatives",
    "source",
    "target",
    "id",
    "group",
];

/// Measures that a task may be judged by.
const OF_CLASSES: [&str; 13] = [
    "accuracy",
    "f1",
    "precision",
    "recall",
    "f1_macro",
    "precision_macro",
    "recall_macro",
    "mcc",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "calibration_error@15",
    "loss",
];
const OF_SEARCH: [&str; 10] = [
    "mrr",
    "mrr@10",
    "map",
    "map@R",
    "recall@1",
    "recall@5",
    "recall@10",
    "ndcg",
    "ndcg@10",
    "loss",
];
const OF_TEXTS: [&str; 13] = [
    "exact_match",
    "exact_match_words",
    "bleu_codexglue",
    "bleu_codexglue_smooth",
    "sacrebleu_13a",
    "rouge_l",
    "rouge_l_stem",
    "meteor_exact_stem",
    "chrf",
    "chrf++",
    "edit_similarity",
    "loss",
    "perplexity",
];

impl Checking<'_> {
    pub(super) fn tasks(&mut self, base: Option<&Portrait>) {
        let tasks = self.resolved.recipe.tasks.clone();
        for (name, task) in &tasks {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            if !name.chars().all(plain) || name.is_empty() {
                let told = self.told(
                    &["tasks", name],
                    "the name of a task becomes the name of files",
                );
                told.hint = Some("use letters, digits, `_` and `-`".into());
            }
            self.task(name, task, base);
        }
        let total: f64 = tasks.values().filter_map(|task| task.weight).sum();
        self.need(
            total > 0.0,
            &["tasks"],
            format_args!("weights sum to {total}"),
            "more than 0 together",
        );
    }

    fn task(&mut self, name: &str, task: &TaskSettings, base: Option<&Portrait>) {
        let Some(kind) = task.kind else { return };
        let at = |key: &'static str| ["tasks", name, key];
        self.unused(name);
        if task.train.is_none() {
            let hint = format!("name the files: `train: data/{name}/train.jsonl`");
            self.told(&at("train"), "is missing").hint = Some(hint);
        }
        if task.valid.is_none() {
            let told = self.told(
                &at("valid"),
                "is missing; no best moment can be chosen for this task",
            );
            told.warning = true;
        }
        for (split, key) in [
            (&task.train, "train"),
            (&task.valid, "valid"),
            (&task.test, "test"),
        ] {
            if let Some(split) = split {
                self.files(task, split, &["tasks", name, key]);
            }
        }
        for field in task.fields.keys() {
            self.one_of(field, &FIELDS, &["tasks", name, "fields", field]);
        }
        for (key, value) in [
            ("batch_size", task.batch_size),
            ("max_length", task.max_length),
            ("max_query_length", task.max_query_length),
            ("max_target_length", task.max_target_length),
            ("max_train_rows", task.max_train_rows),
            ("max_eval_rows", task.max_eval_rows),
            ("num_beams", task.num_beams),
        ] {
            self.at_least_one(value, &at(key));
        }
        if let Some(weight) = task.weight {
            self.need(weight >= 0.0, &at("weight"), weight, "at least 0");
        }
        if let Some(temperature) = task.temperature {
            self.positive(temperature, &at("temperature"));
        }
        if let Some(times) = task.undersample {
            self.positive(times, &at("undersample"));
        }
        self.words(name, task, kind);
        self.classes(name, task);
        self.fits(name, task, base);
    }

    fn files(&mut self, task: &TaskSettings, split: &SplitFiles, at: &[&str]) {
        let laid = split.laid_out();
        if laid.files.is_empty() {
            self.told(at, "no files");
        }
        for file in laid.files.iter().chain(&laid.data) {
            let shown = file.display();
            if !file.exists() {
                let told = self.told(at, format_args!("there is no file {shown}"));
                told.hint = Some("paths in a recipe are relative to its folder".into());
            } else if file.is_dir() {
                self.told(at, format_args!("{shown} is a folder"));
            }
        }
        let format = laid.format.or(task.format);
        if format == Some(Format::ParallelText) && laid.files.len() != 2 {
            let count = laid.files.len();
            let message =
                format!("{count} files; parallel text has two, the source and the target");
            self.told(at, message);
        }
        let beside = |file: &PathBuf| file.with_file_name("data.jsonl").is_file();
        let has_data = laid.data.is_some() || laid.files.first().is_some_and(beside);
        if format == Some(Format::Bigclonebench) && !has_data {
            let told = self.told(
                at,
                "pairs name functions by number, but no `data` holds them",
            );
            told.hint = Some("write `{files: train.txt, data: data.jsonl}`".into());
        }
    }

    /// Keys that the type does not use, given by the recipe or a flag.
    fn unused(&mut self, name: &str) {
        let word = defaults::word_at(&self.resolved.given, &["tasks", name, "type"]);
        let kind = word.unwrap_or_default();
        let used = defaults::of_type(&kind);
        for key in TaskSettings::shape().keys() {
            let path = ["tasks", name, key.name];
            let known = defaults::OF_EVERY_TASK.iter().chain(&used);
            let given = self.resolved.given.at(&path).is_some();
            if given && !known.into_iter().any(|(used, _)| *used == key.name) {
                let owns =
                    |kind: &&&str| defaults::of_type(kind).iter().any(|(n, _)| *n == key.name);
                let types = ["classify", "pair", "retrieve", "generate"];
                let owners: Vec<String> = types
                    .iter()
                    .filter(owns)
                    .map(|t| format!("`{t}`"))
                    .collect();
                let told = self.told(&path, format_args!("means nothing for `type: {kind}`"));
                told.hint = Some(format!("it is a key of {}", owners.join(", ")));
            }
        }
    }

    fn words(&mut self, name: &str, task: &TaskSettings, kind: TaskType) {
        if let Some(pooling) = &task.pooling {
            self.one_of(
                pooling,
                &["mean", "first", "last"],
                &["tasks", name, "pooling"],
            );
        }
        if let Some(encoding) = &task.encoding {
            self.one_of(
                encoding,
                &["joint", "separate"],
                &["tasks", name, "encoding"],
            );
        }
        if let Some(metric) = &task.metric {
            let known: &[&str] = match kind {
                TaskType::Classify | TaskType::Pair => &OF_CLASSES,
                TaskType::Retrieve => &OF_SEARCH,
                TaskType::Generate => &OF_TEXTS,
            };
            self.one_of(metric, known, &["tasks", name, "metric"]);
        }
    }

    fn classes(&mut self, name: &str, task: &TaskSettings) {
        let labels = task.labels.as_deref().unwrap_or_default();
        for (place, label) in labels.iter().enumerate() {
            if labels[..place].contains(label) {
                self.told(
                    &["tasks", name, "labels"],
                    format_args!("`{label}` is given twice"),
                );
            }
        }
        if task.labels.is_some() && labels.len() < 2 {
            self.told(
                &["tasks", name, "labels"],
                "at least two classes are needed",
            );
        }
        let at = ["tasks", name, "class_weights"];
        match &task.class_weights {
            Some(ClassWeights::Word(word)) => self.one_of(word, &["balanced"], &at),
            Some(ClassWeights::Numbers(weights)) => {
                if weights.iter().any(|weight| *weight < 0.0) || weights.iter().sum::<f32>() <= 0.0
                {
                    self.told(&at, "weights must be at least 0, and not all 0");
                }
                if task.labels.is_some() && weights.len() != labels.len() {
                    let message = format!("{} weights for {} labels", weights.len(), labels.len());
                    self.told(&at, message);
                }
            }
            None => {}
        }
    }

    fn fits(&mut self, name: &str, task: &TaskSettings, base: Option<&Portrait>) {
        let Some(base) = base else { return };
        let generates = task.kind == Some(TaskType::Generate);
        if generates && base.shape == "encoder" {
            let told = self.told(
                &["tasks", name, "type"],
                format_args!("a {} base cannot write", base.family),
            );
            told.hint = Some("take a decoder or an encoder-decoder".into());
        }
        let Some(positions) = base.positions else {
            return;
        };
        let written = match generates && base.shape == "decoder" {
            true => task.max_target_length.unwrap_or(0),
            false => 0,
        };
        for (key, value, beside) in [
            ("max_length", task.max_length, written),
            ("max_query_length", task.max_query_length, 0),
        ] {
            if let Some(value) = value
                && value.saturating_add(beside) > positions
            {
                let with = match beside {
                    0 => String::new(),
                    beside => format!(" and an answer of {beside}"),
                };
                let message = format!("{value}{with}, but the base has {positions} positions");
                self.told(&["tasks", name, key], message);
            }
        }
    }
}
