//! A shipped belt's answers to a split, as a run would have them. It measures nothing.

use skillbelt_engine::Keep;

use super::Shipped;
use crate::data::{Split, Tally};
use crate::error::Result;
use crate::evaluate::{self, Example};
use crate::task::{Stage, Task};

/// The answers to the rows of a split, and what became of all its rows.
#[derive(Debug)]
pub struct Asked {
    pub examples: Vec<Example>,
    pub tally: Tally,
}

impl Shipped {
    /// Where a task answers. `pack_tokens` are computed at once.
    pub fn stage(&self, task: &Task, pack_tokens: usize) -> Stage<'_> {
        Stage {
            network: &*self.base.network,
            tokenizer: &self.tokenizer,
            task: task.place,
            seed: 0,
            step: 0,
            pack_tokens: pack_tokens.max(1),
            keep: Keep::Exact,
            recompute: false,
        }
    }

    /// Asks the rows of a split; nothing if the task has no files for it. With the seed of a run the
    /// same rows are drawn as in that run. `watch` hears how many rows there are before they are
    /// asked.
    pub fn ask(
        &self,
        task: &Task,
        split: Split,
        seed: u64,
        pack_tokens: usize,
        watch: impl FnOnce(usize),
    ) -> Result<Option<Asked>> {
        let Some(set) = task.load(split, &self.tokenizer, seed)? else {
            return Ok(None);
        };
        watch(set.items.len());
        let stage = self.stage(task, pack_tokens);
        let labels = task.objective.labels();
        let examples = evaluate::examples(&*task.objective, &stage, &set, &labels)?;
        Ok(Some(Asked {
            examples,
            tally: set.tally,
        }))
    }
}
