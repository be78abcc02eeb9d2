//! Label noise seen from held-out answers: rows whose label a trained belt contradicts with more
//! confidence than it usually has in that other class.

use indexmap::IndexMap;

use crate::evaluate::Example;

/// The share of rows with a known label that are confidently contradicted. A class is believed where
/// its probability is at least the mean probability of that class over the rows labelled so. Nothing
/// where answers are no classes or no row has a label.
///
/// A confident error of the belt counts too, so this is nearer to an upper bound of the noise.
pub(super) fn contradicted(examples: &[Example]) -> Option<f64> {
    let rows: Vec<(&str, &IndexMap<String, Option<f64>>)> = examples
        .iter()
        .filter_map(|example| match example {
            Example::Classed(row) => Some((row.label.as_deref()?, &row.probabilities)),
            _ => None,
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut usual: IndexMap<&str, (f64, f64)> = IndexMap::new();
    for (label, probabilities) in &rows {
        let (sum, count) = usual.entry(*label).or_default();
        *sum += probability(probabilities, label);
        *count += 1.0;
    }
    let believed = |class: &str, probability: f64| {
        usual
            .get(class)
            .is_some_and(|(sum, count)| probability >= sum / count)
    };
    let against = |(label, probabilities): &&(&str, &IndexMap<String, Option<f64>>)| {
        let own = probability(probabilities, label);
        let mut others = probabilities.iter().filter(|(class, _)| class != label);
        others.any(|(class, p)| p.is_some_and(|p| p > own && believed(class, p)))
    };
    Some(rows.iter().filter(against).count() as f64 / rows.len() as f64)
}

fn probability(all: &IndexMap<String, Option<f64>>, class: &str) -> f64 {
    all.get(class).copied().flatten().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::example::Classed;

    fn row(label: &str, yes: f64) -> Example {
        let of = |(class, p): (&str, f64)| (class.to_owned(), Some(p));
        Example::Classed(Classed {
            name: String::new(),
            label: Some(label.into()),
            prediction: Some(String::new()),
            failed: None,
            probabilities: [("no", 1.0 - yes), ("yes", yes)]
                .map(of)
                .into_iter()
                .collect(),
            scores: Vec::new(),
        })
    }

    #[test]
    fn only_a_confident_contradiction_counts() {
        // Usual confidence: yes (0.9 + 0.8 + 0.1) / 3 = 0.6, no (0.9 + 0.8 + 0.45) / 3 = 0.716..
        let rows = [
            row("yes", 0.9),
            row("yes", 0.8),
            row("yes", 0.1),
            row("no", 0.1),
            row("no", 0.2),
            row("no", 0.55),
        ];
        // The third is contradicted (no at 0.9); the last is not (yes at 0.55 is below its usual 0.6).
        assert_eq!(contradicted(&rows), Some(1.0 / 6.0));
        assert_eq!(contradicted(&[]), None);
    }
}
