//! Prompts that fit: examples are dropped from the farthest on, then the row's texts lose their
//! tails, the longer of two first, as tasks cut them. The question is never cut. All is counted.

use serde::Serialize;

use super::model::Model;
use super::template::{Shown, Template, Texts};
use crate::error::Result;
use crate::task::frame::shares;

/// What had to be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Examples that prompts lost, and prompts that lost some.
    pub examples_dropped: u64,
    pub prompts_with_fewer_examples: u64,
    /// Prompts whose own texts were cut to fit.
    pub texts_cut: u64,
    /// Rows whose texts are longer than the task allows, as a belt's would be.
    pub texts_cut_by_task: u64,
    /// Prompts that do not fit even without a text; counted as failures.
    pub without_room: u64,
}

/// A prompt that fits, or why none does.
pub type Fitted = std::result::Result<String, String>;

/// Makes a prompt fit into a room of tokens. Of the texts those at `cuttable` may be cut.
pub fn fit(
    model: &dyn Model,
    template: &Template,
    examples: &[Shown],
    texts: &Texts,
    cuttable: &[usize],
    room: Option<usize>,
    losses: &mut Losses,
) -> Result<Fitted> {
    let whole = template.render(examples, texts)?;
    let Some(room) = room else {
        return Ok(Ok(whole));
    };
    if model.prompt_tokens(&whole)? <= room {
        return Ok(Ok(whole));
    }
    for dropped in 1..=examples.len() {
        let fewer = template.render(&examples[dropped..], texts)?;
        let fits = model.prompt_tokens(&fewer)? <= room;
        if fits || dropped == examples.len() {
            losses.examples_dropped += dropped as u64;
            losses.prompts_with_fewer_examples += 1;
        }
        if fits {
            return Ok(Ok(fewer));
        }
    }
    let cut = shorter(model, template, texts, cuttable, room)?;
    match cut {
        Some(_) => losses.texts_cut += 1,
        None => losses.without_room += 1,
    }
    Ok(cut.ok_or_else(|| "no room: the prompt is too long even without its text".to_owned()))
}

/// The prompt with cut texts, or nothing if even a token of each is too much.
fn shorter(
    model: &dyn Model,
    template: &Template,
    texts: &Texts,
    cuttable: &[usize],
    room: usize,
) -> Result<Option<String>> {
    let of = |at: &usize| model.tokens(&texts[*at].1);
    let lengths = cuttable.iter().map(of).collect::<Result<Vec<_>>>()?;
    let all: usize = lengths.iter().sum();
    let (mut low, mut high, mut best) = (0, all, None);
    // The longest texts together that fit, by halving.
    while low < high {
        let together = (low + high).div_ceil(2);
        let keep = kept(&lengths, together);
        let mut cut = texts.clone();
        for (at, tokens) in cuttable.iter().zip(&keep) {
            cut[*at].1 = head(model, &texts[*at].1, *tokens)?.to_owned();
        }
        let prompt = template.render(&[], &cut)?;
        let has_text = cuttable.iter().all(|at| !cut[*at].1.is_empty());
        if !has_text {
            low = together;
        } else if model.prompt_tokens(&prompt)? <= room {
            best = Some(prompt);
            low = together;
        } else {
            high = together - 1;
        }
    }
    Ok(best)
}

/// What texts keep of a room together.
fn kept(lengths: &[usize], together: usize) -> Vec<usize> {
    match lengths {
        [first, second] => {
            let (first, second) = shares(*first, *second, together);
            vec![first, second]
        }
        _ => lengths
            .iter()
            .map(|length| (*length).min(together))
            .collect(),
    }
}

/// The longest beginning of a text of at most so many tokens.
pub fn head<'t>(model: &dyn Model, text: &'t str, tokens: usize) -> Result<&'t str> {
    if model.tokens(text)? <= tokens {
        return Ok(text);
    }
    let mut ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    ends.push(text.len());
    let (mut low, mut high) = (0, ends.len() - 1);
    while low < high {
        let middle = (low + high).div_ceil(2);
        match model.tokens(&text[..ends[middle]])? <= tokens {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    Ok(&text[..ends[low]])
}

/// The row's texts as a belt of the task would read them: cut to the task's lengths. `pair` texts
/// share one length where they are read joined.
pub fn as_task(
    model: &dyn Model,
    mut texts: Texts,
    limits: &[usize],
    joint: bool,
    losses: &mut Losses,
) -> Result<Texts> {
    let lengths = texts.iter().map(|(_, text)| model.tokens(text));
    let lengths = lengths.collect::<Result<Vec<_>>>()?;
    let keep = match (joint, &lengths[..]) {
        (true, [first, second]) => {
            let (first, second) = shares(*first, *second, limits[0]);
            vec![first, second]
        }
        _ => limits.to_vec(),
    };
    let mut was_cut = false;
    for ((place, length), keep) in texts.iter_mut().zip(&lengths).zip(&keep) {
        if length > keep {
            was_cut = true;
            place.1 = head(model, &place.1, *keep)?.to_owned();
        }
    }
    losses.texts_cut_by_task += u64::from(was_cut);
    Ok(texts)
}
