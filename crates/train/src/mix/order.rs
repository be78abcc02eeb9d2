//! The order in which a task's items come: one permutation for each walk over them.

use skillbelt_engine::random::Stream;

/// Orders of one task, made when they are asked for. The one in use is kept.
pub(super) struct Order {
    seed: u64,
    place: String,
    count: usize,
    walk: Option<u64>,
    items: Vec<u32>,
}

impl Order {
    pub(super) fn new(seed: u64, task: &str, count: usize) -> Order {
        Order {
            seed,
            place: format!("order of {task}"),
            count,
            walk: None,
            items: Vec::new(),
        }
    }

    /// The item that comes at a place, counted over all walks. There must be items.
    pub(super) fn item(&mut self, place: u64) -> usize {
        let walk = place / self.count as u64;
        if self.walk != Some(walk) {
            self.items = self.shuffled(walk);
            self.walk = Some(walk);
        }
        self.items[(place % self.count as u64) as usize] as usize
    }

    /// Fisher and Yates, from the last place down.
    fn shuffled(&self, walk: u64) -> Vec<u32> {
        let stream = Stream::new(self.seed, walk, &self.place);
        let mut items: Vec<u32> = (0..self.count as u32).collect();
        for last in (1..items.len()).rev() {
            // The excess of small numbers is below 2^-32 for any count of items.
            let other = (stream.bits(last as u64) % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
        items
    }
}
