//! What is asked: a model that writes, scores continuations, or gives vectors, wherever it runs.

use crate::error::Result;

/// A text, or why there is none; the words before the first colon are the same for all failures of
/// one kind.
pub type Said = std::result::Result<String, String>;

/// The log-probability of a continuation, and its tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub sum: f64,
    pub tokens: usize,
}

impl Scored {
    /// The sum, or the mean over tokens.
    pub fn value(self, normalised: bool) -> f64 {
        match normalised {
            true => self.sum / self.tokens.max(1) as f64,
            false => self.sum,
        }
    }
}

/// How texts are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Manner {
    pub max_tokens: usize,
    pub temperature: f64,
    pub seed: u64,
    pub stop: Vec<String>,
}

/// Vectors of texts are made for a task: how long its texts may be, and how tokens become one vector.
#[derive(Debug, Clone)]
pub struct Embedding<'e> {
    pub task: &'e str,
    pub settings: &'e crate::recipe::TaskSettings,
    /// Tokens of a text.
    pub limit: usize,
}

/// Something that can be asked. Answers come in the order of what is asked.
pub trait Model {
    /// What prompts, model and manner of laying them out are told by, for the record.
    fn card(&self) -> serde_json::Value;

    /// Whether prompts are laid out as a conversation.
    fn converses(&self) -> bool;

    /// How many tokens a text is: exactly, or as far as can be foreseen.
    fn tokens(&self, text: &str) -> Result<usize>;

    /// Tokens of a prompt that leaves room for so many more; nothing where there is no bound.
    fn room(&self, more: usize) -> Option<usize>;

    /// Tokens of a prompt as the model reads it, with all that stands around it.
    fn prompt_tokens(&self, prompt: &str) -> Result<usize>;

    fn write(&self, prompts: &[String], manner: &Manner) -> Result<Vec<Said>>;

    /// Of each prompt the scores of each word, as the beginning of the answer.
    fn score(
        &self,
        prompts: &[String],
        words: &[String],
    ) -> Result<Vec<std::result::Result<Vec<Scored>, String>>>;

    /// Vectors of length one.
    fn embed(
        &self,
        texts: &[String],
        how: &Embedding<'_>,
    ) -> Result<Vec<std::result::Result<Vec<f32>, String>>>;

    /// What asking took, where somebody counts it.
    fn costs(&self) -> Option<crate::endpoint::Costs> {
        None
    }
}
