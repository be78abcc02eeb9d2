//! Measures of classes: accuracy, F1 and its parts, MCC, areas under curves, calibration.
//!
//! The definitions are scikit-learn's, with these choices: what would divide by zero is zero; means
//! over classes (`macro`) go over the classes that occur among labels or predictions; of two
//! classes, precision, recall, F1 and the curves are those of class 1.

use super::Judged;
use super::calibration::Confidence;
use super::curve::Curve;

const NAMES: &[&str] = &[
    "accuracy",
    "f1",
    "precision",
    "recall",
    "f1_macro",
    "precision_macro",
    "recall_macro",
    "mcc",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "calibration_error@15",
    "base_rate",
];

/// Examples with a class and a prediction.
///
/// - `accuracy`: the share that is right.
/// - `precision`, `recall`, `f1`: of class 1 where there are two classes, else means over classes;
///   `precision_macro`, `recall_macro`, `f1_macro`: the means over classes always.
/// - `mcc`: Matthews' correlation; of more than two classes in Gorodkin's form.
/// - `auc`: the chance that an example of the class stands above one that is not, ties counting
///   half; `average_precision`: precision at each place of the class, without interpolation, ties
///   taken together. Of more than two classes the mean of each class against the rest, over the
///   classes that have both sides.
/// - `balanced_accuracy`: mean recall over the classes that occur among the labels.
/// - `calibration_error@15`: the mean distance between accuracy and confidence over 15 bins of equal
///   width (the confidence being the probability of the class that was said). Less is better.
/// - `base_rate`: the share of class 1 of two; of more, the share of the most frequent class.
///
/// The prediction is the class with the highest score, the first of equals; with one column, class 1
/// if its logit is above zero. A row with a wrong number of scores, or with one that is not finite,
/// counts as predicted wrong, for sure, and stands at the wrong end of every curve. Where only classes
/// were told and no scores, curves and calibration have no value.
pub struct Classified {
    classes: usize,
    /// Per example; `classes` stands for what is no class.
    labels: Vec<usize>,
    predicted: Vec<usize>,
    /// Of class 1, or of every class.
    curves: Vec<Curve>,
    confidence: Option<Confidence>,
}

/// How often a class was true, was said, and both.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    truth: f64,
    said: f64,
    right: f64,
}

impl Count {
    fn precision(self) -> f64 {
        ratio(self.right, self.said)
    }

    fn recall(self) -> f64 {
        ratio(self.right, self.truth)
    }

    fn f1(self) -> f64 {
        ratio(2.0 * self.right, self.truth + self.said)
    }
}

impl Classified {
    /// `scores` has a row per example; an example without a row counts as answered worst.
    pub fn new(scores: &[Vec<f32>], labels: &[u32], classes: usize) -> Classified {
        let labels: Vec<usize> = labels
            .iter()
            .map(|label| (*label as usize).min(classes))
            .collect();
        let odds: Vec<Option<Vec<f64>>> = (0..labels.len())
            .map(|row| log_odds(scores.get(row)?, classes))
            .collect();
        let rows = labels.iter().zip(&odds).zip(scores_or_none(scores));
        let said: Vec<usize> = rows
            .map(|((label, odds), scores)| match odds {
                Some(_) => predicted(scores),
                None => wrong(*label, classes),
            })
            .collect();
        let sure = labels.iter().zip(&said).zip(&odds);
        let sure = sure.map(|((label, said), odds)| match odds {
            Some(odds) if *said < odds.len() => (1.0 / (1.0 + (-odds[*said]).exp()), label == said),
            _ => (1.0, false),
        });
        let confidence = Some(Confidence::new(sure));
        let curve = |class: usize, column: usize| {
            let score = labels.iter().zip(&odds).map(|(label, odds)| {
                let positive = *label == class;
                let worst = if positive {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                };
                (odds.as_ref().map_or(worst, |odds| odds[column]), positive)
            });
            Curve::new(score)
        };
        let curves = match classes {
            0 | 1 => Vec::new(),
            2 => vec![curve(1, 1)],
            _ => (0..classes).map(|class| curve(class, class)).collect(),
        };
        Classified {
            classes,
            labels,
            predicted: said,
            curves,
            confidence,
        }
    }

    /// Of classes that were told without scores.
    pub fn told(said: &[u32], labels: &[u32], classes: usize) -> Classified {
        let class = |class: &u32| (*class as usize).min(classes);
        let labels: Vec<usize> = labels.iter().map(class).collect();
        let said = said.iter().map(class).zip(&labels);
        Classified {
            classes,
            predicted: said
                .map(|(said, label)| match said < classes {
                    true => said,
                    false => wrong(*label, classes),
                })
                .collect(),
            labels,
            curves: Vec::new(),
            confidence: None,
        }
    }

    /// What was predicted, by example.
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    fn counts(&self, times: &[u32]) -> Vec<Count> {
        let mut counts = vec![Count::default(); self.classes + 1];
        for ((label, said), times) in self.labels.iter().zip(&self.predicted).zip(times) {
            let times = f64::from(*times);
            counts[*label].truth += times;
            counts[*said].said += times;
            if label == said && *label < self.classes {
                counts[*label].right += times;
            }
        }
        counts
    }

