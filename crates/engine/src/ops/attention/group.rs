//! The heads of one span that share a head of keys and values: the unit of parallel work.
//!
//! How a group is cut into teams of heads depends on the group alone, never on threads or on the
//! batch, because the teams' gradients of keys and values are summed team by team.

use std::ops::Range;

use rayon::prelude::*;

use super::deal::Lot;
use crate::kernel::attend::{
    BLOCK, Form, Keys, Memory, MemoryGradients, Query, Rows, Turned, backward, forward,
};
use crate::mat::Mat;

/// The queries of `heads` heads and the keys and values that they share, in one span.
pub(super) struct Group<'a> {
    pub heads: usize,
    /// Query rows of each head; head `h` begins `h * D` columns to the right of the first.
    pub queries: usize,
    pub query_rows: Rows<'a>,
    pub keys: usize,
    pub key_rows: Rows<'a>,
    pub value_rows: Rows<'a>,
    /// What each query row sees.
    pub seen: &'a [(usize, usize)],
    /// By distance, `[H x (queries + keys - 1)]`, and the number of the first head in it.
    pub bias: Option<(&'a Mat, usize)>,
}

/// Which gradients are wanted, and where their rows go. Those of queries are head after head.
#[derive(Default)]
pub(super) struct Wanted<'m> {
    pub queries: Option<Lot<'m>>,
    pub keys: Option<Lot<'m>>,
    pub values: Option<Lot<'m>>,
    pub bias: bool,
}

impl<'a> Group<'a> {
    /// Heads of a team.
    fn team(&self) -> usize {
        self.heads.div_ceil(4).max(4).min(self.heads)
    }

    /// Rows of a block, and of the stretch that is cut into blocks: one head's rows, or those of as
    /// many heads as fit into a block if there are few.
    fn cut(&self) -> (usize, usize) {
        match self.queries {
            few if 2 * few <= BLOCK => {
                let rows = BLOCK / few * few;
                (rows, rows)
            }
            queries => (BLOCK, queries),
        }
    }

    /// Cuts the rows of a team, head after head, into blocks.
    fn blocks(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let (block, stretch) = self.cut();
        rows.clone()
            .step_by(stretch)
            .flat_map(|first| {
                let end = (first + stretch).min(rows.end);
                (first..end)
                    .step_by(block)
                    .map(move |at| at..end.min(at + block))
            })
            .collect()
    }

    fn row(&self, rows: Rows<'a>, form: Form, row: usize) -> &'a [f32] {
        let (head, row) = (row / self.queries, row % self.queries);
        &rows.data[row * rows.row + head * form.width..][..form.width]
    }

    fn query(&self, form: Form, row: usize) -> Query<'a> {
        let (head, place) = (row / self.queries, row % self.queries);
        let from = self.queries - 1 - place;
        Query {
            numbers: self.row(self.query_rows, form, row),
            seen: self.seen[place],
            bias: self
                .bias
                .map(|(bias, first)| &bias.row(first + head)[from..]),
        }
    }

