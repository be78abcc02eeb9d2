//! A few validation rows of each task, always the same, for a balancing that wants to see losses
//! often.

use skillbelt_engine::random::Stream;

use super::Prepared;
use crate::data::Shelf;
use crate::error::{Error, Result};
use crate::task::{Item, Set};

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
            some_of(valid, seed, &task.name)
        };
        Ok(Probes {
            sets: tasks.iter().map(probe).collect::<Result<_>>()?,
        })
    }

    pub(super) fn of(&self, task: usize) -> &Set {
        &self.sets[task]
    }
}

/// A drawn part of a set, with a shelf of its own.
fn some_of(set: &Set, seed: u64, name: &str) -> Result<Set> {
    let stream = Stream::new(seed, 0, &format!("probe of {name}"));
    let mut places: Vec<usize> = (0..set.items.len()).collect();
    places.sort_by_key(|place| (stream.bits(*place as u64), *place));
    places.truncate(ROWS);
    places.sort_unstable();
    let mut shelf = Shelf::new();
    let told = |error| Error::told(format_args!("the shelf of texts: {error}"));
    let mut items = Vec::new();
    for place in places {
        let item = &set.items[place];
        let mut texts = Vec::new();
        for text in &item.texts {
            let ids = set.shelf.get(*text).map_err(told)?;
            texts.push(shelf.put(&ids).map_err(told)?);
        }
        items.push(Item {
            texts: texts.into(),
            ..item.clone()
        });
    }
    Ok(Set {
        shelf,
        items,
        ..Set::default()
    })
}
