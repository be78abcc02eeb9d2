//! From the fields of a row to what it says for its task.

use serde_json::Value;

use super::super::{Candidate, Content, Place, Rejection, Row, Source};
use super::Answers;
use super::defect::{BAD_MESSAGES, Defect, NO_ANSWER, Sound, shown};
use super::fields::{Names, sound_text, text_of};
use super::label::label;
use super::object::Fields;
use super::pool::Pool;
use crate::error::Result;
use crate::recipe::{Format, TaskSettings, TaskType};

/// How rows of a task are understood.
pub struct Meaning<'t> {
    pub task: &'t TaskSettings,
    pub kind: TaskType,
    pub names: Names<'t>,
    pub answers: Answers,
    /// Rows are members of classes.
    pub by_class: bool,
    /// Rows are conversations.
    pub messages: bool,
}

impl<'t> Meaning<'t> {
    pub fn of(
        task: &'t TaskSettings,
        kind: TaskType,
        format: Format,
        answers: Answers,
    ) -> Meaning<'t> {
        let by_class = kind == TaskType::Retrieve
            && (format == Format::Poj104 || task.fields.contains_key("class"));
        Meaning {
            task,
            kind,
            names: Names::of(task, kind),
            answers,
            by_class,
            messages: format == Format::Messages,
        }
    }

    /// The row, or why it cannot be used. `pool` holds what answers are named from.
    pub fn row(
        &self,
        place: Place,
        fields: Sound<Fields>,
        pool: &Pool,
    ) -> Result<std::result::Result<Row, Rejection>> {
        let fields = match fields {
            Ok(fields) => fields,
            Err(defect) => return Ok(Err(defect.at(place))),
        };
        let content = match (self.kind, self.by_class) {
            (TaskType::Classify, _) => self.classify(&fields),
            (TaskType::Pair, _) => self.pair(&fields),
            (TaskType::Retrieve, true) => self.member(&fields),
            (TaskType::Retrieve, false) => self.query(&fields, pool)?,
            (TaskType::Generate, _) => self.generate(&fields),
        };
        Ok(match content {
            Ok(content) => Ok(Row {
                place,
                id: self.names.word(&fields, "id"),
                group: self.names.word(&fields, "group"),
                content,
            }),
            Err(defect) => Err(defect.at(place)),
        })
    }

    fn classify(&self, fields: &Fields) -> Sound<Content> {
        let text = self.names.text(fields, "text")?;
        let label = self.label(fields)?;
        Ok(Content::Text { text, label })
    }

    fn pair(&self, fields: &Fields) -> Sound<Content> {
        let (taken, first) = self.names.text_but(fields, "text", None)?;
        let (_, second) = self.names.text_but(fields, "text_b", Some(&taken))?;
        let label = self.label(fields)?;
        Ok(Content::Pair {
            first,
            second,
            label,
        })
    }

    fn label(&self, fields: &Fields) -> Sound<Option<String>> {
        match (self.names.value(fields, "label"), self.answers) {
            (Some((path, value)), _) => label(&path, value, self.task.labels.as_deref()).map(Some),
            (None, Answers::Optional) => Ok(None),
            (None, Answers::Required) => Err(self.names.missing(fields, "label")),
        }
    }

    /// A text and its class.
    pub fn member(&self, fields: &Fields) -> Sound<Content> {
        let text = self.names.text(fields, "text")?;
        let (path, value) = self
            .names
            .value(fields, "class")
            .ok_or_else(|| self.names.missing(fields, "class"))?;
        let class = label(&path, value, None)?;
        Ok(Content::Member { text, class })
    }

    fn query(&self, fields: &Fields, pool: &Pool) -> Result<Sound<Content>> {
        let (taken, query) = match self.names.text_but(fields, "query", None) {
            Ok(found) => found,
            Err(defect) => return Ok(Err(defect)),
        };
        let negatives = match self.negatives(fields) {
            Ok(negatives) => negatives,
            Err(defect) => return Ok(Err(defect)),
        };
        let named = self.names.word(fields, "candidate_id");
        let answer = match (named, pool.is_empty()) {
            (Some(name), false) => match pool.named(&name)? {
                Ok(candidate) => Some(candidate),
                Err(defect) => return Ok(Err(defect)),
            },
            (name, _) => match self.names.text_but(fields, "candidate", Some(&taken)) {
                Ok((_, text)) => Some(Candidate { name, text }),
                Err(defect) if self.answers == Answers::Required => return Ok(Err(defect)),
                Err(_) => None,
            },
        };
        Ok(Ok(Content::Query {
            query,
            answer,
            negatives,
        }))
    }

    fn negatives(&self, fields: &Fields) -> Sound<Vec<String>> {
        match self.names.value(fields, "negatives") {
            None => Ok(Vec::new()),
            Some((path, Value::Array(texts))) => {
                texts.iter().map(|text| text_of(&path, text)).collect()
            }
            Some((path, text)) => Ok(vec![text_of(&path, text)?]),
        }
    }

    fn generate(&self, fields: &Fields) -> Sound<Content> {
        let given = ["source", "target"]
            .iter()
            .any(|name| self.task.fields.contains_key(*name));
        if self.messages || (!given && fields.get("messages").is_some_and(Value::is_array)) {
            return self.conversation(fields);
        }
        let (taken, source) = self.names.text_but(fields, "source", None)?;
        let target = match self.names.text_but(fields, "target", Some(&taken)) {
            Ok((_, target)) => Some(target),
            Err(defect) if self.answers == Answers::Required => return Err(defect),
            Err(_) => None,
        };
        Ok(Content::Writing {
            source: Source::Text(source),
            target,
        })
    }

    /// The last answer of the assistant is the target, all before it the source. What follows it is
    /// not used.
    fn conversation(&self, fields: &Fields) -> Sound<Content> {
        let path = self
            .task
            .fields
            .get("source")
            .map_or("messages", String::as_str);
        let value =
            super::fields::at(fields, path).ok_or_else(|| self.names.missing(fields, "source"))?;
        let bad =
            |what: &Value| Defect::new(BAD_MESSAGES, format!("`{path}` holds {}", shown(what)));
        let Value::Array(messages) = value else {
            return Err(bad(value));
        };
        for message in messages {
            let role = message.get("role").and_then(Value::as_str);
            role.ok_or_else(|| bad(message))?;
        }
        let last = messages
            .iter()
            .rposition(|message| message.get("role").and_then(Value::as_str) == Some("assistant"));
        let (before, target) = match (last, self.answers) {
            (Some(last), _) => {
                let content = messages[last].get("content").unwrap_or(&Value::Null);
                let text = content.as_str().ok_or_else(|| bad(&messages[last]))?;
                sound_text(&format!("{path}.{last}.content"), text)?;
                (&messages[..last], Some(text.to_owned()))
            }
            (None, Answers::Optional) => (&messages[..], None),
            (None, Answers::Required) => {
                return Err(Defect::new(
                    NO_ANSWER,
                    format!("{} messages, none of the assistant", messages.len()),
                ));
            }
        };
        if before.is_empty() {
            return Err(Defect::new(
                BAD_MESSAGES,
                "nothing stands before the answer",
            ));
        }
        Ok(Content::Writing {
            source: Source::Messages(Value::Array(before.to_vec())),
            target,
        })
    }

    /// A row of a pool: a text and the name that queries call it by.
    pub fn candidate(&self, fields: &Fields) -> Sound<Candidate> {
        let text = self.names.text(fields, "candidate")?;
        let name = self
            .names
            .word(fields, "candidate_id")
            .or_else(|| self.names.word(fields, "id"));
        Ok(Candidate { name, text })
    }
}
