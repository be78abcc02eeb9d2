//! Rows of new inputs: which files they come from, and which of their texts count.

use std::path::Path;

use crate::data::read::{self, Answers, Sink};
use crate::data::{Candidate, Content, Row};
use crate::error::Result;
use crate::recipe::task::LaidOut;
use crate::recipe::{Format, SplitFiles, TaskSettings, TaskType};
use crate::task::Side;

/// The files of new inputs: `-` for the standard input. `lines` says that a file holds JSON on lines
/// whatever its name; `pool` holds what queries are ranked over, or the functions that pairs name.
pub fn inputs(task: &TaskSettings, file: &Path, lines: bool, pool: Option<&Path>) -> SplitFiles {
    let kept = task.format.filter(|format| {
        // These say what rows mean; how they lie in the file is seen there.
        matches!(format, Format::Poj104 | Format::Cosqa | Format::Messages)
    });
    let lines = lines || file.as_os_str() == "-";
    SplitFiles::Laid(LaidOut {
        files: vec![file.to_owned()],
        format: lines.then(|| kept.unwrap_or(Format::Jsonl)),
        data: pool.map(Path::to_owned),
    })
}

/// The texts of one side of a search, each as a row that can be embedded.
pub fn texts(
    name: &str,
    task: &TaskSettings,
    files: &SplitFiles,
    side: Side,
    sink: &mut Sink<'_>,
) -> Result<()> {
    match side {
        Side::Query => read::rows_of(name, task, files, Answers::Optional, &mut |row| {
            sink(row.map(|row| Row {
                content: asking(row.content),
                ..row
            }))
        }),
        Side::Candidate => {
            let own = one_text(task);
            read::rows_of(name, &own, files, Answers::Optional, &mut |row| {
                sink(row.map(|row| Row {
                    content: found(row.content, row.id.clone()),
                    ..row
                }))
            })
        }
    }
}

/// The settings under which a candidate is read: a row with one text and no label.
fn one_text(task: &TaskSettings) -> TaskSettings {
    let mut own = TaskSettings {
        kind: Some(TaskType::Classify),
        format: task.format.filter(|format| *format != Format::Cosqa),
        ..task.clone()
    };
    if let Some(named) = task.fields.get("candidate").cloned() {
        own.fields.entry("text".to_owned()).or_insert(named);
    }
    own.fields.insert("label".to_owned(), String::new());
    own
}

fn asking(content: Content) -> Content {
    match content {
        Content::Query { query, .. } => Content::Query {
            query,
            answer: None,
            negatives: Vec::new(),
        },
        other => other,
    }
}

fn found(content: Content, name: Option<String>) -> Content {
    match content {
        Content::Text { text, .. } => Content::Candidate(Candidate { name, text }),
        other => other,
    }
}
