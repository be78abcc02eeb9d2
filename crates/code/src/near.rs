//! Near duplicates: texts that share most of their runs of five words.
//!
//! Words are runs of letters, digits and `_`, and every other visible sign; spaces do not count. A
//! text of fewer than five words is one run. Candidates are found by MinHash in bands, and every one
//! is then verified by the exact share of runs, so what is reported is true; a pair just above the
//! threshold is found with a chance of at least 99%. Time is bounded: in a band each text is
//! compared with a few texts of each split only, and only until it has a match there.

use rayon::prelude::*;

/// Runs that are held, eight bytes each. Texts beyond are counted as not compared. A text has at most
/// as many runs as words.
pub const HELD_RUNS: usize = 32 << 20;
const RUN_WORDS: usize = 5;
const HASHES: usize = 128;
/// Texts of one split that a text is compared with in one band.
const COMPARED: usize = 8;

/// Texts as sets of runs.
#[derive(Default)]
pub struct Texts {
    runs: Vec<u64>,
    /// Where each text's runs end.
    ends: Vec<usize>,
    pub not_compared: u64,
}

/// A text and an earlier one that it almost is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    pub text: usize,
    pub earlier: usize,
    /// Where the earlier one stands.
    pub split: usize,
}

impl Texts {
    /// Adds a text and says its number, or nothing if there is no room.
    pub fn add(&mut self, text: &str) -> Option<usize> {
        let mut runs = runs(text);
        if self.runs.len() + runs.len() > HELD_RUNS {
            self.not_compared += 1;
            return None;
        }
        self.runs.append(&mut runs);
        self.ends.push(self.runs.len());
        Some(self.ends.len() - 1)
    }

    fn runs_of(&self, text: usize) -> &[u64] {
        let start = text.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.runs[start..self.ends[text]]
    }

    /// For each text, and each split, one earlier text of that split with at least this share of
    /// runs in common, if there is one. `splits` says, as bits, where each text stands. In the order
    /// of texts and splits.
    pub fn matches(&self, splits: &[u8], share: f64) -> Vec<Match> {
        let rows = band_rows(share);
        let signatures: Vec<[u64; HASHES]> = (0..self.ends.len())
            .into_par_iter()
            .map(|text| signature(self.runs_of(text)))
            .collect();
        let mut found: Vec<[Option<usize>; 8]> = vec![[None; 8]; self.ends.len()];
        for band in 0..HASHES / rows {
            let mut keys: Vec<(u64, usize)> = (0..self.ends.len())
                .filter(|text| !self.runs_of(*text).is_empty())
                .map(|text| (fold(&signatures[text][band * rows..][..rows]), text))
                .collect();
            keys.par_sort_unstable();
            for bucket in keys
                .chunk_by(|one, other| one.0 == other.0)
                .filter(|bucket| bucket.len() > 1)
            {
                self.compare(bucket, splits, share, &mut found);
            }
        }
        let listed = found.iter().enumerate().flat_map(|(text, by_split)| {
            by_split
                .iter()
                .enumerate()
                .filter_map(move |(split, earlier)| {
                    earlier.map(|earlier| Match {
                        text,
                        earlier,
                        split,
                    })
                })
        });
        listed.collect()
    }

    fn compare(
        &self,
        bucket: &[(u64, usize)],
        splits: &[u8],
        share: f64,
        found: &mut [[Option<usize>; 8]],
    ) {
        let mut seen: [Vec<usize>; 8] = Default::default();
        for (_, text) in bucket {
            for (split, earlier) in seen.iter().enumerate() {
                if found[*text][split].is_none() {
                    let recent = earlier.iter().rev().take(COMPARED).copied();
                    found[*text][split] = recent.into_iter().find(|earlier| {
                        in_common(self.runs_of(*text), self.runs_of(*earlier)) >= share
                    });
                }
            }
            for (split, list) in seen.iter_mut().enumerate() {
                if splits[*text] & (1 << split) != 0 {
                    list.push(*text);
                }
            }
        }
    }
}

