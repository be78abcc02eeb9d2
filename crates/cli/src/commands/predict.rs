//! `skillbelt predict`: new inputs in, answers of one task of a belt out. It decides nothing about
//! how answers are made.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use skillbelt_engine::Precision;
use skillbelt_model::checkpoint::write::file;
use skillbelt_train::data::Rejection;
use skillbelt_train::data::read::{self, Answers};
use skillbelt_train::predict::{self, Asking, Format, Outcome};
use skillbelt_train::recipe::{SplitFiles, TaskSettings, TaskType};
use skillbelt_train::shipped::{self, Questions, Shipped};
use skillbelt_train::task::{Side, Task};

use super::{Everywhere, data_check, precision};
use crate::exit::{Failure, say};
use crate::locate;

/// Let one task of a belt answer new inputs: JSONL to JSONL, row after row.
///
/// A label comes with the probability of each class, a search with the best candidates and their
/// likeness, a text as it was written. A row that has a truth keeps it in its answer, so that `eval
/// --compare` can read it. A row that cannot be used is told on stderr with its file and line; the
/// others are answered all the same.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt predict runs/four/belt --base ./unixcoder-base --task defect functions.jsonl --field text=code
  cat new.jsonl | skillbelt predict belt --base ./unixcoder-base --task flaky - > answers.jsonl
  skillbelt predict belt --base ./unixcoder-base --task search questions.jsonl --pool functions.jsonl
  skillbelt predict belt --base ./unixcoder-base --task search --embed candidate functions.jsonl --out vectors.jsonl
  skillbelt predict belt --base ./codet5 --task summarize test.jsonl --format codexglue --out test.output")]
pub struct Predict {
    /// The folder of a belt
    #[arg(value_name = "BELT")]
    belt: PathBuf,
    /// Rows in any layout that recipes know; `-` is JSON lines on stdin
    #[arg(value_name = "INPUT", required_unless_present = "jsonl")]
    input: Option<PathBuf>,
    /// Rows as JSON lines, whatever the file is called
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    jsonl: Option<PathBuf>,
    /// The base that the belt was trained on: a folder, or a name on the hub [default: as the belt
    /// names it]
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    base: Option<String>,
    /// Which task of the belt answers [default: its only one]
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// The field that holds something, e.g. text=code [default: as in training]
    #[arg(long = "field", value_name = "OURS=THEIRS", value_parser = data_check::pair)]
    fields: Vec<(String, String)>,
    /// How answers are written: JSON lines, or what CodeXGLUE's evaluator of such a task reads. Of a
    /// search by class (POJ-104) that is a line for each row with the best of all other rows, as many
    /// as its class has other members
    #[arg(long, value_enum, default_value_t = Form::Jsonl, conflicts_with = "embed")]
    format: Form,
    /// What queries are ranked over [default: the answers among the rows]; or the functions that
    /// pairs name by number
    #[arg(long, value_name = "FILE", conflicts_with = "embed")]
    pool: Option<PathBuf>,
    /// Of a search: a vector of length one for each text instead of an answer
    #[arg(long, value_enum, value_name = "SIDE", num_args = 0..=1, require_equals = true, default_missing_value = "query")]
    embed: Option<Embedded>,
    /// Write into this file instead of stdout; it is there whole or not at all
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the weights of the base are held: f32, bf16, int8 or nf4 [default: as in training]
    #[arg(long, value_parser = precision)]
    precision: Option<Precision>,
    /// Tokens that are worked on at once
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..))]
    batch_tokens: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Jsonl,
    Codexglue,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Embedded {
    Query,
    Candidate,
}

impl From<Embedded> for Side {
    fn from(embedded: Embedded) -> Side {
        match embedded {
            Embedded::Query => Side::Query,
            Embedded::Candidate => Side::Candidate,
        }
    }
}

