//! One call of attention cut into groups of heads, run in parallel, and their results laid together.
//!
//! It checks nothing: the operation has.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::deal::{Lot, Part, deal};
use super::group::{Group, Wanted};
use super::relative::Buckets;
use super::{Attend, Reach};
use crate::keep::Kept;
use crate::kernel::Isa;
use crate::kernel::attend::{Form, Rows};
use crate::mat::Mat;
use crate::spans::Spans;
use crate::tape::Flow;

/// Place of the table of biases among the inputs on the tape, after queries, keys and values.
const TABLE: usize = 3;

/// Everything about a call but the numbers of queries, keys and values.
pub(super) struct Plan {
    pub how: Attend,
    /// Of queries; of keys and values.
    pub spans: [Spans; 2],
    /// First columns of queries, keys, values.
    pub firsts: [usize; 3],
    pub bias: Option<Bias>,
}

/// The bias of one pass, whatever an optimiser does before the way back.
pub(super) struct Bias {
    pub rule: Buckets,
    pub table: Arc<Mat>,
}

/// What depends on a span alone.
pub(super) struct Span {
    pub seen: Vec<(usize, usize)>,
    pub bias: Option<Arc<Mat>>,
}

impl Span {
    /// Of each span with so many queries and keys; equal spans share their biases.
    pub(super) fn all(reach: &Reach, lengths: &[[usize; 2]], bias: Option<&Bias>) -> Vec<Span> {
        let mut biases = BTreeMap::new();
        lengths
            .iter()
            .enumerate()
            .map(|(span, &[queries, keys])| Span {
                seen: reach.seen(span, queries, keys),
                bias: bias.map(|bias| {
                    let made = || Arc::new(bias.rule.by_distance(&bias.table, queries, keys));
                    Arc::clone(biases.entry([queries, keys]).or_insert_with(made))
                }),
            })
            .collect()
    }
}

impl Plan {
    fn spans(&self) -> Vec<Span> {
        let [queries, keys] = &self.spans;
        let lengths: Vec<[usize; 2]> = (0..queries.count())
            .map(|span| [queries.length(span), keys.length(span)])
            .collect();
        Span::all(&self.how.reach, &lengths, self.bias.as_ref())
    }

