//! From answers to numbers: which answers can be measured, and against what.

use skillbelt_engine::ops;
use skillbelt_engine::{Mat, Pass};

use super::classes::Classes;
use super::{Answer, Learnt, Measures, Set};
use crate::error::Result;
use crate::metric;

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
pub fn classes(set: &Set, answers: &[Answer], count: usize, metric_name: Option<&str>) -> Measures {
    let mut scores = Vec::new();
    let mut labels = Vec::new();
    for (item, answer) in set.items.iter().zip(answers) {
        if let (true, Answer::Scores(found)) = (item.is_known(), answer) {
            scores.push(found.clone());
            labels.push(item.label);
        }
    }
    first(metric::classification(&scores, &labels, count), metric_name)
}

/// How good ranks are, over the queries whose answer is known.
pub fn ranks(answers: &[Answer], metric_name: Option<&str>) -> Measures {
    let (mut known, mut among) = (Vec::new(), 0);
    for answer in answers {
        if let Answer::Ranks { ranks, pool, .. } = answer
            && !ranks.is_empty()
        {
            known.push(ranks.clone());
            among = *pool;
        }
    }
    first(metric::ranking(&known, among), metric_name)
}

/// How good texts are; beside it the mean loss of the true ones over their tokens.
pub fn texts(answers: &[Answer], metric_name: Option<&str>) -> Measures {
    let (mut found, mut wanted, mut losses) = (Vec::new(), Vec::new(), Vec::new());
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
        losses.extend(*loss);
    }
    let mut measures = metric::text(&found, &wanted);
    measures.extend(metric::language(&losses));
    first(measures, metric_name)
}

/// Brings the number that the recipe chose to the front; what comes after keeps its order.
pub fn first(mut measures: Measures, metric: Option<&str>) -> Measures {
    let place = metric.and_then(|metric| measures.iter().position(|(name, _)| *name == metric));
    if let Some(place) = place {
        measures[..=place].rotate_right(1);
    }
    measures
}
