//! How well true texts were foreseen, token by token. It knows nothing of texts that were written.

use super::Judged;

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
