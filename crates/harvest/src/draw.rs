//! Draws without a state: a number is a function of the seed and of what it is for.
//!
//! So neither the order of work nor the number of threads can be seen in what is drawn.

/// The seed, from which every draw is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A number for a thing, by what is drawn and by what the thing is called.
    pub fn of(self, what: &str, name: &str) -> u64 {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.0.to_le_bytes());
        hash.update(&(what.len() as u64).to_le_bytes());
        hash.update(what.as_bytes());
        hash.update(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

/// A row of numbers from one.
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    pub fn from(number: u64) -> Draws {
        Draws(number)
    }

    /// splitmix64.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    /// The same things in another order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}
