//! Mixing: which tasks stand in a step, and which of their items. It knows sizes, not contents.
//!
//! All randomness is a function of (seed, number of the draw or walk, task), so the state that a
//! checkpoint must hold is a few integers.

mod order;

use serde::{Deserialize, Serialize};
use skillbelt_engine::random::Stream;

use crate::recipe::{Mixing, Training};
use order::Order;

/// What is known of a task when it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: String,
    pub items: usize,
    pub batch_size: usize,
    /// The recipe's weight.
    pub weight: f64,
}

impl Source {
    /// Batches of one walk over the items.
    fn batches(&self) -> u64 {
        self.items.div_ceil(self.batch_size.max(1)) as u64
    }
}

/// One batch of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub task: usize,
    /// Number of this batch in the run: parts of the run's randomness hang on it.
    pub draw: u64,
    pub items: Vec<usize>,
}

/// How far the mix has come. All that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursors {
    /// Draws of tasks so far.
    pub draws: u64,
    /// The task whose turn is next.
    pub turn: usize,
    /// Items drawn so far, by task.
    pub items: Vec<u64>,
    /// Batches drawn so far, all tasks together.
    pub batches: u64,
}

/// Draws tasks and their batches.
pub struct Mixture {
    sources: Vec<Source>,
    seed: u64,
    mixing: Mixing,
    temperature: f64,
    tasks_per_draw: usize,
    draws_per_step: u64,
    cursors: Cursors,
    orders: Vec<Order>,
}

impl Mixture {
    pub fn new(sources: Vec<Source>, training: &Training) -> Mixture {
        let count = sources.len();
        let tasks_per_draw = match training.tasks_per_step {
            0 => count,
            some => some.min(count),
        };
        let order = |source: &Source| Order::new(training.seed, &source.name, source.items);
        Mixture {
            orders: sources.iter().map(order).collect(),
            seed: training.seed,
            mixing: training.mixing,
            temperature: training.mixing_temperature,
            tasks_per_draw,
            draws_per_step: training.gradient_accumulation_steps.max(1) as u64,
            cursors: Cursors {
                items: vec![0; count],
                ..Cursors::default()
            },
            sources,
        }
    }

    /// Steps in which as many batches are drawn as all tasks have.
    pub fn steps_per_epoch(&self) -> f64 {
        let batches: u64 = self.sources.iter().map(Source::batches).sum();
        batches as f64 / (self.tasks_per_draw as u64 * self.draws_per_step) as f64
    }

    /// Walks over all training rows so far.
    pub fn epoch(&self) -> f64 {
        let batches: u64 = self.sources.iter().map(Source::batches).sum();
        self.cursors.batches as f64 / batches.max(1) as f64
    }

    pub fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    pub fn restore(&mut self, cursors: Cursors) {
        self.cursors = cursors;
    }

    /// The batches of the next step, those of one task together. Tasks in `frozen` stay out; others
    /// take their places.
    pub fn step(&mut self, frozen: &[bool]) -> Vec<Drawn> {
        let mut drawn = Vec::new();
        for _ in 0..self.draws_per_step {
            for task in self.tasks(frozen) {
                let items = self.batch(task);
                let draw = self.cursors.batches;
                self.cursors.batches += 1;
                drawn.push(Drawn { task, draw, items });
            }
        }
        drawn.sort_by_key(|drawn| drawn.task);
        drawn
    }

    /// The tasks of one draw, each once.
    fn tasks(&mut self, frozen: &[bool]) -> Vec<usize> {
        let free = |task: &usize| !frozen.get(*task).copied().unwrap_or(false);
        let mut open: Vec<usize> = (0..self.sources.len()).filter(free).collect();
        let wanted = self.tasks_per_draw.min(open.len());
        let draw = self.cursors.draws;
        self.cursors.draws += 1;
        if wanted == open.len() {
            return open;
        }
        if self.mixing == Mixing::Turns {
            return (0..wanted).map(|_| self.next_turn(&free)).collect();
        }
        let stream = Stream::new(self.seed, draw, "tasks of a draw");
        (0..wanted)
            .map(|place| {
                let chances: Vec<f64> = open.iter().map(|task| self.chance(*task)).collect();
                open.remove(pick(&chances, unit(stream.bits(place as u64))))
            })
            .collect()
    }

    fn next_turn(&mut self, free: &impl Fn(&usize) -> bool) -> usize {
        loop {
            let task = self.cursors.turn % self.sources.len();
            self.cursors.turn = (task + 1) % self.sources.len();
            if free(&task) {
                return task;
            }
        }
    }

    /// Of a task to be drawn, up to a factor.
    fn chance(&self, task: usize) -> f64 {
        let source = &self.sources[task];
        match self.mixing {
            Mixing::Weights => source.weight,
            Mixing::Temperature | Mixing::Turns => {
                (source.items as f64).powf(1.0 / self.temperature)
            }
        }
    }

