//! Texts that were written: one a line, or under names.

use std::path::Path;

use super::matching::{Named, matched};
use crate::data::Place;
use crate::data::read::strict::{lines, objects, wrong};
use crate::error::Result;

/// By example.
#[derive(Debug, Default)]
pub struct Texts {
    pub written: Vec<String>,
    pub expected: Vec<String>,
}

/// Code from a description: objects with `code`, against one text a line.
pub fn generated(answers: &Path, predictions: &Path) -> Result<Texts> {
    let mut expected = Vec::new();
    objects(answers, &mut |place, fields| {
        let code = fields.get("code").and_then(|code| code.as_str());
        let code = code.ok_or_else(|| wrong(&place, "there is no text `code`"))?;
        expected.push(code.to_owned());
        Ok(())
    })?;
    side_by_side(answers, expected, predictions)
}

/// One text a line in both files; empty lines count.
pub fn aligned(answers: &Path, predictions: &Path) -> Result<Texts> {
    side_by_side(answers, all_lines(answers)?, predictions)
}

fn side_by_side(answers: &Path, expected: Vec<String>, predictions: &Path) -> Result<Texts> {
    let written = all_lines(predictions)?;
    if written.len() != expected.len() {
        let told = format!(
            "{} lines of predictions to {} answers of {}",
            written.len(),
            expected.len(),
            answers.display()
        );
        let line = written.len().min(expected.len()) as u64 + 1;
        let place = Place {
            file: predictions.into(),
            line,
        };
        let hint = "one text a line, in the order of the answers; an empty text is an empty line";
        return Err(wrong(&place, told).with_hint(hint));
    }
    Ok(Texts { written, expected })
}

fn all_lines(path: &Path) -> Result<Vec<String>> {
    let mut all = Vec::new();
    lines(path, &mut |_, line| {
        all.push(line.to_owned());
        Ok(())
    })?;
    Ok(all)
}

/// `idx TAB text` in both files. A prediction that is only a name has written nothing.
pub fn named(answers: &Path, predictions: &Path) -> Result<Texts> {
    let mut texts = Texts::default();
    for (_, expected, _, written) in matched(
        under_names(answers, false)?,
        under_names(predictions, true)?,
    )? {
        texts.expected.push(expected);
        texts.written.push(written);
    }
    Ok(texts)
}

fn under_names(path: &Path, may_be_nothing: bool) -> Result<Named<String>> {
    let mut named = Named::default();
    lines(path, &mut |place, line| {
        let parts: Vec<&str> = line.split('\t').collect();
        match &parts[..] {
            [blank] if blank.trim().is_empty() => Ok(()),
            [name] if may_be_nothing => named.put(name.trim().to_owned(), place, String::new()),
            [name, text] => named.put(name.trim().to_owned(), place, (*text).to_owned()),
            found => {
                let told = format!(
                    "expected a name, a tab and a text, found {} columns",
                    found.len()
                );
                Err(wrong(&place, told))
            }
        }
    })?;
    Ok(named)
}
