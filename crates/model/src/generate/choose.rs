//! From the logits of one sequence's next token to the token: greedy or drawn.
//!
//! Pure functions of numbers. They follow the reference library's order: repetition penalty, least
//! length, temperature, top-k, top-p. Nothing here knows a network or a text.

use skillbelt_engine::random::Stream;

/// How tokens are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Logits are divided by it; above 0.
    pub temperature: f32,
    /// Only the `k` likeliest tokens (and those that tie with the last of them); `None`: all.
    pub top_k: Option<usize>,
    /// Only the likeliest tokens whose probabilities reach this sum; 1 is all.
    pub top_p: f32,
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling {
            temperature: 1.0,
            top_k: None,
            top_p: 1.0,
            seed: 0,
        }
    }
}

/// The likeliest token; of equal ones the first. `None` if a logit is not a number or none is
/// finite.
pub fn greedy(logits: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (token, &logit) in logits.iter().enumerate() {
        if logit.is_nan() || logit == f32::INFINITY {
            return None;
        }
        if logit > best.map_or(f32::NEG_INFINITY, |(_, best)| best) {
            best = Some((token, logit));
        }
    }
    best.map(|(token, _)| token as u32)
}

/// Draws a token. The draw is a function of (seed, sequence, step) and the logits alone, so a
/// sequence gets the same text in whatever batch it stands.
pub fn sample(logits: &[f32], how: &Sampling, sequence: u64, step: u64) -> Option<u32> {
    let mut weights = weights(logits, how)?;
    if how.top_p < 1.0 {
        keep_nucleus(&mut weights, f64::from(how.top_p));
    }
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let bits = Stream::new(how.seed, step, "next token").bits(sequence);
    let mut left = (bits >> 11) as f64 / (1u64 << 53) as f64 * total;
    for (token, weight) in &weights {
        left -= weight;
        if left < 0.0 {
            return Some(*token);
        }
    }
    weights.last().map(|(token, _)| *token)
}

/// Unnormalised probabilities of the tokens that temperature and top-k leave, in order of token.
fn weights(logits: &[f32], how: &Sampling) -> Option<Vec<(u32, f64)>> {
    let largest = logits[greedy(logits)? as usize];
    let lowest = match how.top_k {
        Some(k) if k < logits.len() => {
            let mut ranked = logits.to_vec();
            let (_, last, _) = ranked.select_nth_unstable_by(k.max(1) - 1, |a, b| b.total_cmp(a));
            *last
        }
        _ => f32::NEG_INFINITY,
    };
    let weight = |logit: f32| (f64::from(logit - largest) / f64::from(how.temperature)).exp();
    let kept = logits
        .iter()
        .enumerate()
        .filter(|(_, logit)| **logit >= lowest);
    Some(
        kept.map(|(token, logit)| (token as u32, weight(*logit)))
            .filter(|(_, w)| *w > 0.0)
            .collect(),
    )
}

/// Drops the unlikeliest tokens as long as what is dropped sums to no more than `1 - top_p`; the
/// likeliest always stays.
fn keep_nucleus(weights: &mut Vec<(u32, f64)>, top_p: f64) {
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    weights.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
    let mut sum = 0.0;
    let dropped = weights
        .iter()
        .take_while(|(_, weight)| {
            sum += weight / total;
            sum <= 1.0 - top_p
        })
        .count()
        .min(weights.len() - 1);
    weights.drain(..dropped);
    weights.sort_by_key(|(token, _)| *token);
}

/// Makes every token that was read or written less likely: a score below 0 is multiplied by the
/// penalty, another divided. Each token once, however often it occurred.
pub fn penalise(scores: &mut [f32], history: &[u32], penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    let mut tokens = history.to_vec();
    tokens.sort_unstable();
    tokens.dedup();
    for token in tokens {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = if *score < 0.0 {
                *score * penalty
            } else {
                *score / penalty
            };
        }
    }
}

/// Makes tokens impossible.
pub fn forbid(scores: &mut [f32], tokens: &[u32]) {
    for token in tokens {
        if let Some(score) = scores.get_mut(*token as usize) {
            *score = f32::NEG_INFINITY;
        }
    }
}

