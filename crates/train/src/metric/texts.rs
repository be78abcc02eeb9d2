//! Measures of texts that were written, and of how well the true text was foreseen.

use super::bleu::{Overlap, lowered_words, words};
use super::edit::similarity;
use super::{Judged, mean};

const NAMES: &[&str] = &["exact_match", "bleu", "bleu_smooth", "edit_similarity"];

/// Written texts beside the expected ones.
///
/// - `exact_match`: the share that is equal after white space at both ends is taken off. Nothing
///   else is made alike: neither letters nor white space inside.
/// - `bleu`: of all texts at once, in the dialect of CodeXGLUE's translation and CONCODE.
/// - `bleu_smooth`: the mean over texts, in the dialect of CodeXGLUE's code-to-text.
/// - `edit_similarity`: the mean Levenshtein ratio ([`similarity`]) of the texts without white space
///   at both ends.
pub struct Written {
    exact: Vec<f64>,
    overlaps: Vec<Overlap>,
    smooth: Vec<f64>,
    similar: Vec<f64>,
}

impl Written {
    /// A text that was not written counts as empty.
    pub fn new(written: &[&str], expected: &[&str]) -> Written {
        let count = written.len().max(expected.len());
        let mut texts = Written {
            exact: Vec::with_capacity(count),
            overlaps: Vec::with_capacity(count),
            smooth: Vec::with_capacity(count),
            similar: Vec::with_capacity(count),
        };
        for at in 0..count {
            let text = |texts: &[&'_ str]| texts.get(at).map_or("", |text| text.trim()).to_owned();
            let (written, expected) = (text(written), text(expected));
            texts.exact.push(f64::from(u8::from(written == expected)));
            let overlap = Overlap::of(&words(&written), &words(&expected));
            texts.overlaps.push(overlap);
            let lowered = Overlap::of(&lowered_words(&written), &lowered_words(&expected));
            texts.smooth.push(lowered.sentence());
            texts.similar.push(similarity(&written, &expected));
        }
        texts
    }

    fn bleu(&self, times: &[u32]) -> Option<f64> {
        let mut all = Overlap::default();
        for (overlap, times) in self.overlaps.iter().zip(times) {
            all.add(overlap, u64::from(*times));
        }
        times.iter().any(|times| *times > 0).then(|| all.corpus())
    }
}

impl Judged for Written {
    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn count(&self) -> usize {
        self.exact.len()
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        match name {
            "exact_match" => mean(&self.exact, times),
            "bleu" => self.bleu(times),
            "bleu_smooth" => mean(&self.smooth, times),
            "edit_similarity" => mean(&self.similar, times),
            _ => None,
        }
    }
}

/// How well true texts were foreseen.
///
/// - `loss`: nats per token, over all tokens of all texts.
/// - `perplexity`: `exp(loss)`.
pub struct Losses {
    /// The sum in nats, and the tokens.
    losses: Vec<(f64, u64)>,
}

impl Losses {
    pub fn new(losses: &[(f64, u64)]) -> Losses {
        Losses {
            losses: losses.to_vec(),
        }
    }
}

impl Judged for Losses {
    fn names(&self) -> &'static [&'static str] {
        &["loss", "perplexity"]
    }

    fn count(&self) -> usize {
        self.losses.len()
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        let (mut nats, mut tokens) = (0.0, 0.0);
        for ((sum, count), times) in self.losses.iter().zip(times) {
            nats += sum * f64::from(*times);
            tokens += *count as f64 * f64::from(*times);
        }
        let loss = (tokens > 0.0).then(|| nats / tokens)?;
        match name {
            "loss" => Some(loss),
            "perplexity" => Some(loss.exp()),
            _ => None,
        }
    }
}
