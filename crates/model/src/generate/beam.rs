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
