//! What two forms of one model say of the same few token sequences, and how far they are apart.
//!
//! The sequences are drawn once and for all from the size of the vocabulary: an export is checked
//! in the same way on every machine. It judges numbers only; what they mean is not its affair.

use std::fmt;

use serde_json::{Value, json};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Mat, Pass};

use super::Dtype;
use super::error::Result;
use crate::base::{Batch, Network, Shape, Source, logits};

/// Lengths of the sequences; shorter where a model sees less.
const LENGTHS: [usize; 4] = [24, 9, 2, 1];
/// Ids below this have a role in most vocabularies (padding, beginning, end).
const FIRST_ID: u32 = 5;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Logits of every token, where the model has a head; else hidden states.
    Logits,
    /// The last hidden states.
    Hidden,
}

/// What a model says of the fixed sequences.
#[derive(Debug, Clone)]
pub struct Outputs {
    pub sequences: Vec<Vec<u32>>,
    pub what: What,
    /// `[T x V]` or `[T x C]`, the sequences laid end to end.
    pub rows: Mat,
}

impl Outputs {
    /// Runs a network on the fixed sequences, none longer than `longest`.
    pub fn of(network: &dyn Network, what: What, longest: usize) -> Result<Outputs> {
        let sizes = network.sizes();
        let longest = longest.min(sizes.positions.unwrap_or(usize::MAX)).max(1);
        let sequences = sequences(sizes.vocabulary, longest);
        let what = match network.head() {
            Some(_) => what,
            None => What::Hidden,
        };
        Outputs::on(network, sequences, what)
    }

    /// Runs another network on the same sequences.
    pub fn again(&self, network: &dyn Network) -> Result<Outputs> {
        Outputs::on(network, self.sequences.clone(), self.what)
    }

    /// An encoder-decoder reads each sequence and is then asked to write the same one.
    fn on(network: &dyn Network, sequences: Vec<Vec<u32>>, what: What) -> Result<Outputs> {
        let (pass, batch) = (Pass::inference(), Batch::pack(&sequences)?);
        let mut hidden = network.hidden(&pass, &batch, None)?;
        if network.shape() == Shape::EncoderDecoder {
            hidden = network.decode(&pass, &hidden, &batch.spans, &batch, None)?;
        }
        let all: Vec<usize> = (0..hidden.rows()).collect();
        let rows = match what {
            What::Logits => logits(network, &pass, &hidden, &all)?,
            What::Hidden => hidden.into_mat(),
        };
        Ok(Outputs {
            sequences,
            what,
            rows,
        })
    }

    /// For other programs: the sequences, and one list of numbers per token.
    pub fn json(&self) -> Value {
        let rows = (0..self.rows.rows()).map(|row| self.rows.row(row));
        let name = match self.what {
            What::Logits => "logits",
            What::Hidden => "hidden",
        };
        json!({"what": name, "sequences": self.sequences, "rows": rows.collect::<Vec<_>>()})
    }

    /// How far `found` is from these, beside the bar of a kind of number.
    pub fn compare(&self, found: &Outputs, dtype: Dtype) -> Comparison {
        Comparison::of(self.what, self.rows.data(), found.rows.data(), bar(dtype))
    }
}

/// How far outputs may be apart, as a share of the largest. Tiny random networks are the worst case
/// (nothing averages out), T5 the worst of them: its scores are not divided by anything, and so its
/// attention is sharp. Each is some times what they show.
fn bar(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F32 => 1e-4,
        Dtype::F16 => 1e-2,
        Dtype::Bf16 => 1e-1,
        Dtype::Q8 => 3e-1,
    }
}

/// Tokens that follow from the vocabulary's size alone.
fn sequences(vocabulary: usize, longest: usize) -> Vec<Vec<u32>> {
    let dice = Stream::new(0, 0, "sequences of an export");
    let first = FIRST_ID.min(vocabulary.saturating_sub(1) as u32);
    let choices = (vocabulary as u64).saturating_sub(u64::from(first)).max(1);
    let mut place = 0;
    let mut draw = || {
        place += 1;
        first + (dice.bits(place) % choices) as u32
    };
    let lengths = LENGTHS.iter().map(|length| *(length.min(&longest)));
    lengths
        .map(|length| (0..length).map(|_| draw()).collect())
        .collect()
}

