//! Damage by seed, and the watch over what is read of it: no panic, no second spent, no memory
//! beyond a small multiple of the file.

pub mod allocation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use skillbelt_model::Error;

/// Longest time that any damaged file may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Memory that any file may cost, and what each of its bytes may cost besides.
const MEMORY: usize = 1 << 20;
const MEMORY_PER_BYTE: usize = 128;

/// How many damaged files each test reads: `SKILLBELT_MUTATIONS`, else a count for every day.
pub fn mutations() -> u64 {
    match std::env::var("SKILLBELT_MUTATIONS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => 20_000,
    }
}

/// Runs `read` under watch. `what` says how the file was damaged, for whoever repeats it.
pub fn endure<T>(
    what: &str,
    folder: &Path,
    file_bytes: usize,
    read: impl Fn() -> Result<T, Error>,
) -> Option<T> {
    let run = || {
        let start = Instant::now();
        let (outcome, peak) = allocation::peak_of(|| catch_unwind(AssertUnwindSafe(&read)));
        (outcome, peak, start.elapsed())
    };
    let (outcome, peak, mut time) = run();
    let outcome = outcome.unwrap_or_else(|_| panic!("{what}: panic"));
    if time > PATIENCE {
        // Once more, in case that another program had the processor.
        time = run().2;
    }
    assert!(time <= PATIENCE, "{what}: {time:?}");
    let bound = MEMORY + MEMORY_PER_BYTE * file_bytes;
    assert!(
        peak <= bound,
        "{what}: {peak} bytes of memory, above {bound}"
    );
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            let text = error.to_string();
            let named = text.contains(&folder.display().to_string());
            assert!(named, "{what}: the error does not name the file: {text}");
            None
        }
    }
}

/// Numbers that follow from a seed alone (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is above nought.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Numbers at which arithmetic goes wrong.
const EDGES: [u64; 8] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
];

/// One to three changes: bits, bytes, numbers, and parts cut out, doubled, moved or inserted.
pub fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(3) {
        let length = bytes.len().max(1);
        bytes.resize(length, 0);
        let at = dice.below(length);
        let part = at..length.min(at + 1 + dice.below(24));
        match dice.below(8) {
            0 | 1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes[at] = dice.next() as u8,
            3 => {
                let edge = EDGES[dice.below(EDGES.len())].to_le_bytes();
                let size = (1 << dice.below(4)).min(length - at);
                bytes[at..at + size].copy_from_slice(&edge[..size]);
            }
            4 => drop(bytes.drain(part)),
            5 => {
                let copy = bytes[part].to_vec();
                let place = dice.below(length);
                bytes.splice(place..place, copy);
            }
            6 => {
                let added: Vec<u8> = part.map(|_| dice.next() as u8).collect();
                bytes.splice(at..at, added);
            }
            _ => {
                let copy = bytes[part].to_vec();
                let place = dice.below(length);
                let end = length.min(place + copy.len());
                bytes[place..end].copy_from_slice(&copy[..end - place]);
            }
        }
    }
    bytes
}
