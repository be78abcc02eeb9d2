//! From bytes to a text that is parsed, and the name of a content.

use std::fmt;

use serde::{Deserialize, Serialize};
use skillbelt_code::Language;
use skillbelt_harvest::sift::{decoded, shape, spoken};

use super::Wish;

/// The name of a content: equal bytes have it, other bytes do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 16]);

impl Hash {
    pub fn of(bytes: &[u8]) -> Hash {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Hash(short)
    }

    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Hash> {
        bytes.try_into().ok().map(Hash)
    }

    /// The hash that hexadecimal digits spell.
    pub fn parse(text: &str) -> Option<Hash> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Hash(bytes))
    }
}

/// A hash that was kept as bytes.
impl From<[u8; 16]> for Hash {
    fn from(bytes: [u8; 16]) -> Hash {
        Hash(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        Hash::parse(&text).ok_or_else(|| serde::de::Error::custom("no hash of 32 digits"))
    }
}

/// The text of a file and its language, or why it is not read. `shown` is how the file is called.
///
/// # Errors
/// A few words: larger than the limit, not UTF-8, generated, and so on.
pub fn content(
    wish: &Wish,
    language: Language,
    shown: &str,
    bytes: Vec<u8>,
) -> Result<(Language, String), &'static str> {
    if bytes.len() as u64 > wish.most_bytes {
        return Err("larger than the limit");
    }
    let text = decoded(bytes)?;
    if !wish.generated
        && let Some(reason) = shape::refusal(&text)
    {
        return Err(reason);
    }
    Ok((spoken(language, shown, &text), text))
}
