//! Attention of new tokens over what each sequence remembers: no tape, keys and values in slices of
//! their own. A row comes out with the bits that the whole packed sequence would have given it.

use super::deal::{Part, deal};
use super::group::Group;
use super::plan::{Bias, Span, run_forward};
use super::{Attend, OP, RelativeBias};
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::attend::Rows;
use crate::mat::Mat;
use crate::spans::Spans;

/// Keys and values of one sequence: `length` rows of `kv_heads * D` numbers, `row` apart.
#[derive(Debug, Clone, Copy)]
pub struct Cached<'a> {
    pub keys: &'a [f32],
    pub values: &'a [f32],
    pub length: usize,
    pub row: usize,
}

impl Cached<'_> {
    /// Refuses slices that are shorter than what they should hold.
    fn check(&self, width: usize) -> Result<()> {
        let needed = self
            .length
            .checked_sub(1)
            .and_then(|rows| rows.checked_mul(self.row))
            .and_then(|start| start.checked_add(width));
        let held = self.keys.len().min(self.values.len());
        if self.row >= width && needed.is_some_and(|needed| needed <= held) {
            return Ok(());
        }
        Err(Error::shape(
            OP,
            format_args!("{} cached rows of {width} numbers", self.length),
            format_args!("{held} numbers, rows {} apart", self.row),
        ))
    }
}

/// `[Tq x H*D]`: the queries of each span (from column `q_first` of `q` on) over the keys and
/// values of its sequence, at whose end they stand.
pub fn attention_cached(
    isa: Isa,
    q: &Mat,
    q_first: usize,
    q_spans: &Spans,
    caches: &[Cached<'_>],
    how: &Attend,
    bias: Option<&RelativeBias>,
) -> Result<Mat> {
    how.check(bias)?;
    q_spans.expect_rows(OP, q.rows())?;
    let width = how.heads * how.head_width;
    if q_first.checked_add(width).is_none_or(|end| end > q.cols()) {
        let expected = format!("{width} columns of queries from column {q_first} on");
        return Err(Error::shape(OP, expected, q.shape_text()));
    }
    for cached in caches {
        cached.check(how.kv_heads * how.head_width)?;
    }
    let lengths: Vec<usize> = caches.iter().map(|cached| cached.length).collect();
    let kv_spans = Spans::from_lengths(&lengths)?;
    how.reach.check(OP, q_spans, &kv_spans)?;

    let bias = bias.map(|bias| Bias {
        rule: bias.rule(),
        table: bias.table.value(),
    });
    let lengths: Vec<[usize; 2]> = (0..q_spans.count())
        .map(|span| [q_spans.length(span), lengths[span]])
        .collect();
    let spans = Span::all(&how.reach, &lengths, bias.as_ref());
    let mut y = Mat::stale(q.rows(), width);
    let part = Part {
        first: 0,
        heads: how.heads,
        width: how.head_width,
        spans: q_spans,
    };
    let lots = deal(&mut y, &[part]).into_iter().flatten().collect();
    let groups = groups(q, q_first, q_spans, caches, how, &spans);
    run_forward(how.form(isa), groups, lots, how.group());
    Ok(y)
}

fn groups<'a>(
    q: &'a Mat,
    q_first: usize,
    q_spans: &Spans,
    caches: &[Cached<'a>],
    how: &Attend,
    spans: &'a [Span],
) -> Vec<Group<'a>> {
    let (group, width) = (how.group(), how.head_width);
    let mut groups = Vec::with_capacity(caches.len() * how.kv_heads);
    for ((cached, range), span) in caches.iter().zip(q_spans.ranges()).zip(spans) {
        for head in 0..how.kv_heads {
            let first = range.start * q.cols() + q_first + head * group * width;
            let rows = |data: &'a [f32]| Rows {
                data: &data[head * width..],
                row: cached.row,
            };
            groups.push(Group {
                heads: group,
                queries: range.len(),
                query_rows: Rows {
                    data: &q.data()[first..],
                    row: q.cols(),
                },
                keys: cached.length,
                key_rows: rows(cached.keys),
                value_rows: rows(cached.values),
                seen: &span.seen,
                bias: span.bias.as_deref().map(|bias| (bias, head * group)),
            });
        }
    }
    groups
}
