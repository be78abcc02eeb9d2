//! UniXcoder's input: a mode token before the text. The token's name travels with the vocabulary; the frame does not.

use super::Tokenizer;
use super::encode::budget;
use super::error::{Error, Result};

/// What a UniXcoder is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnixcoderMode {
    EncoderOnly,
    DecoderOnly,
    EncoderDecoder,
}

impl UnixcoderMode {
    /// The token that names the mode.
    pub fn token(self) -> &'static str {
        match self {
            UnixcoderMode::EncoderOnly => "<encoder-only>",
            UnixcoderMode::DecoderOnly => "<decoder-only>",
            UnixcoderMode::EncoderDecoder => "<encoder-decoder>",
        }
    }

    /// Tokens that the published wrapper keeps free. Encoder-decoder keeps one more than it uses; ids must agree.
    fn reserved(self) -> usize {
        match self {
            UnixcoderMode::EncoderOnly => 4,
            UnixcoderMode::DecoderOnly => 3,
            UnixcoderMode::EncoderDecoder => 5,
        }
    }
}

impl Tokenizer {
    /// `[cls, mode, sep] + text + [sep]`, without the last `sep` for decoder-only, which goes on writing. Of a text too
    /// long for `max_tokens` the head is kept; decoder-only keeps the tail, which it continues.
    pub fn encode_unixcoder(
        &self,
        text: &str,
        mode: UnixcoderMode,
        max_tokens: usize,
    ) -> Result<Vec<u32>> {
        let missing = |token: &str| Error::Token {
            path: self.path.clone(),
            token: token.to_owned(),
            needed_for: "UniXcoder's modes",
        };
        let special = self.special();
        let cls = special.cls.ok_or_else(|| missing("cls_token"))?;
        let sep = special.sep.ok_or_else(|| missing("sep_token"))?;
        let name = mode.token();
        let mode_id = self.token_id(name).ok_or_else(|| missing(name))?;
        let room = budget(max_tokens, mode.reserved())?;
        let body = self.encode(text, false)?;
        let over = body.len().saturating_sub(room);
        let mut ids = vec![cls, mode_id, sep];
        match mode {
            UnixcoderMode::DecoderOnly => ids.extend_from_slice(&body[over..]),
            UnixcoderMode::EncoderOnly | UnixcoderMode::EncoderDecoder => {
                ids.extend_from_slice(&body[..body.len() - over]);
                ids.push(sep);
            }
        }
        Ok(ids)
    }
}
