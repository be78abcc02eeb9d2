//! How much a quick start does: steps, seeds, rows. Two sizes, and a person's own numbers over them.

use serde::Serialize;

/// All that the length of a quick start depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effort {
    /// Steps of every training, each with one batch of every task.
    pub steps: u64,
    /// Every belt is trained once for each.
    pub seeds: Vec<u64>,
    /// Rows of each task that are kept of the harvest, over all splits.
    pub rows: usize,
    /// Test rows of a task that are asked, of those that take one reading each.
    pub asked: usize,
    /// Test rows that are asked of a task whose answers are written word by word.
    pub written: usize,
    /// Draws of the bootstrap.
    pub draws: u64,
}

impl Effort {
    /// Minutes on two cores.
    pub fn quick() -> Effort {
        Effort {
            steps: 100,
            seeds: vec![0],
            rows: 4_000,
            asked: 300,
            written: 60,
            draws: 1_000,
        }
    }

    /// Hours: more steps, three seeds, more rows.
    pub fn full() -> Effort {
        Effort {
            steps: 1_000,
            seeds: vec![0, 1, 2],
            rows: 20_000,
            asked: 1_000,
            written: 200,
            draws: 2_000,
        }
    }
}
