//! Section `tasks`: where examples come from and what is to be learnt from them.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::metric::names;
use crate::recipe::shape::{Shape, Shaped, section, words};

words! {
    /// What is asked of the model.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum TaskType {
        /// One text, one of several classes.
        Classify,
        /// Two texts, one of several classes.
        Pair,
        /// A query and its candidates.
        Retrieve,
        /// A text from a text.
        Generate,
    }
}

words! {
    /// How files are laid out. Without one, the name of the file decides.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Format {
        /// One JSON object a line.
        Jsonl,
        /// One JSON array of objects.
        Json,
        /// Comma-separated, with a header.
        Csv,
        /// Tab-separated, with a header.
        Tsv,
        /// Columns of a Parquet file.
        Parquet,
        /// One text per line; the source file first, then the target file.
        ParallelText,
        /// `idx TAB idx TAB label` lines over a `data.jsonl` of functions.
        Bigclonebench,
        /// Rows with a class; members of one class are each other's answers.
        Poj104,
        /// Queries with a number into a map of candidates (CodeXGLUE WebQuery).
        Cosqa,
        /// Rows with `messages`; the last one of the assistant is the answer.
        Messages,
    }
}

/// The files of one split: a path, a list of paths, or a map that adds what the layout needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SplitFiles {
    One(PathBuf),
    Many(Vec<PathBuf>),
    Laid(LaidOut),
}

impl Shaped for SplitFiles {
    fn shape() -> Shape {
        let shapes = vec![Shape::Path, Vec::<PathBuf>::shape(), LaidOut::shape()];
        Shape::OneOf("a path, a list of paths, or a map with `files`", shapes)
    }
}

impl SplitFiles {
    /// The long form of any form.
    pub fn laid_out(&self) -> LaidOut {
        let plain = |files| LaidOut {
            files,
            format: None,
            data: None,
        };
        match self {
            SplitFiles::One(file) => plain(vec![file.clone()]),
            SplitFiles::Many(files) => plain(files.clone()),
            SplitFiles::Laid(laid) => laid.clone(),
        }
    }
}

section! {
    /// A split with files of several roles.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct LaidOut {
        /// The files of the split, in the order of their roles.
        pub files: Vec<PathBuf>,
        /// How the files are laid out [by the ending of the file].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<Format>,
        /// The functions that pairs name by number; or the candidates that queries are ranked over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub data: Option<PathBuf>,
    }
}

section! {
    /// One task. Keys that mean nothing for its type are refused when the recipe is checked.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct TaskSettings {
        /// `defect`, `clone`, `search`, `flaky`, `generate`, `translate` or `summarize`: sets what is not given [none].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub preset: Option<String>,
        /// What is asked of the model [that of the preset; must be given without one].
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        pub kind: Option<TaskType>,
        /// Training rows: a path, a list of paths, or a map of `files`, `format` and `data` [must be given to train].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub train: Option<SplitFiles>,
        /// Validation rows, in the same forms; they choose the best moment [none].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub valid: Option<SplitFiles>,
        /// Test rows, in the same forms; asked once, of the shipped belt [none].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub test: Option<SplitFiles>,
        /// How the files are laid out [by the name of the file].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub format: Option<Format>,
        /// From what the task needs (`text`, `text_b`, `label`, `class`, `query`, `candidate`,
        /// `candidate_id`, `negatives`, `source`, `target`, `id`, `group`) to the names in the files
        /// [the names that published sets use].
        #[serde(skip_serializing_if = "IndexMap::is_empty")]
        pub fields: IndexMap<String, String>,
        /// The classes as the files write them, in the order of their numbers [as found in the training rows, sorted].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub labels: Option<Vec<String>>,
        /// How much the task counts in the mix and in the loss [1].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub weight: Option<f64>,
        /// Examples of this task in a step that holds it [training.batch_size].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub batch_size: Option<usize>,
        /// Longest text in tokens; of a joint pair both texts together [256].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_length: Option<usize>,
        /// `retrieve`: longest query in tokens [64].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_query_length: Option<usize>,
        /// `generate`: longest answer in tokens [128].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_target_length: Option<usize>,
        /// At most so many training rows, drawn by the seed [all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_train_rows: Option<usize>,
        /// At most so many rows of each other split, drawn by the seed [all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_eval_rows: Option<usize>,
        /// `classify`, `pair`: `balanced`, or one weight per class [all alike].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub class_weights: Option<ClassWeights>,
        /// `classify`, `pair`: at most so many training rows of other classes for each of the rarest [all rows].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub undersample: Option<f64>,
        /// How a text becomes a vector: `mean`, `first` or `last` [mean; last for decoders].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pooling: Option<String>,
        /// `pair`: both texts in one sequence (`joint`), or each alone and then compared (`separate`) [joint].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub encoding: Option<String>,
        /// `retrieve`: what similarities are divided by before the softmax [0.05].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub temperature: Option<f64>,
        /// `retrieve`: candidates must find their queries too [false].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub symmetric: Option<bool>,
        /// `retrieve`: this many hard negatives for each query, by words in common [0].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub hard_negatives: Option<usize>,
        /// `generate`: what stands before the source, e.g. `"summarize: "` [nothing].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub prompt_prefix: Option<String>,
        /// `generate`: what stands after the source [nothing].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub prompt_suffix: Option<String>,
        /// `generate`: decoders also learn to write the source [false].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub loss_on_source: Option<bool>,
        /// `generate`: beams when answers are written [1].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub num_beams: Option<usize>,
        /// The number that says which moment of this task was best [by type].
        #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "names::read")]
        pub metric: Option<String>,
    }
}

/// How classes count in the loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClassWeights {
    /// `balanced`: each class by the inverse of its share.
    Word(String),
    Numbers(Vec<f32>),
}

impl Shaped for ClassWeights {
    fn shape() -> Shape {
        let shapes = vec![Shape::Text, Vec::<f32>::shape()];
        Shape::OneOf("`balanced` or a list of numbers", shapes)
    }
}
