//! From answers to numbers: which answers can be measured, and against what.

use skillbelt_engine::ops;
use skillbelt_engine::{Mat, Pass};

use super::classes::Classes;
use super::{Answer, Learnt, Measures, Set};
use crate::error::Result;

/// One answer for each row of scores `[items x columns]`.
pub fn answers(scores: &Mat) -> Vec<Answer> {
    let rows = (0..scores.rows()).map(|row| scores.row(row));
    rows.map(|row| Answer::Scores(row.to_vec())).collect()
}

/// The mean loss of scores `[items x columns]`, over the items whose class is known.
pub fn class_loss(classes: &Classes, set: &Set, scores: &Mat, tokens: u64) -> Result<Learnt> {
    let known: Vec<usize> = (0..set.items.len())
        .filter(|i| set.items[*i].is_known())
        .collect();
    let mut learnt = Learnt {
        tokens,
        units: known.len() as u64,
        loss: 0.0,
    };
    if known.is_empty() {
        return Ok(learnt);
    }
    let numbers = known
        .iter()
        .flat_map(|item| scores.row(*item).iter().copied());
    let logits = Mat::from_vec(known.len(), scores.cols(), numbers.collect());
    let labels: Vec<u32> = known.iter().map(|item| set.items[*item].label).collect();
    let weighing = classes.weighing(&set.counts);
    let pass = Pass::inference();
    let loss = ops::class_loss(&pass, &pass.constant(logits), &labels, weighing.told())?;
    learnt.loss = f64::from(loss.scalar()) * weighing.part(&labels, weighing.mass(&labels));
    Ok(learnt)
}

/// How good scores are, over the items whose class is known.
pub fn classes(set: &Set, answers: &[Answer], count: usize, metric: Option<&str>) -> Measures {
    let mut scores = Vec::new();
    let mut labels = Vec::new();
    for (item, answer) in set.items.iter().zip(answers) {
        if let (true, Answer::Scores(found)) = (item.is_known(), answer) {
            scores.push(found.clone());
            labels.push(item.label);
        }
    }
    first(classification(&scores, &labels, count), metric)
}

/// How good ranks are, over the queries whose answer is known.
pub fn ranks(answers: &[Answer], metric: Option<&str>) -> Measures {
    let known = answers.iter().filter_map(|answer| match answer {
        Answer::Ranks { ranks, .. } if !ranks.is_empty() => Some(ranks.clone()),
        _ => None,
    });
    first(ranking(&known.collect::<Vec<_>>()), metric)
}

/// How good texts are; beside it the mean loss of the true ones over their tokens.
pub fn texts(answers: &[Answer], metric: Option<&str>) -> Measures {
    let (mut found, mut wanted, mut sum, mut tokens) = (Vec::new(), Vec::new(), 0.0, 0);
    for answer in answers {
        let Answer::Text {
            written,
            expected,
            loss,
        } = answer
        else {
            continue;
        };
        if let (Some(written), Some(expected)) = (written, expected) {
            found.push(&written[..]);
            wanted.push(&expected[..]);
        }
        if let Some((loss, of)) = loss {
            sum += loss;
            tokens += of;
        }
    }
    let mut measures = text(&found, &wanted);
    if tokens > 0 {
        let loss = sum / tokens as f64;
        measures.extend([("loss", loss), ("perplexity", loss.exp())]);
    }
    first(measures, metric)
}

/// Brings the number that the recipe chose to the front; what comes after keeps its order.
pub fn first(mut measures: Measures, metric: Option<&str>) -> Measures {
    let place = metric.and_then(|metric| measures.iter().position(|(name, _)| *name == metric));
    if let Some(place) = place {
        measures[..=place].rotate_right(1);
    }
    measures
}

fn classification(scores: &[Vec<f32>], labels: &[u32], _classes: usize) -> Measures {
    let right = scores.iter().zip(labels).filter(|(scores, label)| {
        let class = match &scores[..] {
            [one] => u32::from(*one > 0.0),
            many => {
                let best = |best: usize, class: usize| {
                    if many[class] > many[best] {
                        class
                    } else {
                        best
                    }
                };
                (1..many.len()).fold(0, best) as u32
            }
        };
        class == **label
    });
    vec![(
        "accuracy",
        right.count() as f64 / labels.len().max(1) as f64,
    )]
}

fn ranking(ranks: &[Vec<usize>]) -> Measures {
    let first = ranks.iter().filter_map(|ranks| ranks.first());
    let sum: f64 = first.map(|rank| 1.0 / *rank as f64).sum();
    vec![("mrr", sum / ranks.len().max(1) as f64)]
}

fn text(written: &[&str], expected: &[&str]) -> Measures {
    let pairs = written.iter().zip(expected);
    let right = pairs.filter(|(written, expected)| written.trim() == expected.trim());
    vec![(
        "exact_match",
        right.count() as f64 / written.len().max(1) as f64,
    )]
}