/// How far outputs are apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub what: What,
    /// Of the numbers at one place.
    pub largest_difference: f64,
    /// The largest expected number.
    pub largest: f64,
    pub cosine: f64,
    /// What `largest_difference` may be as a share of `largest`.
    pub bar: f64,
}

impl Comparison {
    fn of(what: What, expected: &[f32], found: &[f32], bar: f64) -> Comparison {
        let pairs = || {
            expected
                .iter()
                .zip(found)
                .map(|(a, b)| (f64::from(*a), f64::from(*b)))
        };
        let dot = |of: fn((f64, f64)) -> f64| pairs().map(of).sum::<f64>();
        let lengths = (dot(|(a, _)| a * a) * dot(|(_, b)| b * b)).sqrt();
        // A number without value compares as infinitely far.
        let apart = |(a, b): (f64, f64)| match (a - b).abs() {
            apart if apart.is_nan() => f64::INFINITY,
            apart => apart,
        };
        Comparison {
            what,
            largest_difference: match expected.len() == found.len() {
                true => pairs().map(apart).fold(0.0, f64::max),
                false => f64::INFINITY,
            },
            largest: pairs().map(|(a, _)| a.abs()).fold(0.0, f64::max),
            cosine: match lengths {
                0.0 => 1.0,
                lengths => dot(|(a, b)| a * b) / lengths,
            },
            bar,
        }
    }

    /// What is off by a share of its length has a cosine that is off by half the share's square.
    pub fn agrees(&self) -> bool {
        let near = self.largest_difference <= self.bar * self.largest;
        near && self.cosine >= 1.0 - self.bar * self.bar
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.what {
            What::Logits => "logits",
            What::Hidden => "hidden states",
        };
        write!(
            f,
            "{name}: largest difference {:.1e} of {:.3}, cosine {:.7}; bar {:e}",
            self.largest_difference, self.largest, self.cosine, self.bar
        )
    }
}

/// How the weights in written files stand to those meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    /// How many were read back.
    pub count: usize,
    /// The largest difference of a number, as a share of what its kind of number allows there.
    pub strain: f64,
    /// The key of the weight with the largest.
    pub worst: String,
}

impl Weights {
    /// Reads every weight of `meant` from `found` too. `allowed` says how far a number may be away
    /// for the way in which it is stored.
    pub fn compare(
        meant: &dyn Source,
        found: &dyn Source,
        keys: &[(String, Vec<usize>)],
        allowed: impl Fn(&str, &[f32], usize) -> f32,
    ) -> Result<Weights> {
        let mut weights = Weights::default();
        for (key, shape) in keys {
            let expected = meant.read_f32(key, shape)?;
            let read = found.read_f32(key, shape)?;
            weights.add(key, &expected, &read, &allowed);
        }
        Ok(weights)
    }

    /// One more weight.
    pub fn add(
        &mut self,
        key: &str,
        expected: &[f32],
        found: &[f32],
        allowed: &impl Fn(&str, &[f32], usize) -> f32,
    ) {
        self.count += 1;
        for (place, (a, b)) in expected.iter().zip(found).enumerate() {
            if a.to_bits() == b.to_bits() {
                continue;
            }
            let strain = f64::from((a - b).abs()) / f64::from(allowed(key, expected, place));
            // No number is without value if both sides are; one side alone is infinitely far.
            let strain = if strain.is_nan() {
                f64::INFINITY
            } else {
                strain
            };
            if strain > self.strain {
                self.strain = strain;
                self.worst = key.to_owned();
            }
        }
    }

    /// One that is not there, or is something else.
    pub fn refuse(&mut self, key: &str) {
        self.strain = f64::INFINITY;
        self.worst = key.to_owned();
    }

    pub fn agrees(&self) -> bool {
        self.strain <= 1.0
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weights: {} read back", self.count)?;
        match (self.strain, self.agrees()) {
            (0.0, _) => f.write_str(", all equal to the bit"),
            (_, true) => f.write_str(", all within rounding"),
            (_, false) => write!(f, ", `{}` beyond rounding", self.worst),
        }
    }
}
