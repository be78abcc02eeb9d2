//! All that a belt says of one function: every task that classifies is asked, each text is read once for
//! tasks that read alike. It judges no pair and writes no text.

use std::collections::BTreeMap;

use serde_json::Value;
use skillbelt_engine::Mat;
use skillbelt_train::Result;
use skillbelt_train::task::Side;

use super::tools::Verdict;
use crate::reader::{Reader, Way};

/// The verdicts, and the tasks that could not be asked.
pub fn assess(reader: &Reader, code: &str) -> Result<(Vec<Verdict>, Vec<String>)> {
    let mut read: BTreeMap<Way, Option<Mat>> = BTreeMap::new();
    let (mut verdicts, mut not_asked) = (Vec::new(), Vec::new());
    for task in reader.tasks() {
        let labels = task.objective.labels();
        let way = reader
            .way(task, Side::Candidate)
            .filter(|_| !labels.is_empty());
        let vector = match way {
            None => None,
            Some(way) => match read.get(&way) {
                Some(vector) => vector.clone(),
                None => {
                    let ids = reader.ids(way, code)?;
                    let vector = ids.map(|ids| reader.vectors(way, &[ids])).transpose()?;
                    read.insert(way, vector.clone());
                    vector
                }
            },
        };
        let judged = vector
            .map(|vector| reader.judge(task, vector))
            .transpose()?;
        match judged.flatten().and_then(|mut rows| rows.pop()) {
            Some(shares) => verdicts.extend(verdict(&task.name, &labels, &shares)),
            None => not_asked.push(task.name.clone()),
        }
    }
    Ok((verdicts, not_asked))
}

fn verdict(task: &str, labels: &[String], shares: &[f64]) -> Option<Verdict> {
    let each = || labels.iter().zip(shares);
    // Of equals the first.
    let best = each().reduce(|best, one| if one.1 > best.1 { one } else { best })?;
    Some(Verdict {
        task: task.to_owned(),
        label: best.0.clone(),
        confidence: *best.1,
        probabilities: each()
            .map(|(label, share)| (label.clone(), Value::from(*share)))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_label_is_the_verdict_and_of_equals_the_first() {
        let labels = ["false".to_owned(), "true".to_owned()];
        let found = verdict("defect", &labels, &[0.25, 0.75]).unwrap();
        assert_eq!((found.label.as_str(), found.confidence), ("true", 0.75));
        assert_eq!(found.probabilities["false"], 0.25);
        assert_eq!(
            verdict("defect", &labels, &[0.5, 0.5]).unwrap().label,
            "false"
        );
        assert_eq!(verdict("defect", &[], &[]), None);
    }
}
