//! Keys and values of the tokens that a decoder has already read, one growing buffer per layer and
//! sequence; and, for an encoder-decoder, the keys and values of what was encoded.
//!
//! It holds numbers and lengths only; attention is done by the engine.

use std::ops::Range;

use skillbelt_engine::ops::{Cached, Prefix};
use skillbelt_engine::{Mat, Spans};

/// What a batch of sequences remembers while it is generated.
#[derive(Clone)]
pub struct Memory {
    sequences: usize,
    /// Of each layer, then each sequence.
    layers: Vec<Vec<Remembered>>,
    /// Of each layer, then each sequence; filled by the first step of an encoder-decoder.
    crossed: Vec<Vec<Remembered>>,
}

/// Keys and values of one sequence in one layer, `[tokens x width]` each.
#[derive(Clone, Default)]
pub struct Remembered {
    keys: Vec<f32>,
    values: Vec<f32>,
    width: usize,
    /// Rows in front that are a belt's and no token's.
    ahead: usize,
}

impl Remembered {
    /// Adds the keys and values of further tokens: `rows` of two matrices, `width` columns each
    /// from their first column on.
    pub fn append(
        &mut self,
        rows: Range<usize>,
        (keys, keys_first): (&Mat, usize),
        (values, values_first): (&Mat, usize),
        width: usize,
    ) {
        self.width = width;
        for row in rows {
            let key = &keys.row(row)[keys_first..keys_first + width];
            self.keys.extend_from_slice(key);
            let value = &values.row(row)[values_first..values_first + width];
            self.values.extend_from_slice(value);
        }
    }

    /// Lays a belt's keys and values in front, if nothing is remembered yet.
    pub fn begin(&mut self, prefix: &Prefix, width: usize) {
        if !self.keys.is_empty() {
            return;
        }
        let rows = prefix.rows.value();
        let (keys, values) = ((&*rows, prefix.first), (&*rows, prefix.first + width));
        self.append(0..rows.rows(), keys, values, width);
        self.ahead = rows.rows();
    }

    /// How many tokens are remembered.
    pub fn length(&self) -> usize {
        self.rows() - self.ahead
    }

    fn rows(&self) -> usize {
        self.keys.len().checked_div(self.width).unwrap_or(0)
    }

    /// In the form that attention reads.
    pub fn cached(&self) -> Cached<'_> {
        Cached {
            keys: &self.keys,
            values: &self.values,
            length: self.rows(),
            row: self.width,
        }
    }
}

impl Memory {
    /// Nothing remembered yet.
    pub fn new(layers: usize, sequences: usize) -> Memory {
        let empty = vec![vec![Remembered::default(); sequences]; layers];
        Memory {
            sequences,
            layers: empty.clone(),
            crossed: empty,
        }
    }

    pub fn sequences(&self) -> usize {
        self.sequences
    }

    /// Tokens that a sequence has read so far.
    pub fn length(&self, sequence: usize) -> usize {
        self.layers
            .first()
            .map_or(0, |layer| layer[sequence].length())
    }

    /// The place of each new token within its own sequence, for spans that continue what is
    /// remembered.
    pub fn positions(&self, spans: &Spans) -> Vec<u32> {
        let mut positions = Vec::with_capacity(spans.tokens());
        for (sequence, range) in spans.ranges().enumerate() {
            let read = self.length(sequence);
            positions.extend((read..read + range.len()).map(|place| place as u32));
        }
        positions
    }

    /// What one layer remembers of each sequence.
    pub fn layer(&mut self, layer: usize) -> &mut [Remembered] {
        &mut self.layers[layer]
    }

    /// What one layer keeps of the encoded text of each sequence.
    pub fn crossed(&mut self, layer: usize) -> &mut [Remembered] {
        &mut self.crossed[layer]
    }

    /// Takes the sequences of another memory of the same network in, after its own.
    pub fn join(&mut self, other: Memory) {
        self.sequences += other.sequences;
        let own = self.layers.iter_mut().chain(&mut self.crossed);
        let others = other.layers.into_iter().chain(other.crossed);
        own.zip(others).for_each(|(own, more)| own.extend(more));
    }

    /// Rearranges the sequences: the new one `i` continues the old one `from[i]`. An old one may be
    /// continued many times (beams) or not at all (finished).
    pub fn select(&mut self, from: &[usize]) {
        if from.iter().copied().eq(0..self.sequences) {
            return;
        }
        // The last to continue a sequence takes its numbers; only those before it need a copy.
        let mut last = vec![0; self.sequences];
        for (new, old) in from.iter().enumerate() {
            last[*old] = new;
        }
        for layer in self.layers.iter_mut().chain(&mut self.crossed) {
            let continued = from
                .iter()
                .enumerate()
                .map(|(new, old)| match last[*old] == new {
                    true => std::mem::take(&mut layer[*old]),
                    false => layer[*old].clone(),
                });
            *layer = continued.collect();
        }
        self.sequences = from.len();
    }
}
