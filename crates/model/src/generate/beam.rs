//! Beam search over one prompt, as the reference library does it: the same candidates, the same
//! scores, the same rules for stopping.
//!
//! It holds hypotheses and scores; it reads no network. Of equal scores the earlier candidate wins.

use std::cmp::Ordering;

/// How many hypotheses are followed, and when the search ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Beams {
    pub count: usize,
    /// A finished text's score is its log probability divided by its length to this power.
    pub length_penalty: f32,
    pub stopping: EarlyStopping,
}

impl Default for Beams {
    fn default() -> Beams {
        Beams {
            count: 5,
            length_penalty: 1.0,
            stopping: EarlyStopping::Likely,
        }
    }
}

/// When enough texts are finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlyStopping {
    /// As soon as there are as many finished texts as beams (`early_stopping=True`).
    Full,
    /// When the best running one, if it ended now, would not displace a finished one
    /// (`early_stopping=False`, the default there too).
    Likely,
    /// When no running one can ever displace a finished one (`early_stopping="never"`).
    Certain,
}

/// New tokens and the sum of their log probabilities; of a finished text, its final score.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    pub tokens: Vec<u32>,
    pub score: f32,
}

/// The search below one prompt.
#[derive(Debug, Clone)]
pub struct Search {
    how: Beams,
    /// Candidates looked at in each step: more than the beams, so that after every end at least as
    /// many as the beams go on.
    candidates: usize,
    most_tokens: usize,
    running: Vec<Hypothesis>,
    /// Best first, at most as many as the beams.
    finished: Vec<Hypothesis>,
    written: usize,
    over: bool,
}

/// A continuation of a running hypothesis by one token.
struct Candidate {
    parent: usize,
    token: u32,
    score: f32,
}

impl Search {
    /// A search that writes at most `most_tokens`; `ends` is how many different tokens end a text.
    pub fn new(how: &Beams, ends: usize, most_tokens: usize) -> Search {
        Search {
            how: how.clone(),
            candidates: how.count * (ends + 1).max(2),
            most_tokens,
            running: vec![Hypothesis {
                tokens: Vec::new(),
                score: 0.0,
            }],
            finished: Vec::new(),
            written: 0,
            over: false,
        }
    }

    /// The hypotheses whose next token is wanted, in the order of the rows that `advance` takes.
    pub fn running(&self) -> &[Hypothesis] {
        if self.over { &[] } else { &self.running }
    }

    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The best finished text.
    pub fn into_best(self) -> Option<Hypothesis> {
        self.finished.into_iter().next()
    }

    /// Takes the log probabilities of the next token of each running hypothesis; `ends_text` says
    /// whether a text ends with its last token. Gives, for each hypothesis that now runs, the one
    /// that it continues.
    pub fn advance(
        &mut self,
        log_probs: &[Vec<f32>],
        ends_text: &mut dyn FnMut(&[u32]) -> bool,
    ) -> Vec<usize> {
        let candidates = self.best_candidates(log_probs);
        self.written += 1;
        let last = self.written >= self.most_tokens;
        let (mut next, mut parents, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for (rank, candidate) in candidates.into_iter().enumerate() {
            let mut tokens = self.running[candidate.parent].tokens.clone();
            tokens.push(candidate.token);
            let score = candidate.score;
            if ends_text(&tokens) || last {
                // Those beyond the beams only stand by; they cannot end.
                if rank < self.how.count {
                    let score = score / self.length_factor(self.written);
                    found.push(Hypothesis { tokens, score });
                }
            } else if next.len() < self.how.count {
                next.push(Hypothesis { tokens, score });
                parents.push(candidate.parent);
            }
        }
        self.running = next;
        self.finish(found);
        self.over = self.running.is_empty() || self.is_settled();
        if self.over {
            parents.clear();
        }
        parents
    }

    /// The best continuations over all hypotheses and tokens, best first.
    fn best_candidates(&self, log_probs: &[Vec<f32>]) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = Vec::new();
        for (parent, (hypothesis, row)) in self.running.iter().zip(log_probs).enumerate() {
            // No more than `candidates` of one row can be among the best of all rows.
            let mut tokens: Vec<u32> = (0..row.len() as u32).collect();
            let better =
                |a: &u32, b: &u32| descending(row[*a as usize], row[*b as usize]).then(a.cmp(b));
            if tokens.len() > self.candidates {
                tokens.select_nth_unstable_by(self.candidates - 1, better);
                tokens.truncate(self.candidates);
            }
            tokens.sort_unstable_by(better);
            all.extend(tokens.into_iter().map(|token| Candidate {
                parent,
                token,
                score: hypothesis.score + row[token as usize],
            }));
        }
        all.retain(|candidate| candidate.score > f32::NEG_INFINITY);
        // Stable: equal scores stay in order of hypothesis, then token.
        all.sort_by(|a, b| descending(a.score, b.score));
        all.truncate(self.candidates);
        all
    }

    /// Keeps the best finished texts, earlier ones before later ones of the same score.
    fn finish(&mut self, found: Vec<Hypothesis>) {
        if self.how.stopping == EarlyStopping::Full && self.finished.len() == self.how.count {
            return;
        }
        self.finished.extend(found);
        self.finished.sort_by(|a, b| descending(a.score, b.score));
        self.finished.truncate(self.how.count);
    }

    /// Whether the finished texts are what they will be.
    fn is_settled(&self) -> bool {
        let (Some(best), Some(worst)) = (self.running.first(), self.finished.last()) else {
            return false;
        };
        if self.finished.len() < self.how.count {
            return false;
        }
        let tokens = match self.how.stopping {
            EarlyStopping::Full => return true,
            EarlyStopping::Certain if self.how.length_penalty > 0.0 => self.most_tokens,
            EarlyStopping::Likely | EarlyStopping::Certain => self.written,
        };
        best.score / self.length_factor(tokens) <= worst.score
    }

    fn length_factor(&self, tokens: usize) -> f32 {
        (tokens as f64).powf(f64::from(self.how.length_penalty)) as f32
    }
}

fn descending(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_engine::random::Stream;

    const END: u32 = 0;

    /// A language of `words` tokens in which the next token's log probabilities depend on all
    /// tokens so far.
    fn next(words: usize, seed: u64, so_far: &[u32]) -> Vec<f32> {
        let place = format!("{so_far:?}");
        let stream = Stream::new(seed, 0, &place);
        let logits: Vec<f32> = (0..words as u64)
            .map(|word| 2.0 * stream.normal(word))
            .collect();
        super::super::choose::log_softmax(&logits).unwrap()
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
            (0..20).any(
                |seed| search(&narrow, 4, seed, 4).tokens != exhaustive(4, seed, 4, 0.0).tokens
            )
        );
    }

    #[test]
    fn one_beam_is_greedy() {
        for seed in 0..50 {
            let mut greedy = Vec::new();
            while greedy.len() < 6 && greedy.last() != Some(&END) {
                let row = next(5, seed, &greedy);
                greedy.push(super::super::choose::greedy(&row).unwrap());
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
}