    fn curves(&self, value: impl Fn(&Curve) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.curves.iter().filter_map(value).collect();
        over(&values)
    }
}

impl Judged for Classified {
    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn count(&self) -> usize {
        self.labels.len()
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        self.of(name, times, &self.counts(times))
    }

    fn values(&self, names: &[&str], times: &[u32]) -> Vec<Option<f64>> {
        let counts = self.counts(times);
        let values = names.iter().map(|name| self.of(name, times, &counts));
        values.collect()
    }

    fn each(&self, name: &str) -> Option<Vec<f64>> {
        let both = self.labels.iter().zip(&self.predicted);
        let right = |(label, said): (&usize, &usize)| {
            f64::from(u8::from(label == said && *label < self.classes))
        };
        (name == "accuracy").then(|| both.map(right).collect())
    }
}

impl Classified {
    /// One measure, with the counts of classes that belong to `times`.
    fn of(&self, name: &str, times: &[u32], counts: &[Count]) -> Option<f64> {
        let all: f64 = counts.iter().map(|count| count.truth).sum();
        if all == 0.0 {
            return None;
        }
        let right: f64 = counts.iter().map(|count| count.right).sum();
        let of_class = |number: fn(Count) -> f64| match self.classes {
            2 => Some(number(counts[1])),
            _ => macro_mean(counts, number),
        };
        match name {
            "auc" => self.curves(|curve| curve.area(times)),
            "average_precision" => self.curves(|curve| curve.average_precision(times)),
            "calibration_error@15" => self.confidence.as_ref()?.error(times),
            "accuracy" => Some(right / all),
            "precision" => of_class(Count::precision),
            "recall" => of_class(Count::recall),
            "f1" => of_class(Count::f1),
            "f1_macro" => macro_mean(counts, Count::f1),
            "precision_macro" => macro_mean(counts, Count::precision),
            "recall_macro" => macro_mean(counts, Count::recall),
            "mcc" => Some(mcc(counts, right, all)),
            "balanced_accuracy" => {
                let true_ones = counts.iter().filter(|count| count.truth > 0.0);
                over(&true_ones.map(|count| count.recall()).collect::<Vec<_>>())
            }
            "base_rate" if self.classes == 2 => Some(counts[1].truth / all),
            "base_rate" => {
                let most = counts.iter().map(|count| count.truth).fold(0.0, f64::max);
                Some(most / all)
            }
            _ => None,
        }
    }
}

/// The scores of each row, and nothing after the last for ever.
fn scores_or_none(scores: &[Vec<f32>]) -> impl Iterator<Item = &[f32]> {
    scores
        .iter()
        .map(Vec::as_slice)
        .chain(std::iter::repeat(&[][..]))
}

/// By class: the logarithm of its probability over that of all others. It has the order of the
/// probabilities and, unlike them, does not run into one. Nothing if the row cannot be used.
fn log_odds(scores: &[f32], classes: usize) -> Option<Vec<f64>> {
    if scores.iter().any(|score| !score.is_finite()) {
        return None;
    }
    let scores: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
    match scores[..] {
        [logit] if classes == 2 => Some(vec![-logit, logit]),
        [zero, one] if classes == 2 => Some(vec![zero - one, one - zero]),
        _ if scores.len() == classes => {
            let odds = |class: usize| {
                let others = || {
                    (0..classes)
                        .filter(|other| *other != class)
                        .map(|i| scores[i])
                };
                let most = others().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = others().map(|score| (score - most).exp()).sum();
                scores[class] - most - sum.ln()
            };
            Some((0..classes).map(odds).collect())
        }
        _ => None,
    }
}

/// The predicted class: of the highest score, the first of equals; of one score, class 1 above zero.
pub fn predicted(scores: &[f32]) -> usize {
    if let [logit] = scores {
        return usize::from(*logit > 0.0);
    }
    let best = |best: usize, next: usize| {
        if scores[next] > scores[best] {
            next
        } else {
            best
        }
    };
    (0..scores.len()).fold(0, best)
}

/// A class that is not this one.
fn wrong(label: usize, classes: usize) -> usize {
    match classes {
        0 | 1 => classes,
        _ => (label + 1) % classes,
    }
}

fn macro_mean(counts: &[Count], number: fn(Count) -> f64) -> Option<f64> {
    let there = counts.iter().filter(|count| count.truth + count.said > 0.0);
    over(&there.map(|count| number(*count)).collect::<Vec<_>>())
}

fn mcc(counts: &[Count], right: f64, all: f64) -> f64 {
    let sum = |number: fn(&Count) -> f64| counts.iter().map(number).sum::<f64>();
    let together = sum(|count| count.truth * count.said);
    let said = all * all - sum(|count| count.said * count.said);
    let truth = all * all - sum(|count| count.truth * count.truth);
    ratio(right * all - together, (said * truth).sqrt()).clamp(-1.0, 1.0)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn over(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