impl Predict {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let card = shipped::card(&self.belt)?;
        let name = match (&self.task, &card.tasks[..]) {
            (Some(name), _) if card.task(name).is_none() => {
                return Err(shipped::no_task(&card, name).into());
            }
            (Some(name), _) => name.clone(),
            (None, [only]) => only.name.clone(),
            (None, tasks) => {
                let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
                return Err(
                    Failure::told("the belt has several tasks; --task names one")
                        .with_hint(format_args!("it has {}", names.join(", "))),
                );
            }
        };
        let questions = Questions::new(&card, None, &[])?;
        let base = self.base.as_deref().unwrap_or(&card.base.name);
        let base = locate::folder(base, None, everywhere)?;
        let belt = Shipped::open(&self.belt, &base, self.precision, &|task, kept| {
            self.with_fields(questions.settings(task, kept))
        })?;
        let task = belt.task(&name)?;
        let format = match self.format {
            Form::Jsonl => Format::Jsonl,
            Form::Codexglue => Format::codexglue(&task.settings),
        };
        match &self.out {
            None => self.answer(&belt, task, format, &mut io::BufWriter::new(io::stdout())),
            Some(path) => whole_file(path, |out| self.answer(&belt, task, format, out)),
        }
    }

    fn with_fields(&self, mut settings: TaskSettings) -> TaskSettings {
        settings.fields.extend(self.fields.iter().cloned());
        settings
    }

    /// Answers all rows, telling those that cannot be used.
    fn answer(
        &self,
        belt: &Shipped,
        task: &Task,
        format: Format,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let classes = task.objective.labels();
        let asking = Asking {
            objective: &*task.objective,
            stage: belt.stage(task, self.batch_tokens as usize),
            classes: &classes,
            together: task.settings.kind == Some(TaskType::Retrieve) && self.embed.is_none(),
            vectors: self.embed.is_some(),
            whole_class: format == Format::CodexglueClasses,
        };
        let (mut all, mut rejected) = (0, 0);
        let mut unwritten = None;
        let done = predict::answer(&asking, |sink| self.rows(task, sink), &mut |outcome| {
            all += 1;
            let line = match outcome {
                Outcome::Rejected(rejection) => {
                    rejected += 1;
                    tell(&rejection);
                    return Ok(());
                }
                Outcome::Answered(example) => format.line(&example)?,
                Outcome::Embedded { name, vector } => {
                    json!({"name": name, "vector": vector}).to_string()
                }
            };
            writeln!(out, "{line}").map_err(|error| {
                let told = skillbelt_train::Error::told(&error);
                unwritten = Some(error);
                told
            })
        });
        let done = done.map_err(Failure::from).and(Ok(out.flush()?));
        match (unwritten, rejected) {
            (Some(error), _) => Err(error.into()),
            (None, 0) => done,
            (None, rejected) => done.and(Err(Failure::Rejected { rejected, all })),
        }
    }

    fn rows(&self, task: &Task, sink: &mut read::Sink<'_>) -> skillbelt_train::Result<()> {
        let (name, settings) = (&task.name, &task.settings);
        let files = self.files(settings);
        match self.embed {
            Some(side) => predict::texts(name, settings, &files, side.into(), sink),
            None => read::rows_of(name, settings, &files, Answers::Optional, sink),
        }
    }

    fn files(&self, settings: &TaskSettings) -> SplitFiles {
        let given = self.jsonl.as_deref().or(self.input.as_deref());
        let file = given.unwrap_or(Path::new("-"));
        predict::inputs(settings, file, self.jsonl.is_some(), self.pool.as_deref())
    }
}

/// Writes a file whole or not at all. Rows that could not be used leave it as it is.
fn whole_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let written = file(path, |out| {
        outcome = write(out);
        match &outcome {
            Ok(()) | Err(Failure::Rejected { .. }) => Ok(()),
            Err(_) => Err(io::Error::other("the answers are not complete")),
        }
    });
    match outcome {
        Ok(()) => Ok(written?),
        Err(failure @ Failure::Rejected { .. }) => {
            written?;
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// A row that cannot be used, in the words of all commands.
fn tell(rejection: &Rejection) {
    let error = match rejection.detail.as_str() {
        "" => rejection.reason.to_owned(),
        detail => format!("{}: {detail}", rejection.reason),
    };
    say(json!({
        "file": rejection.place.file.display().to_string(),
        "line": rejection.place.line,
        "error": error,
    }));
}
