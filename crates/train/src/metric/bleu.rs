//! BLEU up to four words in three dialects: the two of CodeXGLUE and sacreBLEU's. They differ in what
//! is a word, in what is smoothed, in the penalty for short texts and in whether texts are averaged;
//! numbers of one cannot be compared with numbers of another.
//!
//! Not here: several expected texts, other smoothings.

use std::collections::HashMap;

/// Longest run of words that is compared.
const ORDERS: usize = 4;

/// What a written text shares with the expected one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Runs of 1 to 4 words that stand in both, each at most as often as it is expected.
    matches: [u64; ORDERS],
    /// Runs of 1 to 4 words of the written text.
    possible: [u64; ORDERS],
    /// Words.
    written: u64,
    expected: u64,
}

impl Overlap {
    pub fn of<W: AsRef<str>>(written: &[W], expected: &[W]) -> Overlap {
        let written: Vec<&str> = written.iter().map(AsRef::as_ref).collect();
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        let mut overlap = Overlap {
            written: written.len() as u64,
            expected: expected.len() as u64,
            ..Overlap::default()
        };
        for order in 1..=ORDERS {
            let mut left: HashMap<&[&str], u64> = HashMap::new();
            for run in expected.windows(order) {
                *left.entry(run).or_default() += 1;
            }
            for run in written.windows(order) {
                overlap.possible[order - 1] += 1;
                if let Some(left) = left.get_mut(run).filter(|left| **left > 0) {
                    *left -= 1;
                    overlap.matches[order - 1] += 1;
                }
            }
        }
        overlap
    }

    /// Adds another text, counted so many times.
    pub fn add(&mut self, other: &Overlap, times: u64) {
        for order in 0..ORDERS {
            self.matches[order] += times * other.matches[order];
            self.possible[order] += times * other.possible[order];
        }
        self.written += times * other.written;
        self.expected += times * other.expected;
    }

    /// `bleu_codexglue`, the dialect of code-to-code-trans and of text-to-code (CONCODE): of all texts at once.
    /// Words are what white space parts ([`words`]); one is added to matches and possibilities of
    /// *every* order (Lin and Och); the penalty is `exp(1 - expected / written)`. Where nothing was
    /// written that dialect divides by zero; here it is 0.
    pub fn corpus(&self) -> f64 {
        if self.written == 0 {
            return 0.0;
        }
        let precision =
            |order: usize| (self.matches[order] as f64 + 1.0) / (self.possible[order] as f64 + 1.0);
        let logs: f64 = (0..ORDERS).map(|order| precision(order).ln()).sum();
        let longer = self.expected as f64 / self.written as f64;
        (logs / ORDERS as f64).exp() * (1.0 - longer).min(0.0).exp()
    }

    /// `sacrebleu_13a`, of all texts at once, with the signature
    /// `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.x`. Words are those of
    /// [`words_13a`](super::sacre::words_13a); an order without a match counts as half a match, the
    /// next such order as a quarter, and so on; texts without a single match have 0; the penalty is
    /// `exp(1 - expected / written)`.
    pub fn sacre(&self) -> f64 {
        if self.matches == [0; ORDERS] || self.possible.contains(&0) {
            return 0.0;
        }
        let mut share = 1.0;
        let mut logs = 0.0;
        for (matches, possible) in self.matches.iter().zip(&self.possible) {
            let matches = match matches {
                0 => {
                    share /= 2.0;
                    share
                }
                some => *some as f64,
            };
            logs += (matches / *possible as f64).ln();
        }
        let longer = self.expected as f64 / self.written as f64;
        (logs / ORDERS as f64).exp() * (1.0 - longer).min(0.0).exp()
    }

    /// `bleu_codexglue_smooth`, the dialect of code-to-text: of one text; the measure is the mean over texts.
    /// Words are [`lowered_words`]; one is added to matches and possibilities of orders 2 to 4, and
    /// the smallest normal number to all; the penalty is `exp(1 - (expected + 1) / (written + 1))`.
    /// A text without words therefore has `exp(-expected)`, as there.
    pub fn sentence(&self) -> f64 {
        let log = |count: u64, added: f64| (count as f64 + added + f64::MIN_POSITIVE).ln();
        let order = |order: usize| {
            let added = if order > 0 { 1.0 } else { 0.0 };
            log(self.matches[order], added) - log(self.possible[order], added)
        };
        let logs: f64 = (0..ORDERS).map(order).sum();
        let longer = (self.expected + 1) as f64 / (self.written + 1) as f64;
        (logs / ORDERS as f64 + (1.0 - longer).min(0.0)).exp()
    }
}

/// What white space parts.
pub fn words(text: &str) -> Vec<&str> {
    text.split(is_space)
        .filter(|word| !word.is_empty())
        .collect()
}

/// In small letters, runs of letters and digits, and every other character alone, the underscore
/// too. Letters with combining marks are kept whole, where the dialect's own script parts some
/// (in Indic scripts, for instance).
pub fn lowered_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for character in text.to_lowercase().chars() {
        let letter = character.is_alphanumeric();
        match words.last_mut() {
            Some(word) if letter && in_word => word.push(character),
            _ if is_space(character) => {}
            _ => words.push(character.to_string()),
        }
        in_word = letter;
    }
    words
}

/// White space as the scripts of both dialects know it, separators of ASCII included.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}
