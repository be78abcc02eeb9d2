//! Decodes ids as they are generated, into pieces of whole characters. It decides nothing about when to stop.

use super::Tokenizer;
use super::error::Result;
use super::limits::MAX_HELD_TOKENS;

/// Turns ids into text one at a time. For byte-level tokenizers the pieces laid end to end, with [`Decoder::finish`]'s,
/// are the text that decoding all ids at once gives (before the clean-up that some bases ask for).
///
/// A character of several tokens is held back until it is whole. Ids that form no character within a few tokens are
/// let through as replacement characters, as the whole decoding would show them.
pub struct Decoder<'t> {
    tokenizer: &'t Tokenizer,
    skip_special: bool,
    /// Ids whose text gives the next ids their context, then ids not yet shown.
    ids: Vec<u32>,
    /// How many of `ids` are already shown.
    shown: usize,
}

impl Tokenizer {
    /// A decoder for one stream of ids.
    pub fn decoder(&self, skip_special: bool) -> Decoder<'_> {
        Decoder {
            tokenizer: self,
            skip_special,
            ids: Vec::new(),
            shown: 0,
        }
    }
}

impl Decoder<'_> {
    /// Takes one id; gives the text that became whole with it, if any.
    pub fn push(&mut self, id: u32) -> Result<Option<String>> {
        self.ids.push(id);
        let (before, now) = self.texts()?;
        let open = now.ends_with('\u{fffd}') && self.ids.len() - self.shown < MAX_HELD_TOKENS;
        if open || now.len() <= before.len() {
            return Ok(None);
        }
        let piece = now.get(before.len()..).unwrap_or_default().to_owned();
        self.ids.drain(..self.shown);
        self.shown = self.ids.len();
        Ok(Some(piece))
    }

    /// What was still held back, whole or not.
    pub fn finish(self) -> Result<String> {
        let (before, now) = self.texts()?;
        Ok(now.get(before.len()..).unwrap_or_default().to_owned())
    }

    /// The text of the ids shown, and of all ids held.
    fn texts(&self) -> Result<(String, String)> {
        let decode = |ids: &[u32]| self.tokenizer.decode_raw(ids, self.skip_special);
        Ok((decode(&self.ids[..self.shown])?, decode(&self.ids)?))
    }
}
