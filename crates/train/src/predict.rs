//! New inputs answered as they come, and the lines in which answers are handed on: JSON, or what the
//! evaluators of CodeXGLUE read.
//!
//! It measures nothing; an input need not say what is true of it.

use rayon::prelude::*;

use crate::data::read::Sink;
use crate::data::{Rejection, Row};
use crate::error::{Error, Result};
use crate::evaluate::Example;
use crate::task::{Encoded, Item, Objective, Set, Stage};

/// Rows that are answered at a time.
const CHUNK: usize = 512;

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answered(Example),
    /// It could not be used, and why.
    Rejected(Rejection),
}

/// How rows are to be answered.
pub struct Asking<'a> {
    pub objective: &'a dyn Objective,
    pub stage: Stage<'a>,
    /// The names of the classes, where there are some.
    pub classes: &'a [String],
    /// Hold all rows and answer them together: what queries need that are ranked over candidates
    /// among the rows. Else memory holds some hundreds at a time.
    pub together: bool,
}

/// Answers rows in their order; `take` gets every outcome. Of rows that are answered together the
/// rejected ones are told first. Nothing is dropped: each row that is more than a candidate has one
/// outcome.
pub fn answer(
    asking: &Asking<'_>,
    rows: impl FnOnce(&mut Sink<'_>) -> Result<()>,
    take: &mut dyn FnMut(Outcome) -> Result<()>,
) -> Result<()> {
    let mut waiting = Vec::new();
    rows(&mut |row| match row {
        Err(rejection) => take(Outcome::Rejected(rejection)),
        Ok(row) => {
            waiting.push(row);
            match waiting.len() < CHUNK || asking.together {
                true => Ok(()),
                false => asking.answer(std::mem::take(&mut waiting), take),
            }
        }
    })?;
    asking.answer(waiting, take)
}

impl Asking<'_> {
    fn answer(&self, rows: Vec<Row>, take: &mut dyn FnMut(Outcome) -> Result<()>) -> Result<()> {
        let encoded: Vec<_> = rows
            .into_par_iter()
            .map(|row| {
                let name = row.id.clone().unwrap_or_else(|| row.place.to_string());
                (name, self.objective.encode(row, self.stage.tokenizer))
            })
            .collect();
        let mut set = Set::default();
        for (name, encoded) in encoded {
            match encoded? {
                Ok(encoded) => put(&mut set, name, encoded)?,
                Err(rejection) => take(Outcome::Rejected(rejection))?,
            }
        }
        if set.items.is_empty() {
            return Ok(());
        }
        self.objective.complete(&mut set)?;
        let answers = self.objective.answer(&self.stage, &set)?;
        set.items
            .iter()
            .zip(&answers)
            .try_for_each(|(item, answer)| {
                take(Outcome::Answered(Example::new(item, answer, self.classes)))
            })
    }
}

fn put(set: &mut Set, name: String, row: Encoded) -> Result<()> {
    let texts = row.texts.iter().map(|ids| set.shelf.put(ids));
    let texts: Box<[_]> = texts
        .collect::<std::io::Result<_>>()
        .map_err(|error| Error::told(format_args!("a text could not be held: {error}")))?;
    if let Some((place, name)) = row.found {
        set.pool.entry(texts[place]).or_insert(name);
    }
    if row.is_item {
        let class = row
            .class
            .map(|class| set.classes.insert_full(class).0 as u32);
        set.items.push(Item {
            texts,
            label: class.unwrap_or(row.label),
            name,
            expected: row.expected,
        });
    }
    Ok(())
}

/// How an answer becomes a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object, as evaluations write them.
    Jsonl,
    /// What CodeXGLUE's evaluators read: `name TAB number of the class` (of a pair the name is both
    /// numbers with a TAB between), `{"url": name, "answers": [names]}`, or `name TAB text`.
    Codexglue,
}

impl Format {
    /// The line of an answer, without its end.
    pub fn line(self, example: &Example) -> Result<String> {
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().map_err(Error::told);
        match (self, example) {
            (Format::Jsonl, example) => json(&|| serde_json::to_string(example)),
            (Format::Codexglue, Example::Classed(answer)) => {
                let number = answer.probabilities.get_index_of(&answer.prediction);
                let number = number.ok_or_else(|| Error::told("a prediction that is no class"))?;
                Ok(format!("{}\t{number}", answer.name))
            }
            (Format::Codexglue, Example::Ranked(answer)) => {
                let line = serde_json::json!({"url": answer.name, "answers": answer.best});
                Ok(line.to_string())
            }
            (Format::Codexglue, Example::Written(answer)) => {
                let text = answer.written.as_deref().unwrap_or_default();
                Ok(format!("{}\t{}", answer.name, one_line(text)))
            }
        }
    }
}

/// A text as one line without tabs: each run of line ends and tabs becomes one space.
fn one_line(text: &str) -> String {
    let parts = text.split(['\n', '\r', '\t']);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Answer;

    fn example(name: &str, answer: &Answer) -> Example {
        let item = Item {
            texts: Box::default(),
            label: Item::UNKNOWN,
            name: name.to_owned(),
            expected: None,
        };
        Example::new(&item, answer, &["false".to_owned(), "true".to_owned()])
    }

    #[test]
    fn each_kind_of_answer_has_its_line_in_codexglues_form() {
        let line =
            |name: &str, answer: &Answer| Format::Codexglue.line(&example(name, answer)).unwrap();
        assert_eq!(line("17", &Answer::Scores(vec![0.5])), "17\t1");
        assert_eq!(line("3\t4", &Answer::Scores(vec![-0.5])), "3\t4\t0");
        let ranks = Answer::Ranks {
            ranks: Vec::new(),
            pool: 3,
            best: vec!["b".into(), "a".into()],
        };
        assert_eq!(line("q", &ranks), r#"{"url":"q","answers":["b","a"]}"#);
        let text = Answer::Text {
            written: Some("a\r\n\tb c\n".into()),
            expected: None,
            loss: None,
        };
        assert_eq!(line("9", &text), "9\ta b c");
    }

    #[test]
    fn a_prediction_as_json_has_no_truth() {
        let line = Format::Jsonl
            .line(&example("x", &Answer::Scores(vec![0.0])))
            .unwrap();
        assert_eq!(
            line,
            r#"{"name":"x","prediction":"false","probabilities":{"false":0.5,"true":0.5},"scores":[0.0]}"#
        );
    }
}