/// The most hashes in a band with which a pair at the threshold is found with a chance of 99%.
fn band_rows(share: f64) -> usize {
    let chance = |rows: i32| 1.0 - (1.0 - share.powi(rows)).powi(HASHES as i32 / rows);
    (1..=8)
        .rev()
        .find(|rows| chance(*rows) >= 0.99)
        .unwrap_or(1) as usize
}

/// Sorted hashes of the runs of a text, each once.
fn runs(text: &str) -> Vec<u64> {
    let words: Vec<u64> = words(text).map(|word| hashed(word.as_bytes())).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut runs: Vec<u64> = words
        .windows(RUN_WORDS.min(words.len()))
        .map(fold)
        .collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

/// Words and signs of a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = match is_word(first) {
            true => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// A number for a word: FNV-1a, stirred.
pub fn hashed(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    stirred(hash)
}

fn fold(numbers: &[u64]) -> u64 {
    numbers.iter().fold(numbers.len() as u64, |hash, number| {
        stirred(hash.rotate_left(23) ^ number)
    })
}

/// The finaliser of splitmix64.
fn stirred(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The least of each of many orders of the runs.
fn signature(runs: &[u64]) -> [u64; HASHES] {
    let mut least = [u64::MAX; HASHES];
    for run in runs {
        let step = stirred(*run) | 1;
        let mut number = *run;
        for least in &mut least {
            number = number.wrapping_add(step);
            let mixed = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *least = (*least).min(mixed ^ (mixed >> 29));
        }
    }
    least
}

/// The share of runs of five words that two texts have in common, of all that either has.
pub fn likeness(one: &str, other: &str) -> f64 {
    in_common(&runs(one), &runs(other))
}

/// Shared runs by all runs of both; both are sorted.
fn in_common(one: &[u64], other: &[u64]) -> f64 {
    let (mut at, mut shared) = (0, 0);
    for run in one {
        while other.get(at).is_some_and(|other| other < run) {
            at += 1;
        }
        shared += usize::from(other.get(at) == Some(run));
    }
    shared as f64 / (one.len() + other.len() - shared).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seed: u64, length: u64) -> String {
        let words: Vec<String> = (0..length)
            .map(|n| format!("w{}", stirred(seed * 1000 + n) % 400))
            .collect();
        words.join(" ")
    }

    #[test]
    fn words_are_names_numbers_and_signs() {
        let found: Vec<&str> = words(" int a_1=ü+2;\n").collect();
        assert_eq!(found, ["int", "a_1", "=", "ü", "+", "2", ";"]);
    }

    #[test]
    fn all_pairs_are_found_that_plain_comparison_finds_and_no_others() {
        let mut texts = Texts::default();
        let mut all = Vec::new();
        for seed in 0..60 {
            let base = text(seed, 120);
            let changed = base
                .replacen("w7", "x7", 1)
                .replacen(" w1", " y y", (seed % 5) as usize);
            all.extend([base, changed]);
        }
        for text in &all {
            texts.add(text);
        }
        let splits = vec![1; all.len()];
        let found = texts.matches(&splits, 0.8);
        let mut expected = Vec::new();
        for later in 0..all.len() {
            let near =
                |earlier: &usize| in_common(texts.runs_of(later), texts.runs_of(*earlier)) >= 0.8;
            if (0..later).any(|earlier| near(&earlier)) {
                expected.push(later);
            }
        }
        let texts: Vec<usize> = found.iter().map(|one| one.text).collect();
        assert_eq!(texts, expected);
        assert!(
            expected.len() > 20 && expected.len() < 60,
            "{}",
            expected.len()
        );
    }

    #[test]
    fn the_share_is_exact_and_spaces_do_not_count() {
        assert_eq!(in_common(&runs("a b c d e f"), &runs("a  b\nc d e f")), 1.0);
        assert_eq!(
            in_common(&runs("a b c d e f"), &runs("a b c d e g")),
            1.0 / 3.0
        );
        assert_eq!(in_common(&runs("a b"), &runs("a c")), 0.0);
        assert_eq!(band_rows(0.8), 6);
    }
}