/// Logarithms of probabilities. `None` if a logit is not a number or none is finite.
pub fn log_softmax(logits: &[f32]) -> Option<Vec<f32>> {
    let largest = logits[greedy(logits)? as usize];
    let sum: f64 = logits
        .iter()
        .map(|logit| f64::from(logit - largest).exp())
        .sum();
    let log = sum.ln();
    Some(
        logits
            .iter()
            .map(|logit| (f64::from(logit - largest) - log) as f32)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 6] = [0.5, 2.0, -1.0, 1.0, 2.0, 0.0];

    fn draws(how: &Sampling, count: u64) -> Vec<u32> {
        (0..count)
            .map(|step| sample(&LOGITS, how, 3, step).unwrap())
            .collect()
    }

    /// Chi-square of the draws against probabilities over the six tokens.
    fn chi_square(draws: &[u32], probabilities: &[f64]) -> f64 {
        let count = draws.len() as f64;
        probabilities
            .iter()
            .enumerate()
            .filter(|(_, p)| **p > 0.0)
            .map(|(token, p)| {
                let seen = draws.iter().filter(|draw| **draw as usize == token).count() as f64;
                (seen - p * count).powi(2) / (p * count)
            })
            .sum()
    }

    fn softmax(temperature: f64) -> Vec<f64> {
        let weights: Vec<f64> = LOGITS
            .iter()
            .map(|l| (f64::from(*l) / temperature).exp())
            .collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    /// The 99.9% point of chi-square with five degrees of freedom.
    const FIVE_DEGREES: f64 = 20.52;

    #[test]
    fn draws_follow_the_softmax_at_any_temperature_and_the_oracle_tells_temperatures_apart() {
        for temperature in [0.5, 1.0, 1.7] {
            let how = Sampling {
                temperature,
                ..Sampling::default()
            };
            let draws = draws(&how, 20_000);
            assert!(chi_square(&draws, &softmax(f64::from(temperature))) < FIVE_DEGREES);
            assert!(chi_square(&draws, &softmax(f64::from(temperature) * 1.1)) > FIVE_DEGREES);
        }
    }

    #[test]
    fn a_draw_depends_on_seed_sequence_and_step_and_on_nothing_else() {
        let how = Sampling::default();
        assert_eq!(draws(&how, 50), draws(&how, 50));
        let other = Sampling {
            seed: 1,
            ..how.clone()
        };
        assert_ne!(draws(&how, 50), draws(&other, 50));
        let elsewhere: Vec<u32> = (0..50)
            .map(|step| sample(&LOGITS, &how, 4, step).unwrap())
            .collect();
        assert_ne!(draws(&how, 50), elsewhere);
    }

    #[test]
    fn top_k_keeps_the_likeliest_and_ties_with_the_last_of_them() {
        let kept = |top_k| {
            let mut seen = draws(
                &Sampling {
                    top_k: Some(top_k),
                    ..Sampling::default()
                },
                2000,
            );
            seen.sort_unstable();
            seen.dedup();
            seen
        };
        assert_eq!(kept(1), [1, 4]);
        assert_eq!(kept(2), [1, 4]);
        assert_eq!(kept(3), [1, 3, 4]);
        assert_eq!(kept(6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(kept(600), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_reaches_the_sum_and_at_least_one() {
        let nucleus = |top_p: f64| {
            let mut weights: Vec<(u32, f64)> = [0.1, 0.4, 0.2, 0.3]
                .into_iter()
                .enumerate()
                .map(|(t, w)| (t as u32, w))
                .collect();
            keep_nucleus(&mut weights, top_p);
            weights.iter().map(|(token, _)| *token).collect::<Vec<_>>()
        };
        assert_eq!(nucleus(0.001), [1]);
        assert_eq!(nucleus(0.39), [1]);
        assert_eq!(nucleus(0.5), [1, 3]);
        assert_eq!(nucleus(0.75), [1, 2, 3]);
        assert_eq!(nucleus(0.95), [0, 1, 2, 3]);
    }

    #[test]
    fn a_low_temperature_becomes_greedy() {
        let how = Sampling {
            temperature: 1e-4,
            ..Sampling::default()
        };
        let logits = [0.1, 0.9, 0.899];
        assert!((0..500).all(|step| sample(&logits, &how, 0, step) == Some(1)));
    }

    #[test]
    fn greedy_takes_the_first_of_equals_and_refuses_what_is_no_number() {
        assert_eq!(greedy(&LOGITS), Some(1));
        assert_eq!(greedy(&[0.0, f32::NAN]), None);
        assert_eq!(greedy(&[f32::NEG_INFINITY; 2]), None);
        assert_eq!(sample(&[f32::NAN], &Sampling::default(), 0, 0), None);
    }

    #[test]
    fn the_penalty_falls_once_on_each_token_and_always_downwards() {
        let mut scores = [2.0, -1.0, 4.0];
        penalise(&mut scores, &[0, 1, 0, 1, 99], 2.0);
        assert_eq!(scores, [1.0, -2.0, 4.0]);
    }

    #[test]
    fn log_softmax_sums_to_one_and_keeps_the_impossible_impossible() {
        let logs = log_softmax(&[1.0, f32::NEG_INFINITY, 3.0]).unwrap();
        assert_eq!(logs[1], f32::NEG_INFINITY);
        let sum: f64 = logs.iter().map(|log| f64::from(*log).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }
}
