//! What a base's own files say about its writing: which tokens end a text, and which begins one.
//!
//! Sampling settings that some publishers put there are left alone: how tokens are chosen is what
//! the caller says, and greedy otherwise.

use std::path::Path;

use crate::checkpoint::ConfigFile;
use crate::error::Result;
use crate::tokenizer::Tokenizer;

/// Tokens that begin and end what a base writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    /// Any of these ends a text.
    pub ends: Vec<u32>,
    /// What the decoder of an encoder-decoder begins with.
    pub start: Option<u32>,
}

impl Habits {
    /// Reads `generation_config.json` of the folder, where there is one, and `config` for what it
    /// does not say; a base that names no end anywhere has its tokenizer's.
    pub fn read(folder: &Path, config: &ConfigFile, tokenizer: &Tokenizer) -> Result<Habits> {
        let path = folder.join("generation_config.json");
        let special = match path.exists() {
            true => Some(ConfigFile::open(&path)?),
            false => None,
        };
        let files = || special.iter().chain([config]);
        let mut habits = Habits::default();
        for file in files() {
            if habits.ends.is_empty() {
                habits.ends = file.token_ids("eos_token_id")?;
            }
        }
        for key in ["decoder_start_token_id", "bos_token_id"] {
            for file in files() {
                habits.start = match habits.start {
                    None => file.token_id(key)?,
                    found => found,
                };
            }
        }
        if habits.ends.is_empty() {
            habits.ends.extend(tokenizer.special().eos);
        }
        Ok(habits)
    }
}