    /// The next items of a task; a walk goes over into the next one within a batch.
    fn batch(&mut self, task: usize) -> Vec<usize> {
        let source = &self.sources[task];
        let cursor = &mut self.cursors.items[task];
        let count = source.batch_size.min(source.items);
        let order = &mut self.orders[task];
        let items = (0..count as u64).map(|i| order.item(*cursor + i)).collect();
        *cursor += count as u64;
        items
    }
}

/// Uniform in `[0, 1)`, with 53 random bits.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The place on which a point in `[0, 1)` falls when places are as wide as their chances.
fn pick(chances: &[f64], point: f64) -> usize {
    let mut left = point * chances.iter().sum::<f64>();
    for (place, chance) in chances.iter().enumerate() {
        if left < *chance {
            return place;
        }
        left -= chance;
    }
    chances.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, items: usize, batch_size: usize, weight: f64) -> Source {
        Source {
            name: name.into(),
            items,
            batch_size,
            weight,
        }
    }

    fn training(mixing: Mixing, tasks_per_step: usize) -> Training {
        Training {
            mixing,
            tasks_per_step,
            ..Training::default()
        }
    }

    fn shares(mixing: Mixing) -> [f64; 2] {
        let sources = vec![source("a", 900, 4, 1.0), source("b", 100, 4, 4.0)];
        let mut mixture = Mixture::new(sources, &training(mixing, 1));
        let mut counts = [0.0; 2];
        for _ in 0..4000 {
            counts[mixture.step(&[false, false])[0].task] += 1.0 / 4000.0;
        }
        counts
    }

    #[test]
    fn tasks_are_drawn_with_the_chances_of_the_mixing() {
        // At temperature 2: sqrt(900) : sqrt(100) = 3 : 1. Three standard errors are 0.02.
        assert!((shares(Mixing::Temperature)[0] - 0.75).abs() < 0.025);
        assert!((shares(Mixing::Weights)[0] - 0.2).abs() < 0.025);
        assert_eq!(shares(Mixing::Turns)[0], shares(Mixing::Turns)[1]);
    }

    #[test]
    fn every_item_comes_once_in_every_walk_and_a_batch_may_span_two() {
        let mut mixture = Mixture::new(vec![source("a", 10, 4, 1.0)], &training(Mixing::Turns, 1));
        let items: Vec<usize> = (0..5)
            .flat_map(|_| mixture.step(&[false]).remove(0).items)
            .collect();
        for walk in items.chunks(10) {
            let mut sorted = walk.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(
            items[..10],
            items[10..],
            "each walk has an order of its own"
        );
    }

    #[test]
    fn a_mixture_goes_on_from_its_cursors_as_if_it_had_never_stopped() {
        let sources = || {
            vec![
                source("a", 31, 4, 1.0),
                source("b", 17, 3, 2.0),
                source("c", 5, 8, 1.0),
            ]
        };
        for mixing in [Mixing::Temperature, Mixing::Weights, Mixing::Turns] {
            let settings = training(mixing, 2);
            let frozen = [false; 3];
            let mut whole = Mixture::new(sources(), &settings);
            for _ in 0..13 {
                whole.step(&frozen);
            }
            let mut second = Mixture::new(sources(), &settings);
            second.restore(whole.cursors().clone());
            for _ in 0..20 {
                assert_eq!(whole.step(&frozen), second.step(&frozen));
            }
        }
    }

    #[test]
    fn a_frozen_task_is_never_drawn_and_others_take_its_place() {
        let sources = vec![source("a", 30, 4, 1.0), source("b", 30, 4, 1.0)];
        for (mixing, per_step) in [(Mixing::Turns, 1), (Mixing::Weights, 1), (Mixing::Turns, 0)] {
            let mut mixture = Mixture::new(sources.clone(), &training(mixing, per_step));
            for _ in 0..20 {
                let drawn = mixture.step(&[true, false]);
                assert_eq!(drawn.len(), 1);
                assert_eq!(drawn[0].task, 1);
            }
        }
    }

    #[test]
    fn steps_per_epoch_count_the_batches_of_all_tasks() {
        let sources = vec![source("a", 10, 4, 1.0), source("b", 8, 8, 1.0)];
        let steps = |tasks, accumulation| {
            let settings = Training {
                gradient_accumulation_steps: accumulation,
                ..training(Mixing::Turns, tasks)
            };
            Mixture::new(sources.clone(), &settings).steps_per_epoch()
        };
        assert_eq!(steps(1, 1), 4.0);
        assert_eq!(steps(0, 1), 2.0);
        assert_eq!(steps(1, 2), 2.0);
    }
}