    fn block_of(&self, form: Form, rows: &Range<usize>) -> Vec<Query<'a>> {
        rows.clone().map(|row| self.query(form, row)).collect()
    }

    fn scored_keys(&self, form: Form) -> Keys<'a> {
        let rows = self.cut().0.min(self.team() * self.queries);
        Keys::new(form.isa, self.key_rows, self.keys, form.width, rows)
    }

    /// Writes the group's part of the result; `out` holds its rows head after head.
    pub(super) fn forward(&self, form: Form, mut out: Lot<'_>) {
        let keys = self.scored_keys(form);
        let team = self.team() * self.queries;
        let run = |(number, out): (usize, &mut [&mut [f32]])| {
            let first = number * team;
            for block in self.blocks(first..first + out.len()) {
                let rows = self.block_of(form, &block);
                let out = &mut out[block.start - first..block.end - first];
                forward(form, &rows, &keys, self.value_rows, out);
            }
        };
        if team >= out.len() {
            run((0, &mut out));
        } else {
            out.par_chunks_mut(team).enumerate().for_each(run);
        }
    }

    /// Writes the group's part of the gradients; returns those of the biases by distance,
    /// `[heads x (queries + keys - 1)]`, if wanted. `dy` lies as the queries do.
    pub(super) fn backward(&self, form: Form, dy: Rows<'_>, wanted: Wanted<'_>) -> Option<Mat> {
        let memory = Memory {
            keys: self.scored_keys(form),
            key_rows: self.key_rows,
            values: Turned::new(form.isa, self.value_rows, self.keys, form.width),
        };
        let (heads, rows) = (self.heads, self.heads * self.queries);
        let team = self.team() * self.queries;
        let sum = |wanted: bool| wanted.then(|| Mat::zeros(self.keys, form.width));
        let run = |(number, mut dq): (usize, Option<&mut [&mut [f32]]>)| {
            let team = number * team..rows.min((number + 1) * team);
            let mut sums = MemoryGradients {
                keys: sum(wanted.keys.is_some()),
                values: sum(wanted.values.is_some()),
            };
            let mut bias = self.bias_gradients(&team, wanted.bias);
            for block in self.blocks(team.clone()) {
                let queries = self.block_of(form, &block);
                let dy: Vec<&[f32]> = block
                    .clone()
                    .map(|row| self.row_of(dy, form, row))
                    .collect();
                let (from, to) = (block.start - team.start, block.end - team.start);
                let dq = dq.as_mut().map(|dq| &mut dq[from..to]);
                let scores = bias.as_mut().map(|bias| {
                    |row: usize, key: usize, ds: &[f32]| self.spread(bias, from + row, key, ds)
                });
                backward(form, &queries, &memory, &dy, &mut sums, dq, scores);
            }
            (sums, bias)
        };
        let teams = rows.div_ceil(team);
        let found: Vec<(MemoryGradients, Option<Mat>)> = match (wanted.queries, teams) {
            (Some(mut dq), 1) => vec![run((0, Some(&mut dq)))],
            (None, 1) => vec![run((0, None))],
            (Some(mut dq), _) => {
                let chunks = dq.par_chunks_mut(team).map(Some).enumerate();
                chunks.map(run).collect()
            }
            (None, teams) => (0..teams)
                .into_par_iter()
                .map(|team| run((team, None)))
                .collect(),
        };
        let (sums, biases): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let (keys, values): (Vec<_>, Vec<_>) = sums
            .into_iter()
            .map(|sums| (sums.keys, sums.values))
            .unzip();
        write_sum(keys, wanted.keys);
        write_sum(values, wanted.values);
        let biases: Option<Vec<Mat>> = biases.into_iter().collect();
        biases.map(|biases| stack(biases, heads))
    }

    fn row_of<'b>(&self, rows: Rows<'b>, form: Form, row: usize) -> &'b [f32] {
        let (head, row) = (row / self.queries, row % self.queries);
        &rows.data[row * rows.row + head * form.width..][..form.width]
    }

    fn bias_gradients(&self, team: &Range<usize>, wanted: bool) -> Option<Mat> {
        let heads = team.len() / self.queries;
        wanted.then(|| Mat::zeros(heads, self.queries + self.keys - 1))
    }

    /// Adds the gradients of one row's scores, from key `first` on, by distance.
    fn spread(&self, bias: &mut Mat, row: usize, first: usize, ds: &[f32]) {
        let (head, place) = (row / self.queries, row % self.queries);
        let sums = &mut bias.row_mut(head)[self.queries - 1 - place + first..];
        for (sum, ds) in sums.iter_mut().zip(ds) {
            *sum += ds;
        }
    }
}

/// Adds the teams' sums in their order and writes the rows out.
fn write_sum(teams: Vec<Option<Mat>>, rows: Option<Lot<'_>>) {
    let sum = teams.into_iter().flatten().reduce(|mut sum, team| {
        sum.add_assign(&team);
        sum
    });
    let (Some(sum), Some(rows)) = (sum, rows) else {
        return;
    };
    for (row, to) in rows.into_iter().enumerate() {
        to.copy_from_slice(sum.row(row));
    }
}

/// The teams' rows one below the other.
fn stack(teams: Vec<Mat>, heads: usize) -> Mat {
    let cols = teams.first().map_or(0, Mat::cols);
    let numbers: Vec<f32> = teams.iter().flat_map(Mat::data).copied().collect();
    debug_assert_eq!(numbers.len(), heads * cols);
    Mat::from_vec(heads, cols, numbers)
}
