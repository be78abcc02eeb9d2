//! chrF2 and chrF2++ as sacreBLEU computes them: the F of runs of characters (and of words), of all
//! texts at once, with the recall counted twice.

use std::collections::HashMap;
use std::hash::Hash;

use super::bleu::words;

/// Longest run of characters.
const CHARACTERS: usize = 6;
/// Longest run of words; the plain form has none.
const WORDS: usize = 2;
/// The square of how much more a recall counts than a precision.
const BETA_SQUARED: f64 = 4.0;

/// Runs of one length.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Count {
    written: f64,
    expected: f64,
    shared: f64,
}

/// What a written text shares with the expected one, by the length of runs: characters, then words.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Runs([Count; CHARACTERS + WORDS]);

impl Runs {
    /// Characters are those of the text without white space. Words are what white space parts, with
    /// one sign of ASCII's punctuation taken off the end, or else off the start.
    pub fn of(written: &str, expected: &str) -> Runs {
        let mut runs = Runs::default();
        let solid = |text: &str| words(text).concat().chars().collect::<Vec<char>>();
        let (ours, theirs) = (solid(written), solid(expected));
        let (our_words, their_words) = (parted(written), parted(expected));
        for length in 1..=CHARACTERS {
            runs.0[length - 1] = count(&ours, &theirs, length);
        }
        for length in 1..=WORDS {
            runs.0[CHARACTERS + length - 1] = count(&our_words, &their_words, length);
        }
        runs
    }

    /// Adds another text, counted so many times.
    pub fn add(&mut self, other: &Runs, times: u32) {
        let times = f64::from(times);
        for (ours, others) in self.0.iter_mut().zip(&other.0) {
            ours.written += times * others.written;
            ours.expected += times * others.expected;
            ours.shared += times * others.shared;
        }
    }

    /// `chrf`: of characters only.
    pub fn characters(&self) -> f64 {
        f(&self.0[..CHARACTERS])
    }

    /// `chrf++`: of characters and words.
    pub fn with_words(&self) -> f64 {
        f(&self.0)
    }
}

/// The F of the mean precision and the mean recall over the lengths that occur on both sides.
fn f(counts: &[Count]) -> f64 {
    let (mut precision, mut recall, mut lengths) = (0.0, 0.0, 0.0);
    for count in counts {
        if count.written > 0.0 && count.expected > 0.0 {
            precision += count.shared / count.written;
            recall += count.shared / count.expected;
            lengths += 1.0;
        }
    }
    if precision + recall == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / lengths, recall / lengths);
    (1.0 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)
}

/// Where the expected text has no run of a length, those of the written one do not count either.
fn count<T: Eq + Hash>(written: &[T], expected: &[T], length: usize) -> Count {
    let mut left: HashMap<&[T], u32> = HashMap::new();
    for run in expected.windows(length) {
        *left.entry(run).or_default() += 1;
    }
    let mut count = Count::default();
    if left.is_empty() {
        return count;
    }
    count.expected = expected.windows(length).len() as f64;
    for run in written.windows(length) {
        count.written += 1.0;
        if let Some(left) = left.get_mut(run).filter(|left| **left > 0) {
            *left -= 1;
            count.shared += 1.0;
        }
    }
    count
}

fn parted(text: &str) -> Vec<&str> {
    let part = |word: &'_ str| -> Option<usize> {
        let (first, last) = (word.chars().next()?, word.chars().next_back()?);
        match word.chars().nth(1).is_some() {
            true if last.is_ascii_punctuation() => Some(word.len() - 1),
            true if first.is_ascii_punctuation() => Some(1),
            _ => None,
        }
    };
    let mut parts = Vec::new();
    for word in words(text) {
        match part(word) {
            Some(at) => parts.extend([&word[..at], &word[at..]]),
            None => parts.push(word),
        }
    }
    parts
}
