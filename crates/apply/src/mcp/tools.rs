//! The tools, as an agent reads of them: names, what they take, what they give. It does none of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::index::Hit;

/// Find functions by what they do.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// What the function does, in plain words, or parts of names. Words in quotes also count as a phrase.
    pub query: String,
    /// At most so many functions, up to 50. 10 if not given.
    #[serde(default)]
    pub limit: Option<u16>,
    /// Only these languages: c, cpp, csharp, go, java, javascript, python, rust, typescript.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Only files that these patterns name, written as in .gitignore; `!tests/` leaves out.
    #[serde(default)]
    pub globs: Vec<String>,
    /// Give the program text of each function too.
    #[serde(default)]
    pub with_code: bool,
}

/// Find functions that are like another one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimilarCode {
    /// The program text to compare with. Either this, or `path` and `line`.
    #[serde(default)]
    pub code: Option<String>,
    /// A file of the repository, relative to its root.
    #[serde(default)]
    pub path: Option<String>,
    /// A line of a function in the file, from 1.
    #[serde(default)]
    pub line: Option<u32>,
    /// At most so many functions, up to 50. 10 if not given.
    #[serde(default)]
    pub limit: Option<u16>,
    /// Give the program text of each function too.
    #[serde(default)]
    pub with_code: bool,
}

/// Ask every classifying task of the belt about one function.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessFunction {
    /// The program text of the function. Either this, or `path` with `line` or `name`.
    #[serde(default)]
    pub code: Option<String>,
    /// A file of the repository, relative to its root.
    #[serde(default)]
    pub path: Option<String>,
    /// A line of the function in the file, from 1.
    #[serde(default)]
    pub line: Option<u32>,
    /// The function's name, with its class before a dot if several have the name.
    #[serde(default)]
    pub name: Option<String>,
}

/// List what a scan of the repository finds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFindings {
    /// Only in this file or folder, relative to the root of the repository.
    #[serde(default)]
    pub path: Option<String>,
    /// Only of this rule, such as `defect` or `flaky`.
    #[serde(default)]
    pub rule: Option<String>,
    /// At most so many findings, up to 200, the surest first. 20 if not given.
    #[serde(default)]
    pub limit: Option<u16>,
}

/// What a search gives.
#[derive(Debug, Clone, Serialize)]
pub struct Hits {
    /// Best first.
    pub hits: Vec<Coded>,
    /// What limits the answer, if anything does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A function, with its text if that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Coded {
    #[serde(flatten)]
    pub hit: Hit,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What the belt says of a function.
#[derive(Debug, Clone, Serialize)]
pub struct Assessed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<Assessable>,
    /// One for each task that classifies functions.
    pub verdicts: Vec<Verdict>,
    /// Tasks that a function alone cannot be asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<String>,
}

/// The function that was named.
#[derive(Debug, Clone, Serialize)]
pub struct Assessable {
    pub path: String,
    pub name: String,
    pub first_line: usize,
    pub last_line: usize,
    /// Tasks about tests, such as `flaky`, mean something of tests only.
    pub is_test: bool,
}

/// What one task says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    pub task: String,
    pub label: String,
    /// The probability that the belt gives the label. docs/agents.md tells how far it can be believed.
    pub confidence: f64,
    /// Of every class.
    pub probabilities: serde_json::Map<String, Value>,
}

/// What a scan finds.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    /// The surest first.
    pub findings: Vec<Listed>,
    /// How many there are, listed or not.
    pub found: usize,
    /// What limits the answer, if anything does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    pub rule: String,
    pub level: String,
    pub path: String,
    pub line: usize,
    pub function: String,
    /// The probability that the belt gives it.
    pub confidence: f32,
    /// The share of such findings that were right on the belt's validation rows, if it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_precision: Option<f64>,
    pub message: String,
    /// The same for the same finding wherever its function stands.
    pub fingerprint: String,
}
