//! Classes by asking: the likeliest label word, or what the model writes if it is exactly one.
//!
//! A failure is written as one: without a prediction, without probabilities. A written word has no
//! likelihood; its class has the whole probability, so that curves over it have one step.

use indexmap::IndexMap;

use super::asked::Asked;
use super::fit::Fitted;
use super::model::{Manner, Scored};
use super::rows::Kept;
use crate::data::Content;
use crate::error::Result;
use crate::evaluate::Example;
use crate::evaluate::example::{Classed, probabilities};
use crate::recipe::Labelling;

/// A class by its scores, or why there is none.
type Told = std::result::Result<Verdict, String>;

enum Verdict {
    /// Log-probabilities of the words.
    Likely(Vec<f64>),
    Said(usize),
}

/// Answers to the rows of a task with classes.
pub fn answers(asked: &Asked<'_>) -> Result<Vec<Example>> {
    let more = room_for_answer(asked)?;
    let prompt = |row: &Kept| asked.prompt(row, asked.texts(&row.content), more);
    let fitted = asked.drawn.rows.iter().map(prompt);
    let fitted = fitted.collect::<Result<Vec<Fitted>>>()?;
    let told = match asked.prompting.labels {
        Labelling::Likelihood => likely(asked, fitted)?,
        Labelling::Generation => said(asked, fitted)?,
    };
    let both = asked.drawn.rows.iter().zip(told);
    Ok(both
        .map(|(row, told)| Example::Classed(example(asked, row, told)))
        .collect())
}

/// Tokens that must be left for an answer.
pub fn room_for_answer(asked: &Asked<'_>) -> Result<usize> {
    match asked.prompting.labels {
        Labelling::Generation => Ok(asked.prompting.max_new_tokens),
        Labelling::Likelihood => {
            let mut most = 0;
            for word in asked.words.all() {
                most = most.max(asked.model.tokens(&format!(" {word}"))?);
            }
            Ok(most + 1)
        }
    }
}

/// How label words are written.
pub fn manner(asked: &Asked<'_>) -> Manner {
    let usual = || match asked.model.converses() {
        true => Vec::new(),
        false => vec!["\n".to_owned()],
    };
    Manner {
        max_tokens: asked.prompting.max_new_tokens,
        temperature: asked.prompting.temperature,
        seed: asked.prompting.seed,
        stop: asked.asking.stop.clone().unwrap_or_else(usual),
    }
}

fn likely(asked: &Asked<'_>, fitted: Vec<Fitted>) -> Result<Vec<Told>> {
    let words = asked.words.all();
    let scored = asked.of_fitted(fitted, |prompts| asked.model.score(prompts, words))?;
    let value = |scores: Vec<Scored>| {
        let each = scores.into_iter();
        each.map(|scored| scored.value(asked.prompting.normalised))
            .collect()
    };
    Ok(scored
        .into_iter()
        .map(|scores| scores.map(|s| Verdict::Likely(value(s))))
        .collect())
}

fn said(asked: &Asked<'_>, fitted: Vec<Fitted>) -> Result<Vec<Told>> {
    let manner = manner(asked);
    let written = asked.of_fitted(fitted, |prompts| asked.model.write(prompts, &manner))?;
    let parse = |said: std::result::Result<String, String>| asked.words.parse(&said?);
    Ok(written
        .into_iter()
        .map(|said| parse(said).map(Verdict::Said))
        .collect())
}

fn example(asked: &Asked<'_>, row: &Kept, told: Told) -> Classed {
    let label = match &row.content {
        Content::Text { label, .. } | Content::Pair { label, .. } => label.clone(),
        _ => None,
    };
    let count = asked.classes.len();
    let (prediction, shares, scores, failed) = match told {
        Ok(Verdict::Likely(sums)) => {
            let scores: Vec<f32> = sums.iter().map(|sum| *sum as f32).collect();
            let best = crate::metric::predicted(&scores);
            let kept = scores.iter().map(|score| Some(*score)).collect();
            (Some(best), probabilities(&scores), kept, None)
        }
        Ok(Verdict::Said(class)) => {
            let vote = |other: usize| f64::from(u8::from(other == class));
            let shares = (0..count).map(|other| Some(vote(other))).collect();
            let votes = (0..count).map(|other| Some(vote(other) as f32)).collect();
            (Some(class), shares, votes, None)
        }
        Err(reason) => {
            let reason = asked.failed(reason);
            (None, vec![None; count], vec![None; count], Some(reason))
        }
    };
    let named: IndexMap<String, Option<f64>> = asked.classes.iter().cloned().zip(shares).collect();
    Classed {
        name: row.name.clone(),
        label,
        prediction: prediction.and_then(|class| asked.classes.get(class).cloned()),
        failed,
        probabilities: named,
        scores,
    }
}
