//! What a belt puts beside a linear map: a low-rank path, and the two things that may grow on it,
//! a magnitude per output (DoRA) or parts of its own for each task (task-aware LoRA).
//!
//! It holds parameters and checks that they fit; the products are `applied`'s.

#[cfg(test)]
mod tests;

use super::linear::Map;
use super::magnitude::Magnitude;
use crate::error::{Error, Result};
use crate::param::Param;
use crate::tape::Pass;

/// The low-rank path of a belt beside a linear map: `scale * dropout(x) A^T B^T`.
#[derive(Clone)]
pub struct LowRank {
    /// `A [R x K]`.
    pub down: Param,
    /// `B [N x R]`; with tasks, their `I` projections side by side, `[N x I R]`.
    pub up: Param,
    /// `alpha / r`, or `alpha / sqrt(r)` where the rank is stabilised.
    pub scale: f32,
    /// Share of the inputs that are dropped before `A`, in passes that have randomness.
    pub dropout: f32,
    /// The length of each row of `W + scale B A`, learnt apart from its direction.
    pub magnitude: Option<Magnitude>,
    /// What stands between `A` and `B` for each task.
    pub tasks: Option<Tasks>,
}

/// The parts of a task-aware path that belong to one task each. In a pass of task `t` the path is
/// `scale * sum_i softmax(w_t / temperature)_i B_i L_t A`; the others' parts are not touched.
#[derive(Clone)]
pub struct Tasks {
    /// `L_t [R x R]` of each task.
    pub turns: Vec<Param>,
    /// `w_t [1 x I]` of each task.
    pub weights: Vec<Param>,
    /// Below one the mixture is sharper, above one flatter.
    pub temperature: f32,
}

impl LowRank {
    /// A path with neither magnitude nor tasks: LoRA.
    pub fn plain(down: Param, up: Param, scale: f32, dropout: f32) -> LowRank {
        LowRank {
            down,
            up,
            scale,
            dropout,
            magnitude: None,
            tasks: None,
        }
    }

    /// `R`.
    pub fn rank(&self) -> usize {
        self.down.value().rows()
    }

    /// Every parameter: A, B, the magnitude, then the turns and the weights of the tasks.
    pub fn params(&self) -> Vec<Param> {
        let mut params = vec![self.down.clone(), self.up.clone()];
        params.extend(
            self.magnitude
                .as_ref()
                .map(|magnitude| magnitude.param().clone()),
        );
        if let Some(tasks) = &self.tasks {
            params.extend(tasks.turns.iter().chain(&tasks.weights).cloned());
        }
        params
    }

    /// Refuses a path that does not fit a map.
    pub(super) fn check(&self, name: &str, map: &Map) -> Result<()> {
        let (n, k) = (map.outputs(), map.inputs());
        let (down, up) = (self.down.value(), self.up.value());
        let rank = down.rows();
        let ups = self.tasks.as_ref().map_or(Some(1), Tasks::projections);
        let fits = ups.is_some_and(|ups| up.shape() == (n, ups * rank));
        if rank == 0 || down.cols() != k || !fits {
            return Err(Error::shape(
                "low-rank path",
                format_args!(
                    "{name}: A [r x {k}], B [{n} x r], or B [{n} x i r] with i weights of each task"
                ),
                format_args!("A {}, B {}", down.shape_text(), up.shape_text()),
            ));
        }
        if let Some(magnitude) = &self.magnitude {
            magnitude.check(name, n)?;
        }
        match &self.tasks {
            Some(_) if self.magnitude.is_some() => Err(Error::Setting {
                op: "low-rank path",
                reason: format!("{name}: a magnitude and parts of tasks do not go together"),
            }),
            Some(tasks) => tasks.check(name, rank),
            None => Ok(()),
        }
    }
}

impl Tasks {
    /// `I`, if there is a task at all.
    fn projections(&self) -> Option<usize> {
        Some(self.weights.first()?.value().cols())
    }

    /// The parts of the task that a pass is for.
    pub(super) fn of(&self, pass: &Pass, place: &str) -> Result<(&Param, &Param)> {
        let refused = |reason: String| Error::Setting {
            op: "task-aware path",
            reason: format!("{place}: {reason}"),
        };
        let count = self.turns.len();
        let task = pass
            .task()
            .ok_or_else(|| refused(format!("the pass is for none of the {count} tasks")))?;
        match (self.turns.get(task), self.weights.get(task)) {
            (Some(turn), Some(weights)) => Ok((turn, weights)),
            _ => Err(refused(format!("task {task} is outside 0..{count}"))),
        }
    }

    fn check(&self, name: &str, rank: usize) -> Result<()> {
        let ups = self.projections().unwrap_or(0);
        let turns = self
            .turns
            .iter()
            .all(|turn| turn.value().shape() == (rank, rank));
        let weights = self
            .weights
            .iter()
            .all(|weight| weight.value().shape() == (1, ups));
        if !turns || !weights || ups == 0 || self.turns.len() != self.weights.len() {
            return Err(Error::shape(
                "low-rank path",
                format_args!("{name}: per task a turn [{rank} x {rank}] and weights [1 x {ups}]"),
                format_args!(
                    "{} turns and {} weights",
                    self.turns.len(),
                    self.weights.len()
                ),
            ));
        }
        match self.temperature.is_finite() && self.temperature > 0.0 {
            true => Ok(()),
            false => Err(Error::Setting {
                op: "low-rank path",
                reason: format!(
                    "{name}: a temperature of {} is not above 0",
                    self.temperature
                ),
            }),
        }
    }
}
