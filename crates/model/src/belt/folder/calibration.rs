//! How sure a belt's word is: of a class, by the probability it is told with, how many validation rows
//! were told and how many of them rightly.
//!
//! It holds counts, so that whoever reads can make of them what he needs: the precision at a threshold,
//! the threshold for a precision, and both for another share of the class than the validation rows had.

use serde::{Deserialize, Serialize};

/// More points than any table has.
const MAX_POINTS: usize = 256;
/// Rows that a precision must be seen on before a threshold is chosen by it.
pub const LEAST_TOLD: u64 = 10;

/// The table of one class of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    pub class: String,
    /// Validation rows whose class is known, and those among them that are of this class.
    pub rows: u64,
    pub of_class: u64,
    /// By rising threshold.
    pub points: Vec<CalibrationPoint>,
}

/// What came of telling the class from a probability on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationPoint {
    pub threshold: f64,
    /// Rows with at least that probability.
    pub told: u64,
    /// Those among them that are of the class.
    pub right: u64,
}

impl Calibration {
    /// The share of rows that are of the class.
    pub fn prevalence(&self) -> f64 {
        share(self.of_class as f64, self.rows as f64)
    }

    /// The point that says what happens at a threshold: the last one that is not above it. Below all
    /// points there is no saying.
    pub fn at(&self, threshold: f64) -> Option<&CalibrationPoint> {
        let below = |point: &&CalibrationPoint| point.threshold <= threshold;
        self.points.iter().take_while(below).last()
    }

    /// The lowest threshold that reaches a precision, if one does on enough rows. `prevalence` as in
    /// [`Self::precision`].
    pub fn reaching(&self, wanted: f64, prevalence: Option<f64>) -> Option<&CalibrationPoint> {
        self.enough()
            .find(|point| self.precision(point, prevalence) >= wanted)
    }

    /// The point of the highest precision on enough rows; of equal ones the lowest threshold.
    pub fn best(&self, prevalence: Option<f64>) -> Option<&CalibrationPoint> {
        self.enough().reduce(|best, point| {
            match self.precision(point, prevalence) > self.precision(best, prevalence) {
                true => point,
                false => best,
            }
        })
    }

    fn enough(&self) -> impl Iterator<Item = &CalibrationPoint> {
        self.points.iter().filter(|point| point.told >= LEAST_TOLD)
    }

    /// The share of what is told that is right, where `prevalence` is the share of the class among
    /// what is asked; as in the validation rows if none is given.
    pub fn precision(&self, point: &CalibrationPoint, prevalence: Option<f64>) -> f64 {
        let Some(prevalence) = prevalence else {
            return share(point.right as f64, point.told as f64);
        };
        let others = self.rows.saturating_sub(self.of_class);
        let wrong = point.told.saturating_sub(point.right);
        let hits = share(point.right as f64, self.of_class as f64) * prevalence;
        let misses = share(wrong as f64, others as f64) * (1.0 - prevalence);
        share(hits, hits + misses)
    }

    /// The share of the class that is told.
    pub fn recall(&self, point: &CalibrationPoint) -> f64 {
        share(point.right as f64, self.of_class as f64)
    }

    /// What is wrong with the table, if anything is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let sane = |point: &CalibrationPoint| {
            (0.0..=1.0).contains(&point.threshold)
                && point.right <= point.told
                && point.told <= self.rows
                && point.right <= self.of_class
        };
        let rises = |pair: &[CalibrationPoint]| pair[0].threshold < pair[1].threshold;
        if self.points.len() > MAX_POINTS || self.of_class > self.rows {
            return Some("at most 256 points, and no more rows of the class than rows");
        }
        if !self.points.iter().all(sane) {
            return Some("probabilities, and no more right rows than told ones");
        }
        (!self.points.windows(2).all(rises)).then_some("thresholds that rise")
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Calibration {
        let point = |threshold, told, right| CalibrationPoint {
            threshold,
            told,
            right,
        };
        Calibration {
            class: "1".into(),
            rows: 200,
            of_class: 50,
            points: vec![
                point(0.1, 200, 50),
                point(0.5, 60, 40),
                point(0.8, 20, 18),
                point(0.95, 4, 4),
            ],
        }
    }

    #[test]
    fn thresholds_and_precisions_lead_to_each_other() {
        let table = table();
        assert_eq!(table.at(0.05), None);
        assert_eq!(table.at(0.79).map(|point| point.told), Some(60));
        assert_eq!(table.reaching(0.6, None).map(|p| p.threshold), Some(0.5));
        assert_eq!(table.reaching(0.9, None).map(|p| p.threshold), Some(0.8));
        // Four right rows of four are too few to promise anything.
        assert_eq!(table.reaching(0.95, None), None);
        assert_eq!(table.best(None).map(|p| p.threshold), Some(0.8));
        assert_eq!(table.recall(&table.points[2]), 18.0 / 50.0);
        assert_eq!(table.fault(), None);
    }

    #[test]
    fn a_rarer_class_is_told_less_rightly() {
        let table = table();
        let point = &table.points[1];
        let same = table.precision(point, Some(table.prevalence()));
        assert!((same - 40.0 / 60.0).abs() < 1e-12);
        // 0.8 of the class and 20/150 of the others: 0.05 * 0.8 / (0.05 * 0.8 + 0.95 * 0.1333...).
        let rare = table.precision(point, Some(0.05));
        assert!((rare - 0.24).abs() < 1e-12, "{rare}");
    }

    #[test]
    fn tables_that_cannot_be_are_seen() {
        let wrong = |change: fn(&mut Calibration)| {
            let mut table = table();
            change(&mut table);
            assert!(table.fault().is_some(), "{table:?}");
        };
        wrong(|table| table.points.reverse());
        wrong(|table| table.points[0].threshold = f64::NAN);
        wrong(|table| table.points[3].right = 5);
        wrong(|table| table.of_class = 201);
    }
}
