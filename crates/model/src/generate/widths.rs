//! Beam search over a batch: each prompt has a search of its own, all their hypotheses are read
//! together.

use skillbelt_engine::Mat;

use super::beam::{Beams, Hypothesis, Search};
use super::error::Result;
use super::reader::Reader;
use super::{Finish, Job, Listener, Written, choose};

/// Writes the best text for every prompt of a batch.
pub(super) fn write(
    job: &Job<'_>,
    beams: &Beams,
    reader: &mut dyn Reader,
    listener: Listener<'_>,
) -> Result<Vec<Written>> {
    let search = |room: &super::Room| Search::new(beams, job.ends.len(), room.tokens);
    let mut searches: Vec<Search> = job.rooms.iter().map(search).collect();
    let openings: Vec<&[u32]> = job.openings.iter().map(|ids| &ids[..]).collect();
    let mut logits = reader.read(&openings)?;
    loop {
        let from = advance_all(job, &mut searches, &mut logits)?;
        if from.is_empty() {
            break;
        }
        reader.select(&from);
        let running = searches.iter().flat_map(Search::running);
        let last: Vec<&[u32]> = running.map(|h| &h.tokens[h.tokens.len() - 1..]).collect();
        logits = reader.read(&last)?;
    }
    let mut all = Vec::with_capacity(searches.len());
    for (prompt, search) in searches.into_iter().enumerate() {
        let best = search
            .into_best()
            .ok_or_else(|| job.not_finite(prompt, 0))?;
        let written = into_written(job, prompt, best)?;
        listener(prompt, &written.text);
        all.push(written);
    }
    Ok(all)
}

/// One step of every search that is not over. Gives, for each row that will be read next, the row
/// of the logits `[S x V]` that it continues.
fn advance_all(job: &Job<'_>, searches: &mut [Search], logits: &mut Mat) -> Result<Vec<usize>> {
    let mut from = Vec::new();
    let mut first = 0;
    for (prompt, search) in searches.iter_mut().enumerate() {
        let count = search.running().len();
        if count == 0 {
            continue;
        }
        let mut rows = Vec::with_capacity(count);
        for (beam, hypothesis) in search.running().iter().enumerate() {
            let step = hypothesis.tokens.len();
            let row = choose::log_softmax(logits.row_mut(first + beam));
            let mut row = row.ok_or_else(|| job.not_finite(prompt, step))?;
            job.adjust(&mut row, prompt, &hypothesis.tokens);
            rows.push(row);
        }
        let mut failure = None;
        let parents = search.advance(&rows, &mut |tokens| {
            has_ended(job, tokens).unwrap_or_else(|error| {
                failure = Some(error);
                true
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        from.extend(parents.into_iter().map(|parent| first + parent));
        first += count;
    }
    Ok(from)
}

/// Whether a hypothesis ends with its last token, by an end token or by a stop string.
fn has_ended(job: &Job<'_>, tokens: &[u32]) -> Result<bool> {
    if tokens.last().is_some_and(|last| job.ends.contains(last)) {
        return Ok(true);
    }
    Ok(!job.options.stop.is_empty() && stop_in(job, tokens)?.is_some())
}

/// The text of the tokens up to the first stop string, if there is one in it.
fn stop_in(job: &Job<'_>, tokens: &[u32]) -> Result<Option<String>> {
    let mut text = job.tokenizer.decode(tokens, true)?;
    let stops = job.options.stop.iter();
    let first = stops.filter_map(|stop| text.find(stop.as_str())).min();
    Ok(first.map(|at| {
        text.truncate(at);
        text
    }))
}

fn into_written(job: &Job<'_>, prompt: usize, best: Hypothesis) -> Result<Written> {
    let room = job.rooms[prompt];
    let by_token = best
        .tokens
        .last()
        .is_some_and(|last| job.ends.contains(last));
    let stopped = stop_in(job, &best.tokens)?;
    Ok(Written {
        finish: match by_token || stopped.is_some() {
            true => Finish::Stop,
            false => room.reason,
        },
        text: match stopped {
            Some(text) => text,
            None => job.tokenizer.decode(&best.tokens, true)?,
        },
        ids: best.tokens,
        prompt_tokens: job.prompts[prompt].ids.len(),
        score: Some(best.score),
    })
}
