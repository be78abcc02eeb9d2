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
use crate::kernel::scratch::Scratch;
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

    /// Row `row` of a team, wherever heads lie side by side as the queries do.
    fn row<'b>(&self, rows: Rows<'b>, form: Form, row: usize) -> &'b [f32] {
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
        let rows = self.heads * self.queries;
        let team = self.team() * self.queries;
        let needs = [wanted.keys.is_some(), wanted.values.is_some(), wanted.bias];
        let run = |(number, dq): (usize, Option<&mut [&mut [f32]]>)| {
            let rows = number * team..rows.min((number + 1) * team);
            self.team_gradients(form, &memory, dy, rows, needs, dq)
        };
        let found: Vec<(MemoryGradients, Option<Mat>)> = match wanted.queries {
            Some(mut dq) if rows <= team => vec![run((0, Some(&mut dq)))],
            None if rows <= team => vec![run((0, None))],
            Some(mut dq) => {
                let chunks = dq.par_chunks_mut(team).map(Some).enumerate();
                chunks.map(run).collect()
            }
            None => {
                let teams = (0..rows.div_ceil(team)).into_par_iter();
                teams.map(|team| run((team, None))).collect()
            }
        };
        let (mut keys, mut values, mut biases) = (Vec::new(), Vec::new(), Vec::new());
        for (sums, bias) in found {
            keys.extend(sums.keys);
            values.extend(sums.values);
            biases.extend(bias);
        }
        write_sum(form.width, keys, wanted.keys);
        write_sum(form.width, values, wanted.values);
        wanted.bias.then(|| stack(&biases))
    }

    /// One team's part: sets its rows of `dq`, returns its sums for keys, values and biases as far
    /// as they are needed.
    fn team_gradients(
        &self,
        form: Form,
        memory: &Memory<'_>,
        dy: Rows<'_>,
        team: Range<usize>,
        [keys, values, bias]: [bool; 3],
        mut dq: Option<&mut [&mut [f32]]>,
    ) -> (MemoryGradients, Option<Mat>) {
        let zeros = || Scratch::zeros(self.keys * form.width);
        let mut sums = MemoryGradients {
            keys: keys.then(zeros),
            values: values.then(zeros),
        };
        let heads = team.len() / self.queries;
        let mut biases = bias.then(|| Mat::zeros(heads, self.queries + self.keys - 1));
        for block in self.blocks(team.clone()) {
            let queries = self.block_of(form, &block);
            let dy: Vec<&[f32]> = block.clone().map(|row| self.row(dy, form, row)).collect();
            let (from, to) = (block.start - team.start, block.end - team.start);
            let dq = dq.as_mut().map(|dq| &mut dq[from..to]);
            let scores = biases.as_mut().map(|biases| {
                |row: usize, key: usize, ds: &[f32]| self.spread(biases, from + row, key, ds)
            });
            backward(form, &queries, memory, &dy, &mut sums, dq, scores);
        }
        (sums, biases)
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
fn write_sum(width: usize, teams: Vec<Scratch>, rows: Option<Lot<'_>>) {
    let sum = teams.into_iter().reduce(|mut sum, team| {
        for (sum, part) in sum.iter_mut().zip(&team[..]) {
            *sum += part;
        }
        sum
    });
    let (Some(sum), Some(rows)) = (sum, rows) else {
        return;
    };
    for (to, row) in rows.into_iter().zip(sum.chunks_exact(width)) {
        to.copy_from_slice(row);
    }
}

/// The teams' rows one below the other.
fn stack(teams: &[Mat]) -> Mat {
    let cols = teams.first().map_or(0, Mat::cols);
    let rows = teams.iter().map(Mat::rows).sum();
    let numbers = teams.iter().flat_map(Mat::data).copied().collect();
    Mat::from_vec(rows, cols, numbers)
}
