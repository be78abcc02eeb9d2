//! From answers to validation rows to the table of how sure a class is told.

use skillbelt_model::belt::folder::{Calibration, CalibrationPoint};

use super::example::probabilities;
use crate::task::{Answer, Set};

/// More classes than this are no alarm that somebody would set a threshold for.
const MOST_CLASSES: usize = 16;
/// From one point to the next, told rows grow by this factor.
const GROWTH: f64 = 1.3;
/// Told rows of the highest point.
const FEWEST: usize = 5;

/// A table for each class of answers that are scores, over the rows whose class is known; nothing for
/// answers of another kind.
pub fn calibrations(set: &Set, answers: &[Answer], labels: &[String]) -> Vec<Calibration> {
    if labels.len() < 2 || labels.len() > MOST_CLASSES {
        return Vec::new();
    }
    let mut known: Vec<(Vec<f64>, usize)> = Vec::new();
    for (item, answer) in set.items.iter().zip(answers) {
        if let (true, Answer::Scores(scores)) = (item.is_known(), answer) {
            let shares: Option<Vec<f64>> = probabilities(scores).into_iter().collect();
            let Some(shares) = shares.filter(|shares| shares.len() == labels.len()) else {
                return Vec::new();
            };
            known.push((shares, item.label as usize));
        }
    }
    if known.is_empty() {
        return Vec::new();
    }
    let of_class = |(class, name): (usize, &String)| {
        let told = known
            .iter()
            .map(|(shares, label)| (shares[class], *label == class));
        table(name, told.collect())
    };
    labels.iter().enumerate().map(of_class).collect()
}

/// The table of one class from the probability of each row, and whether the row is of the class.
fn table(class: &str, mut rows: Vec<(f64, bool)>) -> Calibration {
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut points: Vec<CalibrationPoint> = Vec::new();
    let (mut told, mut right) = (0, 0);
    let mut next = FEWEST as f64;
    let mut half = false;
    for alike in rows.chunk_by(|one, other| one.0 == other.0) {
        let point = |threshold, told: usize, right: usize| CalibrationPoint {
            threshold,
            told: told as u64,
            right: right as u64,
        };
        let threshold = alike[0].0;
        // What is told at one half is what is told without a threshold: that is always known.
        if threshold < 0.5 && !half && told > 0 {
            half = true;
            if points.last().is_none_or(|last| last.told < told as u64) {
                points.push(point(0.5, told, right));
            }
        }
        told += alike.len();
        right += alike.iter().filter(|(_, of_class)| *of_class).count();
        if told as f64 >= next || told == rows.len() {
            points.push(point(threshold, told, right));
            next = (told as f64 * GROWTH).max(told as f64 + 1.0);
        }
    }
    points.reverse();
    Calibration {
        class: class.to_owned(),
        rows: rows.len() as u64,
        of_class: rows.iter().filter(|(_, of_class)| *of_class).count() as u64,
        points,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Item;

    fn asked(scores: &[(f32, u32)]) -> (Set, Vec<Answer>) {
        let mut set = Set::default();
        let mut answers = Vec::new();
        for (number, (score, label)) in scores.iter().enumerate() {
            set.items.push(Item {
                texts: Box::new([]),
                label: *label,
                name: number.to_string(),
                expected: None,
            });
            answers.push(Answer::Scores(vec![*score]));
        }
        (set, answers)
    }

    #[test]
    fn every_point_counts_what_plain_counting_counts() {
        let logit = |n: usize| ((n * 37 % 101) as f32 - 50.0) / 10.0;
        let scores: Vec<(f32, u32)> = (0..300)
            .map(|n| (logit(n), u32::from((n * 7 % 10) as f32 > 5.0 - logit(n))))
            .collect();
        let (set, answers) = asked(&scores);
        let labels = ["no".to_owned(), "yes".to_owned()];
        let tables = calibrations(&set, &answers, &labels);
        assert_eq!(tables.len(), 2);
        for (class, table) in tables.iter().enumerate() {
            assert!(table.points.len() > 8 && table.points.len() < 64);
            assert!(table.points.iter().any(|point| point.threshold <= 0.5));
            for point in &table.points {
                let told = scores.iter().filter(|(score, _)| {
                    probabilities(&[*score])[class].unwrap() >= point.threshold
                });
                let told: Vec<u32> = told.map(|(_, label)| *label).collect();
                let right = told.iter().filter(|label| **label as usize == class);
                assert_eq!(point.told, told.len() as u64, "{point:?}");
                assert_eq!(point.right, right.count() as u64, "{point:?}");
            }
            let rises = |pair: &[CalibrationPoint]| pair[0].threshold < pair[1].threshold;
            assert!(table.points.windows(2).all(rises));
        }
    }

    #[test]
    fn what_is_not_known_or_not_a_number_makes_no_table() {
        let labels = ["no".to_owned(), "yes".to_owned()];
        let (set, answers) = asked(&[(1.0, Item::UNKNOWN)]);
        assert!(calibrations(&set, &answers, &labels).is_empty());
        let (set, answers) = asked(&[(f32::NAN, 1), (1.0, 0)]);
        assert!(calibrations(&set, &answers, &labels).is_empty());
        let (set, answers) = asked(&[(1.0, 0)]);
        assert!(calibrations(&set, &answers, &labels[..1]).is_empty());
    }
}
