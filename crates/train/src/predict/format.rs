//! The lines in which answers are handed on: JSON, or what the evaluators of CodeXGLUE read.

use crate::error::{Error, Result};
use crate::evaluate::Example;
use crate::recipe::{Format as Layout, TaskSettings, TaskType};

/// How an answer becomes a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object, as evaluations write them.
    Jsonl,
    /// What CodeXGLUE's evaluators read: `name TAB number of the class` (of a pair the name is both
    /// numbers with a TAB between), `{"url": name, "answers": [names]}`, or `name TAB text`.
    Codexglue,
    /// The same, but of a text that was written only the text: its place in the file is its name.
    CodexglueTexts,
    /// Of a search by class (POJ-104): `{"index": name, "answers": [names]}`, and as many names as
    /// the class has other members, which its evaluator asks for.
    CodexglueClasses,
}

impl Format {
    /// The form that CodeXGLUE's evaluator of a task reads. Those of translation, of refinement and
    /// of code from a description count lines; that of summaries reads names.
    pub fn codexglue(settings: &TaskSettings) -> Format {
        let by_class =
            settings.format == Some(Layout::Poj104) || settings.fields.contains_key("class");
        match settings.kind {
            Some(TaskType::Retrieve) if by_class => Format::CodexglueClasses,
            Some(TaskType::Generate) if settings.preset.as_deref() != Some("summarize") => {
                Format::CodexglueTexts
            }
            _ => Format::Codexglue,
        }
    }

    /// The line of an answer, without its end.
    pub fn line(self, example: &Example) -> Result<String> {
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().map_err(Error::told);
        match (self, example) {
            (Format::Jsonl, example) => json(&|| serde_json::to_string(example)),
            (_, Example::Classed(answer)) => {
                let said = answer.prediction.as_deref().unwrap_or_default();
                let number = answer.probabilities.get_index_of(said);
                let number = number.ok_or_else(|| Error::told("a prediction that is no class"))?;
                Ok(format!("{}\t{number}", answer.name))
            }
            (_, Example::Ranked(answer)) => {
                let key = match self {
                    Format::CodexglueClasses => "index",
                    _ => "url",
                };
                let line = serde_json::json!({key: answer.name, "answers": answer.best});
                Ok(line.to_string())
            }
            (Format::CodexglueTexts, Example::Written(answer)) => {
                Ok(one_line(answer.written.as_deref().unwrap_or_default()))
            }
            (_, Example::Written(answer)) => {
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
    use crate::task::{Answer, Item};

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
            cosines: vec![0.5, 0.25],
        };
        assert_eq!(line("q", &ranks), r#"{"url":"q","answers":["b","a"]}"#);
        let by_class = Format::CodexglueClasses.line(&example("7", &ranks));
        assert_eq!(by_class.unwrap(), r#"{"index":"7","answers":["b","a"]}"#);
        let text = Answer::Text {
            written: Some("a\r\n\tb c\n".into()),
            expected: None,
            loss: None,
        };
        assert_eq!(line("9", &text), "9\ta b c");
        let alone = Format::CodexglueTexts.line(&example("9", &text)).unwrap();
        assert_eq!(alone, "a b c");
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
