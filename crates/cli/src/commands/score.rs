//! `skillbelt score`: anyone's predictions beside the right answers. It computes nothing with a base
//! and decides nothing about numbers.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use skillbelt_model::checkpoint::write::file;
use skillbelt_train::evaluate::Draws;
use skillbelt_train::metric::{WordNet, wordnet};
use skillbelt_train::score::{self, Files, Kind};

use crate::exit::Failure;
use crate::output::Lines;

/// Measure a file of predictions against a file of right answers, in CodeXGLUE's formats, each number
/// with its 95% interval.
///
/// Every example must have one prediction. What is missing, told twice or unknown is told with file
/// and line, and nothing is measured. docs/metrics.md defines each measure and names its dialect.
#[derive(Debug, Args)]
#[command(after_help = "Formats, answers against predictions:
  defect     idx TAB label, or JSON with idx and target | idx TAB label
  clone      id1 TAB id2 TAB label                      | the same
  poj104     JSON with index, and answers or label      | JSON with index and ranked answers
  search     JSON with url and idx, or idx and retrieval_idx, or answers | JSON with url and ranked answers
  generate   JSON with code                             | a text a line
  translate  a text a line                              | the same
  summarize  idx TAB text                               | the same
  answers    what `skillbelt eval` writes, alone: each line holds answer and truth

Examples:
  skillbelt score --task defect --answers test.jsonl --predictions predictions.txt
  skillbelt score --task search --answers test.jsonl --predictions predictions.jsonl --pool 19210
  skillbelt score --task summarize --answers test.gold --predictions test.output --wordnet /usr/share/wordnet
  skillbelt score --task answers --answers answers/flaky.test.jsonl --measure auc,mcc --json")]
pub struct Score {
    /// What was asked
    #[arg(long, value_enum, value_name = "TASK")]
    task: Task,
    /// The right answers
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// The predictions [of --task answers: none]
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Of --task search: how many candidates each query was ranked over
    #[arg(long, value_name = "N")]
    pool: Option<usize>,
    /// Only these measures [default: all that the files tell]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    measure: Vec<String>,
    /// A folder with WordNet's files, for the synonyms of meteor_nltk [default: SKILLBELT_WORDNET]
    #[arg(long, value_name = "FOLDER")]
    wordnet: Option<PathBuf>,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = Draws::default().count, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    draws: u64,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = Draws::default().seed)]
    seed: u64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Write the JSON object into this file too; it is there whole or not at all
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Task {
    Defect,
    Clone,
    Poj104,
    Search,
    Generate,
    Translate,
    Summarize,
    Answers,
}

impl From<Task> for Kind {
    fn from(task: Task) -> Kind {
        match task {
            Task::Defect => Kind::Defect,
            Task::Clone => Kind::Clone,
            Task::Poj104 => Kind::Poj104,
            Task::Search => Kind::Search,
            Task::Generate => Kind::Generate,
            Task::Translate => Kind::Translate,
            Task::Summarize => Kind::Summarize,
            Task::Answers => Kind::Answers,
        }
    }
}

impl Score {
    pub fn run(&self) -> Result<(), Failure> {
        choose_wordnet(self.wordnet.as_deref())?;
        let draws = Draws {
            seed: self.seed,
            count: self.draws,
        };
        let files = Files {
            answers: self.answers.clone(),
            predictions: self.predictions.clone(),
            pool: self.pool,
        };
        let scored = score::score(self.task.into(), &files, &self.measure, &draws)?;
        if let Some(path) = &self.out {
            file(path, |out| {
                serde_json::to_writer_pretty(&mut *out, &scored).map_err(io::Error::from)?;
                out.write_all(b"\n")
            })?;
        }
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&scored)?,
            false => lines.text(&score::table(&scored, &draws))?,
        }
        lines.flush()
    }
}

/// Reads the WordNet that a flag or the environment names, if one of them does.
pub fn choose_wordnet(folder: Option<&Path>) -> Result<(), Failure> {
    let of_environment = || std::env::var_os(wordnet::VARIABLE).map(PathBuf::from);
    let folder = folder.map(Path::to_owned).or_else(of_environment);
    match folder.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => Ok(WordNet::choose(&folder)?),
        None => Ok(()),
    }
}
