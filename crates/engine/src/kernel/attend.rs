//! Attention of a block of query rows over the keys of one head, and the way back.
//!
//! Scores live in a scratch of `rows x keys` numbers and nowhere else. Every number is a sum in
//! ascending order of keys (or of rows), so results do not depend on how rows are cut into blocks.
//! It knows nothing of spans, of masks (a row brings the range of keys it sees) or of threads.

use super::Isa;
use super::multiply::{Left, Write, multiply};
use super::scores::{Seen, exponentiate, score_gradients};
use super::scratch::Scratch;
use super::transpose::transpose;

/// Largest number of query rows in a block: four tiles of fourteen.
pub(crate) const BLOCK: usize = 56;

/// A block with fewer rows than this multiplies the keys as they lie, from the left: transposing
/// them would cost more than the product.
const FEW: usize = 8;

/// One head's rows inside a wider matrix: row `j` is `data[j * row..][..D]`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub data: &'a [f32],
    pub row: usize,
}

/// One query row: `D` numbers, the keys it sees, and what is added to its score for each key.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    pub numbers: &'a [f32],
    pub seen: Seen,
    pub bias: Option<&'a [f32]>,
}

/// A copy of a head's rows, turned: `[D x keys]`, rows of it an odd number of cache lines apart.
pub(crate) struct Turned {
    data: Scratch,
    row: usize,
}

impl Turned {
    pub(crate) fn new(isa: Isa, rows: Rows<'_>, count: usize, width: usize) -> Turned {
        let row = stride(count);
        let mut data = Scratch::stale(width * row);
        let from = (rows.data, rows.row);
        transpose(isa, (count, width), from, (&mut data, row));
        Turned { data, row }
    }

    /// From key `first` on.
    fn from(&self, first: usize) -> (&[f32], usize) {
        (&self.data[first..], self.row)
    }
}

/// Distance between rows of a scratch: whole cache lines, an odd number of them, so that a column of
/// rows does not fall into a few sets of the cache.
fn stride(width: usize) -> usize {
    const LINE: usize = 16;
    (width.div_ceil(LINE) | 1) * LINE
}

/// The keys of one head, as the product wants them.
pub(crate) enum Keys<'a> {
    Turned(Turned),
    Plain(Rows<'a>),
}

impl<'a> Keys<'a> {
    /// Turned if blocks of as many as `rows` query rows are going to look at them.
    pub(crate) fn new(isa: Isa, keys: Rows<'a>, count: usize, width: usize, rows: usize) -> Self {
        if rows < FEW {
            Keys::Plain(keys)
        } else {
            Keys::Turned(Turned::new(isa, keys, count, width))
        }
    }
}

/// What all blocks of a call share.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    pub isa: Isa,
    /// Width `D` of the head.
    pub width: usize,
    pub scale: f32,
}

/// Scores of a block after `exponentiate`.
struct Block {
    /// Keys that any row sees.
    seen: Seen,
    /// The query rows times the scale, `[rows x D]`.
    queries: Scratch,
    /// `[rows x keys seen]`, rows `stride` apart.
    weights: Scratch,
    stride: usize,
    /// The same ranges of keys as the queries have, counted from the first that any row sees.
    inner: Vec<Seen>,
    /// One over the sum of each row of `weights`.
    inverses: Vec<f32>,
}

impl Block {
    fn new(form: Form, rows: &[Query<'_>], keys: &Keys<'_>) -> Block {
        let first = rows.iter().map(|row| row.seen.0).min().unwrap_or(0);
        let end = rows.iter().map(|row| row.seen.1).max().unwrap_or(0);
        let stride = stride(end - first);
        let mut block = Block {
            seen: (first, end),
            queries: Scratch::gather(form.width, rows.iter().map(|row| row.numbers)),
            weights: Scratch::stale(rows.len() * stride),
            stride,
            inner: Vec::with_capacity(rows.len()),
            inverses: vec![0.0; rows.len()],
        };
        for number in block.queries.iter_mut() {
            *number *= form.scale;
        }
        block.score(form, keys);
        for (query, row) in rows.iter().zip(0..) {
            block
                .inner
                .push((query.seen.0 - first, query.seen.1 - first));
            if let Some(bias) = query.bias {
                let scores = &mut block.weights[row * stride..][..end - first];
                for (score, bias) in scores.iter_mut().zip(&bias[first..end]) {
                    *score += bias;
                }
            }
        }
        let shape = (stride, end - first);
        let (weights, inverses) = (&mut block.weights, &mut block.inverses);
        exponentiate(form.isa, weights, shape, &block.inner, inverses);
        block
    }

    /// How many keys any row sees.
    fn keys(&self) -> usize {
        self.seen.1 - self.seen.0
    }

    /// `weights = queries [rows x D] keys^T`.
    fn score(&mut self, form: Form, keys: &Keys<'_>) {
        let (rows, count, width) = (self.inverses.len(), self.keys(), form.width);
        match keys {
            Keys::Turned(keys) => multiply(
                form.isa,
                (rows, count, width),
                Left::rows(&self.queries, width),
                keys.from(self.seen.0),
                (&mut self.weights, self.stride),
                Write::Set,
            ),
            Keys::Plain(keys) => {
                // The same sums with the factors exchanged: [keys x rows], then turned.
                let mut queries = Scratch::stale(width * rows);
                let from = (&self.queries[..], width);
                transpose(form.isa, (rows, width), from, (&mut queries, rows));
                let mut scores = Scratch::stale(count * rows);
                multiply(
                    form.isa,
                    (count, rows, width),
                    Left::rows(&keys.data[self.seen.0 * keys.row..], keys.row),
                    (&queries, rows),
                    (&mut scores, rows),
                    Write::Set,
                );
                let to = (&mut self.weights[..], self.stride);
                transpose(form.isa, (count, rows), (&scores, rows), to);
            }
        }
    }

    fn weights(&self) -> Left<'_> {
        Left::rows(&self.weights, self.stride)
    }
}

