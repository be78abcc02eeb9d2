//! Texts that were written: one a line, or under names.

use std::path::Path;

use super::matching::{Named, matched};
use crate::data::Place;
use crate::data::read::strict::{lines, objects, wrong};
use crate::error::{Error, Result};
use crate::evaluate::Example;
use crate::evaluate::example::Written;

/// By example.
#[derive(Debug, Default)]
pub struct Texts {
    written: Vec<String>,
    expected: Vec<String>,
}

impl Texts {
    pub fn written(&self) -> Vec<&str> {
        self.written.iter().map(String::as_str).collect()
    }

    pub fn expected(&self) -> Vec<&str> {
        self.expected.iter().map(String::as_str).collect()
    }
}

/// Code from a description: objects with `code`, against one text a line.
pub fn generated(answers: &Path, predictions: &Path) -> Result<Texts> {
    side_by_side(answers, all_objects(answers, &["code"])?, predictions)
}

/// One text a line in both files; empty lines count.
pub fn aligned(answers: &Path, predictions: &Path) -> Result<Texts> {
    side_by_side(answers, all_texts(answers)?, predictions)
}

/// Of a file of our own answers, the examples whose truth is known, in their order.
pub fn answered(examples: &[Example]) -> Result<Texts> {
    let mut texts = Texts::default();
    for example in examples.iter().filter(|example| example.is_known()) {
        let Example::Written(Written {
            expected: Some(expected),
            ..
        }) = example
        else {
            let told = format!("example `{}`: no text was expected there", example.name());
            return Err(Error::told(told).with_hint("CodeBLEU and static quality are of texts"));
        };
        texts.expected.push(expected.clone());
        texts.written.push(example.written().to_owned());
    }
    Ok(texts)
}

fn side_by_side(answers: &Path, expected: Vec<String>, predictions: &Path) -> Result<Texts> {
    let written = all_texts(predictions)?;
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
        let hint = "one text a line, in the order of the answers; an empty text is an empty line; \
                    texts with ends of lines in them stand in a file that ends in .jsonl";
        return Err(wrong(&place, told).with_hint(hint));
    }
    Ok(Texts { written, expected })
}

/// What a text is called in a file of objects; the first of these that is there counts.
const KEYS: [&str; 4] = ["prediction", "written", "code", "text"];

/// A text a line; of a file that ends in `.jsonl` an object a line, whose text may have many lines.
/// The ending decides, because a program may begin as JSON does.
fn all_texts(path: &Path) -> Result<Vec<String>> {
    match path.extension().is_some_and(|ending| ending == "jsonl") {
        true => all_objects(path, &KEYS),
        false => all_lines(path),
    }
}

fn all_objects(path: &Path, keys: &[&str]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    objects(path, &mut |place, fields| {
        let found = keys.iter().find_map(|key| fields.get(*key)?.as_str());
        let text = found.ok_or_else(|| {
            let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            wrong(
                &place,
                format_args!("there is no text {}", names.join(" or ")),
            )
        })?;
        all.push(text.to_owned());
        Ok(())
    })?;
    Ok(all)
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