    /// Heads `0..` of keys and values of each span in turn.
    fn groups<'a>(&self, [q, k, v]: [&'a Mat; 3], spans: &'a [Span]) -> Vec<Group<'a>> {
        let (group, width) = (self.how.group(), self.how.head_width);
        let rows = |mat: &'a Mat, row: usize, col: usize| Rows {
            data: &mat.data()[row * mat.cols() + col..],
            row: mat.cols(),
        };
        let mut groups = Vec::with_capacity(spans.len() * self.how.kv_heads);
        for (number, span) in spans.iter().enumerate() {
            let [queries, keys] = [0, 1].map(|side: usize| self.spans[side].range(number));
            for head in 0..self.how.kv_heads {
                let first = head * group;
                groups.push(Group {
                    heads: group,
                    queries: queries.len(),
                    query_rows: rows(q, queries.start, self.firsts[0] + first * width),
                    keys: keys.len(),
                    key_rows: rows(k, keys.start, self.firsts[1] + head * width),
                    value_rows: rows(v, keys.start, self.firsts[2] + head * width),
                    seen: &span.seen,
                    bias: span.bias.as_deref().map(|bias| (bias, first)),
                });
            }
        }
        groups
    }

    pub(super) fn forward(&self, isa: Isa, inputs: [&Mat; 3]) -> Mat {
        let spans = self.spans();
        let mut y = Mat::stale(self.spans[0].tokens(), self.how.heads * self.how.head_width);
        let part = Part {
            first: 0,
            ..self.part(0)
        };
        let lots = deal(&mut y, &[part]).into_iter().flatten();
        run_forward(
            self.how.form(isa),
            self.groups(inputs, &spans),
            lots.collect(),
            self.how.group(),
        );
        y
    }

    /// The columns of queries (0), keys (1) or values (2).
    fn part(&self, part: usize) -> Part<'_> {
        let heads = [self.how.heads, self.how.kv_heads, self.how.kv_heads][part];
        Part {
            first: self.firsts[part],
            heads,
            width: self.how.head_width,
            spans: &self.spans[part.min(1)],
        }
    }

    /// Gives the gradients of queries, keys and values; `places` are their inputs on the tape.
    pub(super) fn backward(
        &self,
        isa: Isa,
        kept: [Kept; 3],
        places: [usize; 3],
        dy: Mat,
        flow: &mut Flow<'_>,
    ) {
        let [q, k, v] = kept.each_ref().map(Kept::mat);
        let spans = self.spans();
        let groups = self.groups([&q, &k, &v], &spans);
        let cols = [&q, &k, &v].map(|mat| mat.cols());
        let sheets = self.sheets(places, flow);
        let mut grads: Vec<Mat> = sheets
            .iter()
            .map(|sheet| Mat::stale(self.part(sheet[0]).spans.tokens(), cols[sheet[0]]))
            .collect();
        let mut lots: [Option<std::vec::IntoIter<Lot<'_>>>; 3] = [None, None, None];
        for (sheet, grad) in sheets.iter().zip(&mut grads) {
            let parts: Vec<Part<'_>> = sheet.iter().map(|part| self.part(*part)).collect();
            for (part, dealt) in sheet.iter().zip(deal(grad, &parts)) {
                lots[*part] = Some(dealt.into_iter());
            }
        }
        let [mut dq, mut dk, mut dv] = lots;
        let wants_bias = flow.needs(TABLE);
        let (group, width) = (self.how.group(), self.how.head_width);
        let tasks: Vec<(Group<'_>, Rows<'_>, Wanted<'_>)> = groups
            .into_iter()
            .enumerate()
            .map(|(number, part)| {
                let (span, head) = (number / self.how.kv_heads, number % self.how.kv_heads);
                let start = self.spans[0].range(span).start * dy.cols() + head * group * width;
                let dy = Rows {
                    data: &dy.data()[start..],
                    row: dy.cols(),
                };
                let wanted = Wanted {
                    queries: dq.as_mut().map(|lots| lots.take(group).flatten().collect()),
                    keys: dk.as_mut().and_then(Iterator::next),
                    values: dv.as_mut().and_then(Iterator::next),
                    bias: wants_bias,
                };
                (part, dy, wanted)
            })
            .collect();
        let form = self.how.form(isa);
        let biases: Vec<Option<Mat>> = tasks
            .into_par_iter()
            .with_max_len(1)
            .map(|(group, dy, wanted)| group.backward(form, dy, wanted))
            .collect();
        for (sheet, grad) in sheets.iter().zip(grads) {
            flow.give(places[sheet[0]], grad);
        }
        if let Some(bias) = self.bias.as_ref().filter(|_| wants_bias) {
            flow.give(TABLE, self.table_gradient(bias, &biases));
        }
    }

    /// Which of queries, keys and values share a gradient: the columns of one value, as long as
    /// they do not overlap. Unwanted ones are in none.
    fn sheets(&self, places: [usize; 3], flow: &Flow<'_>) -> Vec<Vec<usize>> {
        let mut sheets: Vec<Vec<usize>> = Vec::new();
        for part in (0..3).filter(|part| flow.needs(places[*part])) {
            let fits = |sheet: &&mut Vec<usize>| {
                sheet.iter().all(|other| {
                    places[*other] == places[part] && self.part(*other).is_apart(&self.part(part))
                })
            };
            match sheets.iter_mut().find(fits) {
                Some(sheet) => sheet.push(part),
                None => sheets.push(vec![part]),
            }
        }
        sheets
    }

    /// `[buckets x H]` from each group's `[heads x distances]`, summed span by span.
    fn table_gradient(&self, bias: &Bias, groups: &[Option<Mat>]) -> Mat {
        let (buckets, heads) = bias.table.shape();
        let group = self.how.group();
        let mut table = Mat::zeros(buckets, heads);
        for head in 0..heads {
            let mut sums = vec![0.0f64; buckets];
            for span in 0..self.spans[1].count() {
                let keys = self.spans[1].length(span);
                let found = &groups[span * self.how.kv_heads + head / group];
                if let Some(found) = found {
                    bias.rule.collect(found.row(head % group), keys, &mut sums);
                }
            }
            for (bucket, sum) in sums.into_iter().enumerate() {
                table.row_mut(bucket)[head] = sum as f32;
            }
        }
        table
    }
}

/// Every group in parallel; `lots` are the rows of each head of each span in turn.
pub(super) fn run_forward(form: Form, groups: Vec<Group<'_>>, lots: Vec<Lot<'_>>, group: usize) {
    let mut lots = lots.into_iter();
    let tasks: Vec<(Group<'_>, Lot<'_>)> = groups
        .into_iter()
        .map(|part| (part, lots.by_ref().take(group).flatten().collect()))
        .collect();
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(group, out)| group.forward(form, out));
}
