//! A few validation rows of each task, always the same, for a balancing that wants to see losses
//! often.

use skillbelt_engine::random::Stream;

use super::Prepared;
use crate::error::{Error, Result};
use crate::task::Set;

/// Rows of each task.
const ROWS: usize = 64;

pub(super) struct Probes {
    sets: Vec<Set>,
}

impl Probes {
    pub(super) fn new(tasks: &[Prepared], seed: u64) -> Result<Probes> {
        let probe = |task: &Prepared| {
            let valid = task.valid.as_ref().filter(|set| !set.items.is_empty());
            let valid = valid.ok_or_else(|| {
                Error::told(format_args!(
                    "balancing coba looks at validation losses, and task `{}` has no validation rows",
                    task.name
                ))
            })?;
            some_of(valid, seed, &format!("probe of {}", task.name), ROWS)
        };
        Ok(Probes {
            sets: tasks.iter().map(probe).collect::<Result<_>>()?,
        })
    }

    pub(super) fn of(&self, task: usize) -> &Set {
        &self.sets[task]
    }
}

/// So many drawn rows of a set, with a shelf of their own; a place names the draw.
pub(super) fn some_of(set: &Set, seed: u64, place: &str, rows: usize) -> Result<Set> {
    let stream = Stream::new(seed, 0, place);
    let mut places: Vec<usize> = (0..set.items.len()).collect();
    places.sort_by_key(|place| (stream.bits(*place as u64), *place));
    places.truncate(rows);
    places.sort_unstable();
    set.part(&places)
}
