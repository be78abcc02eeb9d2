//! Whether answers are as often right as they are sure: the expected calibration error of Guo et al.
//! (2017).
//!
//! It looks at the confidence in the class that was said, not at the probabilities of all classes.

/// Bins of equal width, from zero to one; each holds its upper end.
const BINS: usize = 15;

/// Confidences by example.
pub struct Confidence {
    /// The bin, and by how much being right (one or nought) exceeds the confidence.
    examples: Vec<(usize, f64)>,
}

impl Confidence {
    /// Of `(confidence, is right)` by example.
    pub fn new(examples: impl Iterator<Item = (f64, bool)>) -> Confidence {
        let example = |(sure, right): (f64, bool)| {
            let bin = (sure * BINS as f64).ceil() as usize;
            let right = if right { 1.0 } else { 0.0 };
            (bin.clamp(1, BINS) - 1, right - sure)
        };
        Confidence {
            examples: examples.map(example).collect(),
        }
    }

    /// The sum over the bins of `|right answers - summed confidence|`, over the number of answers:
    /// the mean distance between accuracy and confidence, each bin weighed by what is in it.
    pub fn error(&self, times: &[u32]) -> Option<f64> {
        let (mut bins, mut all) = ([0.0; BINS], 0.0);
        for ((bin, gap), times) in self.examples.iter().zip(times) {
            bins[*bin] += gap * f64::from(*times);
            all += f64::from(*times);
        }
        let sum: f64 = bins.iter().map(|gap: &f64| gap.abs()).sum();
        (all > 0.0).then(|| sum / all)
    }
}
