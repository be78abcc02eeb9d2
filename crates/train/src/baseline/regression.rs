//! Classes by TF-IDF and logistic regression, of one text or of two.

use rayon::prelude::*;

use super::logistic::{Examples, Logistic};
use super::words::{Sparse, Weighing, joined};
use super::{Asked, Made};
use crate::data::{Content, Split};
use crate::error::{Error, Result};
use crate::evaluate::Example;
use crate::metric;
use crate::prompt::rows::{Drawn, Kept};
use crate::recipe::task::ClassWeights;
use crate::task::{Answer, Item};

/// How little the weights are held back: each is tried, and the best on the validation rows stays;
/// without such rows the first.
const TRIED: [f64; 4] = [1.0, 0.1, 10.0, 100.0];

/// The one or two texts of a row, and the number of its class.
struct Labelled<'r> {
    texts: [&'r str; 2],
    label: u32,
}

pub fn classed(asked: &Asked<'_>, split: Split) -> Result<Made> {
    let shown = asked.shown()?;
    let train = labelled(asked, &shown)?;
    if train.is_empty() {
        return Err(Error::told(format_args!(
            "task `{}`: no training row can be used",
            asked.name
        )));
    }
    let texts = train.iter().flat_map(|row| row.texts);
    let weighing = Weighing::new(texts.filter(|text| !text.is_empty()));
    let features = match train.iter().any(|row| !row.texts[1].is_empty()) {
        true => 2 * weighing.count() + 1,
        false => weighing.count(),
    };
    let weighed = weigh(&weighing, &train);
    let labels: Vec<u32> = train.iter().map(|row| row.label).collect();
    let classes = asked.classes.len();
    let counts = counts(asked.settings.class_weights.as_ref(), &labels, classes);
    let examples = Examples {
        texts: &weighed,
        labels: &labels,
        counts: &counts,
        classes,
        features,
    };
    let (model, c) = best(asked, &examples, &weighing)?;
    let drawn = asked.drawn(split)?;
    let rows = labelled(asked, &drawn)?;
    let scores = scores(&model, &weigh(&weighing, &rows));
    let answers = drawn.rows.iter().zip(&rows).zip(scores);
    let answers = answers.map(|((kept, row), scores)| {
        Example::new(
            &item(kept, row.label),
            &Answer::Scores(scores),
            &asked.classes,
        )
    });
    let answers = answers.collect();
    let mut record = asked.record("TF-IDF and logistic regression", train.len());
    record.weights = (features + 1) * if classes == 2 { 1 } else { classes };
    record.c = Some(c);
    Ok((answers, drawn, record))
}

fn item(kept: &Kept, label: u32) -> Item {
    Item {
        texts: Box::default(),
        label,
        name: kept.name.clone(),
        expected: None,
    }
}

fn labelled<'r>(asked: &Asked<'_>, drawn: &'r Drawn) -> Result<Vec<Labelled<'r>>> {
    let rows = drawn.rows.iter().map(|row| {
        let (texts, label) = match &row.content {
            Content::Text { text, label } => ([text.as_str(), ""], label),
            Content::Pair {
                first,
                second,
                label,
            } => ([first.as_str(), second], label),
            _ => ([""; 2], &None),
        };
        let label = label.as_deref().unwrap_or_default();
        let number = asked.classes.iter().position(|class| class == label);
        let number = number.ok_or_else(|| {
            let known = asked.classes.join(", ");
            Error::told(format_args!(
                "task `{}`: row {}: `{label}` is none of the classes {known}",
                asked.name, row.name
            ))
        })?;
        Ok(Labelled {
            texts,
            label: number as u32,
        })
    });
    rows.collect()
}

fn weigh(weighing: &Weighing, rows: &[Labelled<'_>]) -> Vec<Sparse> {
    let count = weighing.count();
    let each = rows.par_iter().map(|row| match row.texts {
        [text, ""] => weighing.weigh(text),
        [a, b] => joined(&weighing.weigh(a), &weighing.weigh(b), count),
    });
    each.collect()
}

fn scores(model: &Logistic, texts: &[Sparse]) -> Vec<Vec<f32>> {
    let narrow = |scores: Vec<f64>| scores.into_iter().map(|score| score as f32).collect();
    texts
        .iter()
        .map(|text| narrow(model.scores(text)))
        .collect()
}

/// How much each example counts, as the recipe weighs classes: balanced classes count the same
/// together.
fn counts(weights: Option<&ClassWeights>, labels: &[u32], classes: usize) -> Vec<f64> {
    let mut of_class = vec![0usize; classes];
    for label in labels {
        of_class[*label as usize] += 1;
    }
    let count = |label: &u32| {
        let class = *label as usize;
        match weights {
            Some(ClassWeights::Word(_)) => {
                labels.len() as f64 / (classes as f64 * of_class[class] as f64)
            }
            Some(ClassWeights::Numbers(numbers)) => f64::from(*numbers.get(class).unwrap_or(&1.0)),
            None => 1.0,
        }
    };
    labels.iter().map(count).collect()
}

/// The model that is best on the validation rows by the task's own measure; of equals the first.
fn best(
    asked: &Asked<'_>,
    examples: &Examples<'_>,
    weighing: &Weighing,
) -> Result<(Logistic, f64)> {
    let valid = match asked.settings.valid {
        Some(_) => asked.drawn(Split::Valid)?,
        None => Drawn::default(),
    };
    let rows = labelled(asked, &valid)?;
    let texts = weigh(weighing, &rows);
    let labels: Vec<u32> = rows.iter().map(|row| row.label).collect();
    let own = asked.settings.metric.as_deref().unwrap_or("accuracy");
    let good = |model: &Logistic| {
        let measures = metric::classification(&scores(model, &texts), &labels, examples.classes);
        let value = metric::value(&measures, own).or_else(|| metric::value(&measures, "accuracy"));
        let value = value.unwrap_or(f64::NEG_INFINITY);
        if metric::falls(own) { -value } else { value }
    };
    let mut kept = (Logistic::learn(examples, TRIED[0]), TRIED[0]);
    if rows.is_empty() {
        return Ok(kept);
    }
    let mut most = good(&kept.0);
    for c in &TRIED[1..] {
        let model = Logistic::learn(examples, *c);
        let value = good(&model);
        if value > most {
            (kept, most) = ((model, *c), value);
        }
    }
    Ok(kept)
}
