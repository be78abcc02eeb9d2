//! What can be wrong with one row. Each reason is a few words, the same for all rows of the same
//! defect: they are counted by it.

use serde_json::Value;

use super::super::{Place, Rejection};
use super::limits::SHOWN_CHARS;

pub const NOT_UTF8: &str = "not UTF-8";
pub const TOO_LONG: &str = "row too long";
pub const NOT_JSON: &str = "not JSON";
pub const NOT_OBJECT: &str = "not an object";
pub const TOO_DEEP: &str = "nested too deep";
pub const DUPLICATE_KEY: &str = "key given twice";
pub const COLUMNS: &str = "wrong number of columns";
pub const MISSING_FIELD: &str = "field missing";
pub const NOT_TEXT: &str = "field is not a text";
pub const EMPTY_TEXT: &str = "empty text";
pub const NUL: &str = "NUL in the text";
pub const NO_LABEL: &str = "no label";
pub const BAD_LABEL: &str = "label is not one value";
pub const UNKNOWN_LABEL: &str = "label not in `labels`";
pub const BAD_PAIR: &str = "not a pair of numbers and a label";
pub const UNKNOWN_NUMBER: &str = "no such number in the data file";
pub const TWICE_IN_DATA: &str = "number given twice in the data file";
pub const BAD_MESSAGES: &str = "not a conversation";
pub const NO_ANSWER: &str = "conversation without an answer";

/// A defect, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    pub reason: &'static str,
    pub detail: String,
}

/// A part of a row, or what is wrong with it.
pub type Sound<T> = std::result::Result<T, Defect>;

impl Defect {
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Defect {
        Defect {
            reason,
            detail: detail.into(),
        }
    }

    pub fn at(self, place: Place) -> Rejection {
        Rejection {
            place,
            reason: self.reason,
            detail: self.detail,
        }
    }
}

/// A value, short enough for a message.
pub fn shown(value: &Value) -> String {
    shown_text(&value.to_string())
}

/// A text, short enough for a message, control characters escaped.
pub fn shown_text(text: &str) -> String {
    let escaped: String = text.chars().take(SHOWN_CHARS).flat_map(visible).collect();
    match text.chars().nth(SHOWN_CHARS) {
        Some(_) => escaped + "...",
        None => escaped,
    }
}

fn visible(letter: char) -> Vec<char> {
    match letter.is_control() {
        true => letter.escape_default().collect(),
        false => vec![letter],
    }
}
