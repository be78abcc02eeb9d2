//! Beam search in a language so small that every text can be tried.

use skillbelt_engine::random::Stream;

use crate::generate::beam::{Beams, EarlyStopping, Hypothesis, Search};
use crate::generate::choose;

const END: u32 = 0;

/// A language of `words` tokens in which the next token's log probabilities depend on all
/// tokens so far.
fn next(words: usize, seed: u64, so_far: &[u32]) -> Vec<f32> {
    let place = format!("{so_far:?}");
    let stream = Stream::new(seed, 0, &place);
    let logits: Vec<f32> = (0..words as u64)
        .map(|word| 2.0 * stream.normal(word))
        .collect();
    choose::log_softmax(&logits).unwrap()
}

fn search(how: &Beams, words: usize, seed: u64, most: usize) -> Hypothesis {
    let mut search = Search::new(how, 1, most);
    while !search.is_over() {
        let rows: Vec<_> = search
            .running()
            .iter()
            .map(|h| next(words, seed, &h.tokens))
            .collect();
        search.advance(&rows, &mut |tokens| tokens.last() == Some(&END));
    }
    search.into_best().unwrap()
}

/// Every text of the language up to a length, by brute force.
fn exhaustive(words: usize, seed: u64, most: usize, penalty: f64) -> Hypothesis {
    let mut open = vec![(Vec::new(), 0.0f32)];
    let mut best: Option<Hypothesis> = None;
    for length in 1..=most {
        let mut longer = Vec::new();
        for (tokens, score) in open {
            for (word, log) in next(words, seed, &tokens).into_iter().enumerate() {
                let mut tokens: Vec<u32> = tokens.clone();
                tokens.push(word as u32);
                if word as u32 == END || length == most {
                    let score = (score + log) / (length as f64).powf(penalty) as f32;
                    if best.as_ref().is_none_or(|best| score > best.score) {
                        best = Some(Hypothesis { tokens, score });
                    }
                } else {
                    longer.push((tokens, score + log));
                }
            }
        }
        open = longer;
    }
    best.unwrap()
}

#[test]
fn with_enough_beams_the_search_is_exhaustive() {
    for seed in 0..20 {
        for length_penalty in [0.0, 0.6, 1.0, 2.0] {
            let how = Beams {
                count: 300,
                length_penalty,
                stopping: EarlyStopping::Certain,
            };
            let (found, best) = (
                search(&how, 4, seed, 4),
                exhaustive(4, seed, 4, f64::from(length_penalty)),
            );
            assert_eq!(found.tokens, best.tokens, "seed {seed}");
            assert!((found.score - best.score).abs() < 1e-5);
        }
    }
}

#[test]
fn a_narrow_search_misses_what_a_wide_one_finds_so_the_oracle_can_fail() {
    let narrow = Beams {
        count: 1,
        length_penalty: 0.0,
        stopping: EarlyStopping::Certain,
    };
    assert!(
        (0..20)
            .any(|seed| search(&narrow, 4, seed, 4).tokens != exhaustive(4, seed, 4, 0.0).tokens)
    );
}

#[test]
fn one_beam_is_greedy() {
    for seed in 0..50 {
        let mut greedy = Vec::new();
        while greedy.len() < 6 && greedy.last() != Some(&END) {
            let row = next(5, seed, &greedy);
            greedy.push(choose::greedy(&row).unwrap());
        }
        for stopping in [EarlyStopping::Full, EarlyStopping::Likely] {
            let how = Beams {
                count: 1,
                length_penalty: 1.0,
                stopping,
            };
            assert_eq!(search(&how, 5, seed, 6).tokens, greedy, "seed {seed}");
        }
    }
}

#[test]
fn a_length_penalty_above_nought_favours_longer_texts() {
    let length = |length_penalty| -> usize {
        let how = Beams {
            count: 8,
            length_penalty,
            stopping: EarlyStopping::Certain,
        };
        (0..20)
            .map(|seed| search(&how, 5, seed, 8).tokens.len())
            .sum()
    };
    assert!(length(2.0) > length(0.0));
    assert!(length(0.0) > length(-2.0));
}

#[test]
fn more_beams_than_words_are_no_error() {
    let how = Beams {
        count: 50,
        ..Beams::default()
    };
    assert!(!search(&how, 2, 1, 3).tokens.is_empty());
}

#[test]
fn no_finished_text_is_lost_when_every_continuation_ends() {
    let mut search = Search::new(
        &Beams {
            count: 2,
            ..Beams::default()
        },
        1,
        5,
    );
    let parents = search.advance(&[vec![-0.1, f32::NEG_INFINITY]], &mut |_| true);
    assert!(parents.is_empty() && search.is_over());
    assert_eq!(search.into_best().unwrap().tokens, [END]);
}
