//! Measures of texts that were written, and of how well the true text was foreseen.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::bleu::{Overlap, lowered_words, words};
use super::chrf::Runs;
use super::edit::similarity;
use super::sacre::words_13a;
use super::wordnet::WordNet;
use super::{Judged, mean, meteor, names, rouge};

const NAMES: &[&str] = &[
    "exact_match",
    "exact_match_words",
    "bleu_codexglue",
    "bleu_codexglue_smooth",
    "sacrebleu_13a",
    "rouge_l",
    "rouge_l_stem",
    "meteor_exact_stem",
    "meteor_nltk",
    "chrf",
    "chrf++",
    "edit_similarity",
];

/// Written texts beside the expected ones.
///
/// - `exact_match`: the share that is equal after white space at both ends is taken off. Nothing
///   else is made alike: neither letters nor white space inside. `exact_match_words`: the share
///   whose words are equal, words being what white space parts (CONCODE's dialect).
/// - `bleu_codexglue`: of all texts at once, in the dialect of CodeXGLUE's translation and CONCODE.
/// - `bleu_codexglue_smooth`: the mean over texts, in the dialect of CodeXGLUE's code-to-text.
/// - `sacrebleu_13a`: of all texts at once, as sacreBLEU.
/// - `rouge_l`, `rouge_l_stem`: the mean over texts, as `rouge-score` without and with its stemmer.
/// - `meteor_nltk`: the mean over texts, as nltk with WordNet; only there if one was
///   [chosen](WordNet::choose). `meteor_exact_stem`: the same without synonyms.
/// - `chrf`, `chrf++`: of all texts at once, as sacreBLEU's chrF2 and chrF2++.
/// - `edit_similarity`: the mean Levenshtein ratio ([`similarity`]) of the texts without white space
///   at both ends.
///
/// What a text adds to a measure is counted once, when the measure is first asked for; each reading
/// then only sums.
pub struct Written {
    /// Written and expected, without white space at both ends.
    texts: Vec<(String, String)>,
    /// In the order of [`MEANS`].
    means: [OnceLock<Vec<f64>>; MEANS.len()],
    words: OnceLock<Vec<Overlap>>,
    words_13a: OnceLock<Vec<Overlap>>,
    runs: OnceLock<Vec<Runs>>,
}

/// A number of one text.
type OfText = fn(&str, &str) -> f64;

/// Measures that are means over texts.
const MEANS: [(&str, OfText); 8] = [
    ("exact_match", |a, b| share(a == b)),
    ("exact_match_words", |a, b| share(words(a) == words(b))),
    ("bleu_codexglue_smooth", |a, b| {
        Overlap::of(&lowered_words(a), &lowered_words(b)).sentence()
    }),
    ("rouge_l", |a, b| {
        rouge::f(&rouge::words(a), &rouge::words(b))
    }),
    ("rouge_l_stem", |a, b| {
        let stems = |text| rouge::stems(&rouge::words(text));
        rouge::f(&stems(a), &stems(b))
    }),
    ("meteor_exact_stem", |a, b| meteor::score(a, b, None)),
    ("meteor_nltk", |a, b| meteor::score(a, b, WordNet::chosen())),
    ("edit_similarity", similarity),
];

impl Written {
    /// A text that was not written counts as empty.
    pub fn new(written: &[&str], expected: &[&str]) -> Written {
        let text =
            |texts: &[&str], at: usize| texts.get(at).map_or("", |text| text.trim()).to_owned();
        let all = 0..written.len().max(expected.len());
        Written {
            texts: all
                .map(|at| (text(written, at), text(expected, at)))
                .collect(),
            means: Default::default(),
            words: OnceLock::new(),
            words_13a: OnceLock::new(),
            runs: OnceLock::new(),
        }
    }

    /// A number of each text, in their order.
    fn of_each<N: Send>(&self, number: impl Fn(&str, &str) -> N + Sync) -> Vec<N> {
        let texts = self.texts.par_iter();
        texts
            .map(|(written, expected)| number(written, expected))
            .collect()
    }

    /// The numbers that a measure is the mean of.
    fn numbers(&self, name: &str) -> Option<&[f64]> {
        let name = names::full(name);
        let place = MEANS.iter().position(|(known, _)| *known == name)?;
        if name == "meteor_nltk" && WordNet::chosen().is_none() {
            return None;
        }
        Some(self.means[place].get_or_init(|| self.of_each(MEANS[place].1)))
    }

    fn bleu(&self, times: &[u32]) -> Overlap {
        let count = |a: &str, b: &str| Overlap::of(&words(a), &words(b));
        total(self.words.get_or_init(|| self.of_each(count)), times)
    }

    fn sacre(&self, times: &[u32]) -> Overlap {
        let count = |a: &str, b: &str| Overlap::of(&words_13a(a), &words_13a(b));
        total(self.words_13a.get_or_init(|| self.of_each(count)), times)
    }

    fn runs(&self, times: &[u32]) -> Runs {
        let mut all = Runs::default();
        let each = self.runs.get_or_init(|| self.of_each(Runs::of));
        for (runs, times) in each.iter().zip(times).filter(|(_, times)| **times > 0) {
            all.add(runs, *times);
        }
        all
    }
}

fn share(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn total(each: &[Overlap], times: &[u32]) -> Overlap {
    let mut all = Overlap::default();
    for (overlap, times) in each.iter().zip(times).filter(|(_, times)| **times > 0) {
        all.add(overlap, u64::from(*times));
    }
    all
}

impl Judged for Written {
    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn count(&self) -> usize {
        self.texts.len()
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        if times.iter().all(|times| *times == 0) {
            return None;
        }
        match names::full(name) {
            "bleu_codexglue" => Some(self.bleu(times).corpus()),
            "sacrebleu_13a" => Some(self.sacre(times).sacre()),
            "chrf" => Some(self.runs(times).characters()),
            "chrf++" => Some(self.runs(times).with_words()),
            _ => mean(self.numbers(name)?, times),
        }
    }

    fn each(&self, name: &str) -> Option<Vec<f64>> {
        self.numbers(name).map(<[f64]>::to_vec)
    }
}
