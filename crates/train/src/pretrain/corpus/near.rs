//! Texts that are nearly the same: found by the smallest hashes of their runs of words, one run in
//! each of some bins, and by bands of bins that agree.
//!
//! Two texts count as nearly the same when at least [`ALIKE`] of the bins agree, which estimates the
//! share of runs that they have in common. Texts are asked in order; the first of a kind stays.

use std::collections::HashMap;

/// Words in a run.
const RUN: usize = 5;
const BINS: usize = 64;
/// Bins of a band: texts are compared when all bins of any band agree.
const BAND: usize = 4;
/// Bins that must agree.
const ALIKE: usize = 51;
/// Texts that are compared for one band, at most: of a very common header, the first ones.
const COMPARED: usize = 64;

type Signature = [u32; BINS];

/// All texts so far.
#[derive(Default)]
pub struct Near {
    signatures: Vec<Signature>,
    bands: HashMap<u64, Vec<u32>>,
}

impl Near {
    /// Adds a text; false if one that is nearly the same is there, and then it is not added.
    pub fn add(&mut self, text: &str) -> bool {
        let Some(signature) = signature(text) else {
            return true;
        };
        let keys = bands(&signature);
        for key in keys {
            let known = self.bands.get(&key).map_or(&[][..], Vec::as_slice);
            if known
                .iter()
                .any(|place| agree(&self.signatures[*place as usize], &signature) >= ALIKE)
            {
                return false;
            }
        }
        let place = self.signatures.len() as u32;
        self.signatures.push(signature);
        for key in keys {
            let known = self.bands.entry(key).or_default();
            if known.len() < COMPARED {
                known.push(place);
            }
        }
        true
    }
}

fn agree(one: &Signature, other: &Signature) -> usize {
    one.iter().zip(other).filter(|(a, b)| a == b).count()
}

fn bands(signature: &Signature) -> [u64; BINS / BAND] {
    std::array::from_fn(|band| {
        let bins = &signature[band * BAND..(band + 1) * BAND];
        bins.iter()
            .fold(band as u64 + 1, |key, bin| spread(key ^ u64::from(*bin)))
    })
}

/// The smallest hash in each bin; an empty bin takes the next one's. Nothing of a text without a run.
fn signature(text: &str) -> Option<Signature> {
    let mut bins = [u32::MAX; BINS];
    let mut last = [0u64; RUN];
    let mut words = 0;
    let cuts = |c: char| !(c.is_alphanumeric() || c == '_');
    for word in text.split(cuts).filter(|word| !word.is_empty()) {
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        last[words % RUN] = hash;
        words += 1;
        if words >= RUN {
            let run = (0..RUN).fold(0u64, |run, i| spread(run ^ last[(words + i) % RUN]));
            let bin = (run >> 58) as usize;
            bins[bin] = bins[bin].min(run as u32);
        }
    }
    if words < RUN {
        return None;
    }
    let full = bins;
    for (at, bin) in bins.iter_mut().enumerate() {
        let mut next = (at..at + BINS).map(|at| full[at % BINS]);
        *bin = next.find(|hash| *hash != u32::MAX)?;
    }
    Some(bins)
}

fn spread(x: u64) -> u64 {
    let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: std::ops::Range<usize>) -> String {
        words
            .map(|word| format!("word{} ", word * 7919 % 1009))
            .collect()
    }

    #[test]
    fn a_text_with_a_few_other_words_is_nearly_the_same_and_half_another_is_not() {
        let mut near = Near::default();
        let whole = text(0..600);
        assert!(near.add(&whole));
        assert!(!near.add(&whole.replace("word0 ", "other ")));
        assert!(!near.add(&format!("a new header of a few words {whole}")));
        assert!(near.add(&text(300..900)));
        assert!(near.add("too few words"));
        assert!(near.add("too few words"));
    }

    #[test]
    fn agreement_estimates_the_share_of_runs_in_common() {
        let (one, other) = (
            signature(&text(0..800)).unwrap(),
            signature(&text(200..1000)).unwrap(),
        );
        // 600 of 1000 runs in common.
        let share = agree(&one, &other) as f64 / BINS as f64;
        assert!((share - 0.6).abs() < 0.2, "{share}");
    }
}
