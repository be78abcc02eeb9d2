//! Rotary positions: pairs of numbers of each head are turned by an angle that grows with the
//! token's position. A head's number `i` is paired with `i + D / 2`.
//!
//! The way back is the same rotation backwards and keeps nothing but the positions.

mod frequencies;

use std::sync::{Arc, PoisonError, RwLock};

use rayon::prelude::*;

pub use frequencies::RopeScaling;

use self::frequencies::frequencies;
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::rotate::rotate;
use crate::mat::Mat;
use crate::tape::{Pass, Var};

const OP: &str = "rope";
/// Positions beyond this are refused: their tables would fill the memory.
const LARGEST_POSITION: u32 = 1 << 22;
/// Rows of a task.
const ROWS: usize = 32;

/// Cosines and sines of the angles at each position, for heads of one width.
#[derive(Debug)]
pub struct Rope {
    width: usize,
    frequencies: Vec<f32>,
    amplitude: f32,
    /// Positions from here on have no numbers of their own.
    bound: u32,
    tables: RwLock<Arc<Tables>>,
}

/// `[positions x D / 2]` each.
#[derive(Debug, Default)]
struct Tables {
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rope {
    /// For heads of this width (even), a model made for texts of so many positions, and this base
    /// of the frequencies. Tables grow to the positions that are asked for, also beyond that length
    /// (except with `RopeScaling::Dynamic`); what is in them depends on nothing but these settings.
    pub fn new(
        head_width: usize,
        positions: usize,
        theta: f64,
        scaling: RopeScaling,
    ) -> Result<Rope> {
        let (frequencies, amplitude) = frequencies(head_width, theta, &scaling)?;
        let bound = match scaling {
            RopeScaling::Dynamic => u32::try_from(positions).unwrap_or(u32::MAX),
            _ => LARGEST_POSITION,
        };
        Ok(Rope {
            width: head_width,
            frequencies,
            amplitude,
            bound: bound.min(LARGEST_POSITION),
            tables: RwLock::default(),
        })
    }

    /// Width `D` of the heads that it turns.
    pub fn head_width(&self) -> usize {
        self.width
    }

    /// Tables that hold at least this position.
    fn tables(&self, position: u32) -> Arc<Tables> {
        let half = self.width / 2;
        let needed = (position as usize + 1) * half;
        {
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            if tables.cosines.len() >= needed {
                return Arc::clone(&tables);
            }
        }
        let positions = (position as usize + 1).next_power_of_two();
        let angle = |place: usize| (place / half) as f32 * self.frequencies[place % half];
        let of = |curve: fn(f64) -> f64| -> Vec<f32> {
            (0..positions * half)
                .into_par_iter()
                .map(|place| curve(f64::from(angle(place))) as f32 * self.amplitude)
                .collect()
        };
        let grown = Arc::new(Tables {
            cosines: of(f64::cos),
            sines: of(f64::sin),
        });
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if tables.cosines.len() < grown.cosines.len() {
            *tables = Arc::clone(&grown);
        }
        grown
    }

    /// Turns the heads of each part (first column, number of heads) of every row.
    fn turn(&self, isa: Isa, mat: &mut Mat, turn: &Turn) {
        let (cols, half) = (mat.cols(), self.width / 2);
        let tables = self.tables(turn.positions.iter().copied().max().unwrap_or(0));
        mat.data_mut()
            .par_chunks_mut(ROWS * cols)
            .zip(turn.positions.par_chunks(ROWS))
            .for_each(|(rows, positions)| {
                for (row, position) in rows.chunks_exact_mut(cols).zip(positions) {
                    let at = *position as usize * half..(*position as usize + 1) * half;
                    let (cosines, sines) = (&tables.cosines[at.clone()], &tables.sines[at]);
                    for (first, heads) in &turn.parts {
                        let heads = &mut row[*first..first + heads * self.width];
                        rotate(isa, heads, cosines, sines, turn.direction);
                    }
                }
            });
    }

    fn check(&self, x: &Var, parts: &[(usize, usize)], positions: &[u32]) -> Result<()> {
        if x.rows() == 0 {
            return Err(Error::Empty { op: OP });
        }
        if positions.len() != x.rows() {
            let expected = format!("{} positions", x.rows());
            return Err(Error::shape(OP, expected, positions.len()));
        }
        let mut sorted = parts.to_vec();
        sorted.sort_unstable();
        let mut end = 0;
        for (first, heads) in sorted {
            let width = heads.checked_mul(self.width);
            let after = width.and_then(|width| first.checked_add(width));
            end = match after.filter(|after| first >= end && *after <= x.cols()) {
                Some(after) => after,
                None => {
                    return Err(Error::shape(
                        OP,
                        format_args!("parts that lie apart within {} columns", x.cols()),
                        format_args!("{heads} heads of width {} from column {first}", self.width),
                    ));
                }
            };
        }
        match positions.iter().find(|position| **position >= self.bound) {
            Some(position) => Err(Error::Index {
                op: OP,
                what: "position",
                index: i64::from(*position),
                bound: self.bound as usize,
            }),
            None => Ok(()),
        }
    }
}

/// Which heads are turned, by which positions, and which way.
struct Turn {
    parts: Vec<(usize, usize)>,
    positions: Vec<u32>,
    direction: f32,
}

/// `x [T x C]` with the heads of each part (first column, number of heads) turned by the position of
/// their token; other columns stay as they are.
pub fn rope(
    pass: &Pass,
    x: &Var,
    parts: &[(usize, usize)],
    positions: &[u32],
    table: &Arc<Rope>,
) -> Result<Var> {
    table.check(x, parts, positions)?;
    let isa = pass.isa();
    let mut turn = Turn {
        parts: parts.to_vec(),
        positions: positions.to_vec(),
        direction: 1.0,
    };
    let mut y = x.value().clone();
    table.turn(isa, &mut y, &turn);
    turn.direction = -1.0;
    Ok(pass.record(y, &[x], || {
        let table = Arc::clone(table);
        move |mut dy: Mat, flow: &mut crate::tape::Flow<'_>| {
            table.turn(isa, &mut dy, &turn);
            flow.give(0, dy);
            Ok(())
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn table(width: usize, theta: f64, scaling: RopeScaling) -> Arc<Rope> {
        Arc::new(Rope::new(width, 8, theta, scaling).unwrap())
    }

    /// Every pair turned by `position * theta^(-2i / D) / factor`.
    fn formula(
        x: &Plain,
        (width, theta, factor): (usize, f64, f64),
        parts: &[(usize, usize)],
        positions: &[u32],
    ) -> Plain {
        let mut out = x.clone();
        let half = width / 2;
        for (t, position) in positions.iter().enumerate() {
            for (first, heads) in parts {
                for (head, i) in (0..*heads).flat_map(|head| (0..half).map(move |i| (head, i))) {
                    let left = first + head * width + i;
                    let power = theta.powf(-2.0 * i as f64 / width as f64);
                    let (sine, cosine) = (f64::from(*position) * power / factor).sin_cos();
                    let (a, b) = (x.at(t, left), x.at(t, left + half));
                    out.data[t * x.cols + left] = a * cosine - b * sine;
                    out.data[t * x.cols + left + half] = b * cosine + a * sine;
                }
            }
        }
        out
    }

    #[test]
    fn rope_agrees_with_the_plain_formula() {
        for (width, parts, cols) in [
            (2, vec![(0, 1)], 2),
            (4, vec![(13, 1), (1, 2)], 18),
            (16, vec![(0, 2), (32, 1)], 64),
            (64, vec![(64, 1)], 130),
        ] {
            for positions in [vec![0], vec![0, 1, 2, 0, 3], vec![7, 7]] {
                let linear = RopeScaling::Linear { factor: 4.0 };
                for (scaling, factor) in [(RopeScaling::None, 1.0), (linear, 4.0)] {
                    let table = table(width, 1e4, scaling);
                    check(
                        &[random("x", positions.len(), cols, 1.0)],
                        |pass, vars, _| rope(pass, &vars[0], &parts, &positions, &table),
                        |inputs| formula(&inputs[0], (width, 1e4, factor), &parts, &positions),
                    )
                    .unwrap();
                }
            }
        }
    }

    #[test]
    fn the_oracle_notices_another_base() {
        let table = table(16, 1e4, RopeScaling::None);
        let wrong = check(
            &[random("x", 3, 16, 1.0)],
            |pass, vars, _| rope(pass, &vars[0], &[(0, 1)], &[0, 1, 2], &table),
            |inputs| formula(&inputs[0], (16, 1.1e4, 1.0), &[(0, 1)], &[0, 1, 2]),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn an_angle_is_rounded_once_even_at_large_positions() {
        let rope = table(64, 1e6, RopeScaling::None);
        let tables = rope.tables(100_000);
        for position in [1usize, 4_095, 65_537, 100_000] {
            for pair in 0..32 {
                let angle = f64::from(position as f32 * rope.frequencies[pair]);
                let place = position * 32 + pair;
                assert!((f64::from(tables.cosines[place]) - angle.cos()).abs() < 1e-7);
                assert!((f64::from(tables.sines[place]) - angle.sin()).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn tables_that_grew_hold_the_numbers_of_tables_made_at_once() {
        let (grown, once) = (
            table(8, 1e4, RopeScaling::None),
            table(8, 1e4, RopeScaling::None),
        );
        let small = grown.tables(3);
        let (grown, once) = (grown.tables(500), once.tables(500));
        assert_eq!(small.cosines[..], once.cosines[..small.cosines.len()]);
        assert_eq!(grown.sines, once.sines);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let table = table(48, 1e4, RopeScaling::None);
        let found: Vec<Mat> = Isa::available()
            .into_iter()
            .map(|isa| {
                let pass = Pass::inference().with_isa(isa);
                let x = pass.constant(random("x", 3, 96, 1.0));
                let y = rope(&pass, &x, &[(0, 2)], &[5, 6, 900], &table);
                y.unwrap().into_mat()
            })
            .collect();
        assert!(found.iter().all(|mat| *mat == found[0]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let table = table(4, 1e4, RopeScaling::None);
        let pass = Pass::inference();
        let x = pass.constant(Mat::zeros(2, 10));
        let refused = |parts: &[(usize, usize)], positions: &[u32]| {
            rope(&pass, &x, parts, positions, &table).is_err()
        };
        assert!(!refused(&[(2, 2)], &[0, 1]));
        assert!(refused(&[(3, 2)], &[0, 1]));
        assert!(refused(&[(0, 2), (7, 1)], &[0, 1]));
        assert!(refused(&[(0, usize::MAX)], &[0, 1]));
        assert!(refused(&[(0, 1)], &[0]));
        assert!(refused(&[(0, 1)], &[0, u32::MAX]));
        let empty = pass.constant(Mat::zeros(0, 10));
        assert!(rope(&pass, &empty, &[(0, 1)], &[], &table).is_err());
    }

    #[test]
    fn dynamic_scaling_is_plain_up_to_its_length_and_refused_beyond() {
        let dynamic = table(4, 1e4, RopeScaling::Dynamic);
        let plain = table(4, 1e4, RopeScaling::None);
        let pass = Pass::inference();
        let x = pass.constant(random("x", 1, 4, 1.0));
        let run = |table, position| rope(&pass, &x, &[(0, 1)], &[position], table);
        let (a, b) = (run(&dynamic, 7).unwrap(), run(&plain, 7).unwrap());
        assert_eq!(a.value(), b.value());
        assert!(run(&dynamic, 8).is_err());
    }
}
