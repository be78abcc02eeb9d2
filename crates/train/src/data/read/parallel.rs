//! Parallel text: two files whose lines belong together, the source first.

use std::path::Path;

use super::defect::Sound;
use super::fields::{no_nul, sound_text};
use super::lines::Lines;
use super::open::{no_rows, refusal};
use super::{Answers, Sink};
use crate::data::{Content, Row, Source};
use crate::error::Result;

/// Reads line by line. A row stands at the place of its source. Files of unequal length are refused
/// when the shorter one ends: which lines belong together is not known then.
pub fn parallel(
    source: &Path,
    target: Option<&Path>,
    answers: Answers,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut sources = Lines::open(source)?;
    let mut targets = target.map(Lines::open).transpose()?;
    loop {
        let from = sources.next()?.map(|line| line.map(str::to_owned));
        let to = match &mut targets {
            Some(lines) => lines.next()?.map(|line| line.map(str::to_owned)),
            None => from.as_ref().map(|_| Ok(String::new())),
        };
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (None, None) if sources.count() == 0 => return Err(no_rows(source)),
            (None, None) => return Ok(()),
            _ => return Err(unequal(source, &mut sources, target, targets)?),
        };
        let place = sources.place();
        let content = from
            .and_then(|from| checked("source", from))
            .and_then(|source| {
                let target = match (targets.is_some(), answers) {
                    (false, _) => None,
                    (true, Answers::Optional) => Some(to?).filter(|text| !text.trim().is_empty()),
                    (true, Answers::Required) => Some(checked("target", to?)?),
                };
                Ok(Content::Writing {
                    source: Source::Text(source),
                    target,
                })
            });
        sink(match content {
            Ok(content) => Ok(Row {
                place,
                id: None,
                group: None,
                content,
            }),
            Err(defect) => Err(defect.at(place)),
        })?;
    }
}

fn checked(name: &str, text: String) -> Sound<String> {
    no_nul(&text)?;
    sound_text(name, &text)?;
    Ok(text)
}

/// Counts what is left, so that both numbers can be told.
fn unequal(
    source: &Path,
    sources: &mut Lines,
    target: Option<&Path>,
    targets: Option<Lines>,
) -> Result<crate::Error> {
    while sources.next()?.is_some() {}
    let mut others = 0;
    if let Some(mut lines) = targets {
        while lines.next()?.is_some() {}
        others = lines.count();
    }
    let other = target.unwrap_or(source);
    let fact = format!(
        "{} lines, but {} has {others}",
        sources.count(),
        other.display()
    );
    Ok(refusal(source, fact)
        .with_hint("line N of one file belongs to line N of the other; both need as many lines"))
}
