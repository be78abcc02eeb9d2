//! ROUGE-L in the dialect of the package `rouge-score`: the balanced F of the longest common
//! subsequence of words, text by text.

use super::edit::common;
use super::porter::stem;

/// Words of at most so many letters have no stem taken.
const UNSTEMMED: usize = 3;

/// Small letters; runs of the letters a to z and of digits. All else parts words, other letters too.
pub fn words(text: &str) -> Vec<String> {
    let lowered = text.to_lowercase();
    lowered
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The same, with the stems of words of more than three letters.
pub fn stems(words: &[String]) -> Vec<String> {
    let stemmed = words.iter().map(|word| match word.len() > UNSTEMMED {
        true => stem(word),
        false => word.clone(),
    });
    stemmed.collect()
}

/// `2 P R / (P + R)` with `P = L / written` and `R = L / expected`; 0 where either has no words.
pub fn f(written: &[String], expected: &[String]) -> f64 {
    if written.is_empty() || expected.is_empty() {
        return 0.0;
    }
    let shared = common(written, expected) as f64;
    let (precision, recall) = (
        shared / written.len() as f64,
        shared / expected.len() as f64,
    );
    match precision + recall > 0.0 {
        true => 2.0 * precision * recall / (precision + recall),
        false => 0.0,
    }
}
