//! Section `prompting`: how tasks are answered without a belt, by asking a model in words.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recipe::EndpointSettings;
use crate::recipe::shape::{section, words};

words! {
    /// Which training rows are shown before the question.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Choosing {
        /// Drawn by the seed, class after class.
        Random,
        /// Those that share most words with the question's texts.
        Bm25,
    }
}

words! {
    /// How a class is told from what the model says.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Labelling {
        /// The label word that the model finds likeliest.
        Likelihood,
        /// What the model writes, if that is exactly one label word.
        Generation,
    }
}

words! {
    /// How candidates are ranked.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Search {
        /// By the model's vectors.
        Embeddings,
        /// By words in common; no model is asked.
        Bm25,
        /// The first few by words in common, put in order by asking of each whether it answers.
        RerankBm25,
        /// The first few by the model's vectors, put in order in the same way.
        RerankEmbeddings,
    }
}

section! {
    /// How tasks are answered by `skillbelt prompt`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Prompting {
        /// The base that is asked: a folder, or a name on the hub [the recipe's base].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub base: Option<String>,
        /// Ask a served model instead of a local base [the base is asked].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub endpoint: Option<EndpointSettings>,
        /// Training rows that are shown before each question.
        pub shots: usize,
        /// Which rows are shown.
        pub choose: Choosing,
        /// Training rows that are chosen from, drawn by the seed.
        pub shown_from: usize,
        /// `classify`, `pair`, reranking: how a class is told.
        pub labels: Labelling,
        /// Likelihood: the mean over a word's tokens instead of their sum.
        pub normalised: bool,
        /// `retrieve`: how candidates are ranked.
        pub search: Search,
        /// Reranking: how many of the first are put in order.
        pub top: usize,
        /// Lay prompts out by the base's chat template [where it has one].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub chat: Option<bool>,
        /// What a conversation begins with [nothing].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub system: Option<String>,
        /// Tokens that may be written for a class; for `generate` the task's `max_target_length` holds.
        pub max_new_tokens: usize,
        /// Of the writing; 0 takes the likeliest token.
        pub temperature: f64,
        /// Of the choice of examples and of the writing.
        pub seed: u64,
        /// Tokens that a local base computes at once.
        pub pack_tokens: usize,
        /// What single tasks are asked, by name [the usual words].
        #[serde(skip_serializing_if = "IndexMap::is_empty")]
        pub tasks: IndexMap<String, Asking>,
    }
}

section! {
    /// The words in which one task is asked.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Asking {
        /// What is asked [by preset and type].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub question: Option<String>,
        /// The whole prompt as a Jinja template over `question`, `words`, `examples` and the row's texts [by type].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub template: Option<String>,
        /// From a class to the word that stands for it [no and yes for 0 and 1, else the class itself].
        #[serde(skip_serializing_if = "IndexMap::is_empty")]
        pub words: IndexMap<String, String>,
        /// Texts that end the writing [a line's end for a class; of `generate` none in a conversation, else `\n\n\n`].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub stop: Option<Vec<String>>,
    }
}

impl Default for Prompting {
    fn default() -> Prompting {
        Prompting {
            base: None,
            endpoint: None,
            shots: 0,
            choose: Choosing::Random,
            shown_from: 10_000,
            labels: Labelling::Likelihood,
            normalised: false,
            search: Search::Embeddings,
            top: 10,
            chat: None,
            system: None,
            max_new_tokens: 16,
            temperature: 0.0,
            seed: 0,
            pack_tokens: 8192,
            tasks: IndexMap::new(),
        }
    }
}