/// `out [D]` of each row = its weights times the values it sees.
pub(crate) fn forward(
    form: Form,
    rows: &[Query<'_>],
    keys: &Keys<'_>,
    values: Rows<'_>,
    out: &mut [&mut [f32]],
) {
    let block = Block::new(form, rows, keys);
    let width = form.width;
    let mut sums = Scratch::stale(rows.len() * width);
    multiply(
        form.isa,
        (rows.len(), width, block.keys()),
        block.weights(),
        (&values.data[block.seen.0 * values.row..], values.row),
        (&mut sums, width),
        Write::Set,
    );
    let sums = sums.chunks_exact(width);
    for ((out, sums), inverse) in out.iter_mut().zip(sums).zip(&block.inverses) {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum * inverse;
        }
    }
}

/// Keys and values of one head as the way back needs them.
pub(crate) struct Memory<'a> {
    pub keys: Keys<'a>,
    /// The keys as they lie, for the gradients of the queries.
    pub key_rows: Rows<'a>,
    pub values: Turned,
}

/// Where the gradients of a head's keys and values are summed, `[keys x D]` each; absent if not
/// wanted.
pub(crate) struct MemoryGradients {
    pub keys: Option<Scratch>,
    pub values: Option<Scratch>,
}

/// Adds a block's part to the gradients of keys and values, sets those of the queries, and calls
/// `scores` with each row's number, its first key and the gradients of its scores from there on.
pub(crate) fn backward(
    form: Form,
    rows: &[Query<'_>],
    memory: &Memory<'_>,
    dy: &[&[f32]],
    gradients: &mut MemoryGradients,
    dq: Option<&mut [&mut [f32]]>,
    mut scores: Option<impl FnMut(usize, usize, &[f32])>,
) {
    let mut block = Block::new(form, rows, &memory.keys);
    let (isa, width, count) = (form.isa, form.width, block.keys());
    let first = block.seen.0;
    let dy = Scratch::gather(width, dy.iter().copied());
    let mut ds = Scratch::stale(rows.len() * block.stride);
    multiply(
        isa,
        (rows.len(), count, width),
        Left::rows(&dy, width),
        memory.values.from(first),
        (&mut ds, block.stride),
        Write::Set,
    );
    let (shape, inner) = ((block.stride, count), &block.inner);
    let weights = &mut block.weights;
    score_gradients(isa, weights, &mut ds, shape, inner, &block.inverses);
    let products = [
        (&mut gradients.values, &block.weights, &dy),
        (&mut gradients.keys, &ds, &block.queries),
    ];
    for (sum, left, right) in products {
        let Some(sum) = sum else { continue };
        let to = &mut sum[first * width..];
        let shape = (count, width, rows.len());
        let right = (&right[..], width);
        let left = Left::transposed(left, block.stride);
        multiply(isa, shape, left, right, (to, width), Write::Add);
    }
    if let Some(scores) = &mut scores {
        for (row, inner) in block.inner.iter().enumerate() {
            scores(
                row,
                first + inner.0,
                &ds[row * block.stride..][inner.0..inner.1],
            );
        }
    }
    if let Some(out) = dq {
        let left = Left::rows(&ds, block.stride);
        query_gradients(form, left, (block.seen, rows.len()), memory.key_rows, out);
    }
}

/// `dq = scale * ds [rows x keys] keys [keys x D]`.
fn query_gradients(
    form: Form,
    ds: Left<'_>,
    (seen, rows): (Seen, usize),
    keys: Rows<'_>,
    out: &mut [&mut [f32]],
) {
    let width = form.width;
    let mut sums = Scratch::stale(rows * width);
    multiply(
        form.isa,
        (rows, width, seen.1 - seen.0),
        ds,
        (&keys.data[seen.0 * keys.row..], keys.row),
        (&mut sums, width),
        Write::Set,
    );
    for (out, sums) in out.iter_mut().zip(sums.chunks_exact(width)) {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum * form.scale;
        }
    }
}
