//! Text to token ids and back, equal to the reference's ids, from any folder in the hub's layout. It wraps the
//! `tokenizers` library; it pads nothing, and truncates only when the call says so. [`learn`] makes a new one from texts.
//!
//! Whatever a folder holds is first brought to one form, a `tokenizer.json`: read as it is, or [`assemble`]d from
//! `vocab.json` + `merges.txt` or `vocab.txt`; the settings beside it are [`apply`]-ed; the whole is [`check`]ed; only
//! then does the library see it, and is tried on a text at once. A damaged file is an error that names the file.

mod apply;
mod assemble;
pub mod chat;
mod check;
mod clock;
mod components;
mod encode;
mod error;
mod folder;
pub mod learn;
pub mod limits;
mod pattern;
mod python_json;
pub mod quiet;
mod settings;
mod stream;
mod templates;
mod unixcoder;
mod vocabulary;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use error::{Error, Result};
pub use stream::Decoder;
pub use unixcoder::UnixcoderMode;

use limits::MAX_TOKENIZER_FILE;
use settings::Settings;

/// Tried on every tokenizer as it is loaded: words, blanks, digits, an accent, a wide character, a control character.
const TRIAL: &str = "def f(a, b):\n\treturn a+10 # \u{e9}\u{6570} 'll  \u{1}\r\n";

/// The tokens with a role, where the base declares them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpecialIds {
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub cls: Option<u32>,
    pub sep: Option<u32>,
    pub pad: Option<u32>,
    pub unk: Option<u32>,
    pub mask: Option<u32>,
}

/// The tokenizer of a base. Cheap to share between threads, never changed after loading.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The file that defines it, for errors.
    path: PathBuf,
    special: SpecialIds,
    clean_up: bool,
    vocab_size: usize,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("path", &self.path)
            .field("vocab_size", &self.vocab_size)
            .field("special", &self.special)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Loads the tokenizer of a folder in the hub's layout: `tokenizer.json`, else `vocab.json` + `merges.txt`, else
    /// `vocab.txt`, with what the configuration files beside them declare.
    ///
    /// Never panics, whatever the files hold: after `Ok`, the tokenizer has encoded and decoded a trial text.
    pub fn from_folder(folder: &Path) -> Result<Tokenizer> {
        let mut settings = Settings::read(folder)?;
        let path = folder.join("tokenizer.json");
        let (path, recipe) = match folder::object(&path, MAX_TOKENIZER_FILE)? {
            Some(recipe) => (path, recipe),
            None if folder.join("vocab.json").exists() => (
                folder.join("vocab.json"),
                assemble::byte_level(folder, &mut settings)?,
            ),
            None => (
                folder.join("vocab.txt"),
                assemble::word_pieces(folder, &mut settings)?,
            ),
        };
        Self::from_recipe(path, recipe, &settings)
    }

    /// Loads the text of a `tokenizer.json` with no files beside it; `path` is only what errors name. The same
    /// guarantees as [`Tokenizer::from_folder`].
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Tokenizer> {
        let recipe = serde_json::from_slice(text).map_err(|error| Error::Syntax {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let settings = Settings {
            path: path.to_owned(),
            ..Settings::default()
        };
        Self::from_recipe(path.to_owned(), recipe, &settings)
    }

    /// Checked as it came, and again with the settings in it.
    fn from_recipe(path: PathBuf, mut recipe: Value, settings: &Settings) -> Result<Tokenizer> {
        check::check(&path, &mut recipe)?;
        apply::apply(&path, &mut recipe, settings)?;
        check::check(&path, &mut recipe)?;
        let inner = build(&path, &recipe)?;
        drop(recipe);
        let tokenizer = Tokenizer {
            special: special_ids(&inner, settings),
            vocab_size: inner.get_vocab_size(true),
            clean_up: settings.clean_up,
            inner,
            path,
        };
        tokenizer.try_out(settings)?;
        Ok(tokenizer)
    }

    /// Encodes and decodes a text before anyone relies on it, and compares the declared ids with the real ones.
    fn try_out(&self, settings: &Settings) -> Result<()> {
        for added in &settings.added {
            let real = self.token_id(&added.content);
            if added.id.is_some() && real != added.id {
                let key = format!("added token {:?}", added.content);
                let found = format!("id {real:?}");
                let expected = format!("id {:?}", added.id);
                return Err(Error::entry(&settings.path, key, expected, found));
            }
        }
        let ids = self.encode(TRIAL, true)?;
        self.encode_pair(TRIAL, "x", true)?;
        self.decode(&ids, false)?;
        Ok(())
    }

    /// The id of a token of the vocabulary or an added one.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token that has this id, as the vocabulary writes it.
    pub fn id_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// How many tokens there are, added ones included. A checkpoint's embedding may have more rows.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The whole tokenizer as one `tokenizer.json` would define it, whatever files it came from.
    pub fn recipe(&self) -> Result<Value> {
        let failed = |reason: String| self.failed("writing the tokenizer down", reason);
        let text = quiet::quietly(|| self.inner.to_string(false)).map_err(failed)?;
        let text = text.map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    }

    /// The ids of the tokens with a role.
    pub fn special(&self) -> SpecialIds {
        self.special
    }

    /// The file that defines the tokenizer.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, stage: &'static str, reason: String) -> Error {
        Error::Library {
            path: self.path.clone(),
            stage,
            reason,
        }
    }
}

/// Hands the checked recipe to the library.
fn build(path: &Path, recipe: &Value) -> Result<tokenizers::Tokenizer> {
    let failed = |reason| Error::Library {
        path: path.to_owned(),
        stage: "building the tokenizer",
        reason,
    };
    let text = serde_json::to_vec(recipe).map_err(|error| failed(error.to_string()))?;
    quiet::quietly(|| tokenizers::Tokenizer::from_bytes(&text))
        .map_err(failed)?
        .map_err(|error| failed(error.to_string()))
}

fn special_ids(inner: &tokenizers::Tokenizer, settings: &Settings) -> SpecialIds {
    let id = |role: &str| match settings.special.get(role) {
        Some(declared) => inner.token_to_id(&declared.content),
        None => inner.token_to_id(assemble::usual_role(settings, role)?),
    };
    SpecialIds {
        bos: id("bos_token"),
        eos: id("eos_token"),
        cls: id("cls_token"),
        sep: id("sep_token"),
        pad: id("pad_token"),
        unk: id("unk_token"),
        mask: id("mask_token"),
    }
}
