//! Pairs that name their functions by number (BigCloneBench): `number TAB number TAB label` lines
//! over a file of functions.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::super::{Content, Row};
use super::content::Meaning;
use super::defect::{BAD_PAIR, Defect, Sound, TWICE_IN_DATA, UNKNOWN_NUMBER, shown_text};
use super::fields::Names;
use super::label::label;
use super::lines::Lines;
use super::object::Fields;
use super::texts::Texts;
use super::{Answers, Sink};
use crate::error::Result;
use crate::recipe::{Format, TaskType};

/// Functions by number.
#[derive(Default)]
struct Functions {
    texts: Texts,
    numbers: HashMap<String, usize>,
}

/// Reads the functions and then every pair of the files. A bad function is a rejection too.
pub fn pairs(
    files: &[&Path],
    data: &Path,
    format: Format,
    meaning: &Meaning<'_>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut functions = Functions::default();
    super::records(
        data,
        format,
        &mut |place, fields| match functions.add(fields, meaning)? {
            Ok(()) => Ok(()),
            Err(defect) => sink(Err(defect.at(place))),
        },
    )?;
    for path in files {
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let line = match line {
                Ok("") => continue,
                other => other.map(str::to_owned),
            };
            let place = lines.place();
            let content = match line {
                Ok(line) => functions.pair(&line, meaning)?,
                Err(defect) => Err(defect),
            };
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
    Ok(())
}

impl Functions {
    fn add(&mut self, fields: Sound<Fields>, meaning: &Meaning<'_>) -> Result<Sound<()>> {
        // A function is one text with a number, as a row of classification is.
        let names = Names::of(meaning.task, TaskType::Classify);
        let found = fields.and_then(|fields| {
            let text = names.text(&fields, "text")?;
            let number = names
                .word(&fields, "id")
                .ok_or_else(|| names.missing(&fields, "id"))?;
            Ok((number, text))
        });
        let (number, text) = match found {
            Ok(found) => found,
            Err(defect) => return Ok(Err(defect)),
        };
        if self.numbers.contains_key(&number) {
            return Ok(Err(Defect::new(
                TWICE_IN_DATA,
                format!("function `{}`", shown_text(&number)),
            )));
        }
        self.numbers.insert(number, self.texts.put(&text)?);
        Ok(Ok(()))
    }

    fn pair(&self, line: &str, meaning: &Meaning<'_>) -> Result<Sound<Content>> {
        let parts: Vec<&str> = line.split('\t').map(str::trim).collect();
        let (first, second, written) = match (parts.as_slice(), meaning.answers) {
            ([first, second, label], _) => (*first, *second, Some(*label)),
            ([first, second], Answers::Optional) => (*first, *second, None),
            _ => {
                return Ok(Err(Defect::new(
                    BAD_PAIR,
                    format!("found `{}`", shown_text(line)),
                )));
            }
        };
        let label = match written.map(|written| {
            label(
                "label",
                &Value::from(written),
                meaning.task.labels.as_deref(),
            )
        }) {
            Some(Err(defect)) => return Ok(Err(defect)),
            Some(Ok(label)) => Some(label),
            None => None,
        };
        let mut texts = [String::new(), String::new()];
        for (text, number) in texts.iter_mut().zip([first, second]) {
            let Some(place) = self.numbers.get(number) else {
                let detail = format!(
                    "`{}` is none of the {} functions",
                    shown_text(number),
                    self.texts.len()
                );
                return Ok(Err(Defect::new(UNKNOWN_NUMBER, detail)));
            };
            *text = self.texts.get(*place)?;
        }
        let [first, second] = texts;
        Ok(Ok(Content::Pair {
            first,
            second,
            label,
        }))
    }
}
