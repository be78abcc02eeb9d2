//! Encoding and decoding of whole texts. What streams lives in `stream`; what UniXcoder wants lives in `unixcoder`.

use rayon::prelude::*;
use tokenizers::{PostProcessor, TruncationDirection};

use super::error::{Error, Result};
use super::limits::{MAX_BLANK_RUN, MAX_TEXT_BYTES};
use super::{Tokenizer, quiet};

const ENCODING: &str = "encoding a text";

impl Tokenizer {
    /// The ids of a text; `with_special` adds what the family puts around a text.
    pub fn encode(&self, text: &str, with_special: bool) -> Result<Vec<u32>> {
        check_text(text)?;
        let encoding = self.guarded(ENCODING, || self.inner.encode_fast(text, with_special))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The ids of two texts as one sequence, joined as the family joins them.
    pub fn encode_pair(&self, first: &str, second: &str, with_special: bool) -> Result<Vec<u32>> {
        check_text(first)?;
        check_text(second)?;
        let encoding = self.guarded(ENCODING, || {
            self.inner.encode_fast((first, second), with_special)
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Many texts, on all threads of the pool; the order and the ids are those of [`Tokenizer::encode`] one by one,
    /// and the error, if any, is that of the first text that has one.
    pub fn encode_batch<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        with_special: bool,
    ) -> Result<Vec<Vec<u32>>> {
        let encoded: Vec<Result<Vec<u32>>> = texts
            .par_iter()
            .map(|text| self.encode(text.as_ref(), with_special))
            .collect();
        encoded.into_iter().collect()
    }

    /// The ids of a text with what the family puts around it, at most `max_tokens` in all: the text loses its tail,
    /// never its surroundings.
    pub fn encode_truncated(&self, text: &str, max_tokens: usize) -> Result<Vec<u32>> {
        check_text(text)?;
        let around = match self.inner.get_post_processor() {
            Some(processor) => processor.added_tokens(false),
            None => 0,
        };
        let room = budget(max_tokens, around)?;
        let encoding = self.guarded(ENCODING, || {
            let mut body = self.inner.encode_fast(text, false)?;
            if body.len() > room {
                body.truncate(room, 0, TruncationDirection::Right);
            }
            self.inner.post_process(body, None, true)
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of the ids. Ids that no token has (the padding rows of an embedding) stand for nothing, as in the
    /// reference. `skip_special` leaves the special tokens out.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let text = self.decode_raw(ids, skip_special)?;
        Ok(if self.clean_up { clean_up(&text) } else { text })
    }

    /// As [`Tokenizer::decode`], before any clean-up.
    pub(super) fn decode_raw(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        self.guarded("decoding ids", || self.inner.decode(ids, skip_special))
    }

    /// Runs the library; its panic and its error both become this tokenizer's error.
    fn guarded<T>(
        &self,
        stage: &'static str,
        work: impl FnOnce() -> tokenizers::Result<T>,
    ) -> Result<T> {
        quiet::quietly(work)
            .map_err(|panic| self.failed(stage, panic))?
            .map_err(|error| self.failed(stage, error.to_string()))
    }
}

/// Tokens that remain for the text.
pub(super) fn budget(max_tokens: usize, around: usize) -> Result<usize> {
    max_tokens.checked_sub(around).ok_or_else(|| Error::Text {
        expected: format!("a budget of at least the {around} tokens that surround a text"),
        found: format!("a budget of {max_tokens}"),
    })
}

/// Refuses a text that could not be split exactly.
fn check_text(text: &str) -> Result<()> {
    let refuse = |expected: String, found: usize| {
        Err(Error::Text {
            expected,
            found: format!("{found} bytes"),
        })
    };
    if text.len() > MAX_TEXT_BYTES {
        return refuse(format!("at most {MAX_TEXT_BYTES} bytes"), text.len());
    }
    if text.len() <= MAX_BLANK_RUN {
        return Ok(());
    }
    let longest = text
        .split(|mark: char| !mark.is_whitespace())
        .map(str::len)
        .max();
    match longest {
        Some(longest) if longest > MAX_BLANK_RUN => {
            let expected = format!("no run of white space beyond {MAX_BLANK_RUN} bytes");
            refuse(expected, longest)
        }
        _ => Ok(()),
    }
}

/// The reference's repair of English spacing, done only where the base's configuration asks for it.
fn clean_up(text: &str) -> String {
    const REPAIRS: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    let mut text = text.to_owned();
    for (from, to) in REPAIRS {
        text = text.replace(from, to);
    }
    text
}
