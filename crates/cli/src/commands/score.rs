//! `skillbelt score`: anyone's predictions beside the right answers. It computes nothing with a base
//! and decides nothing about numbers; what has to be run is run as `skillbelt execute` runs it.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use skillbelt_code::Language;
use skillbelt_code::quality::Linters;
use skillbelt_model::checkpoint::write::file;
use skillbelt_train::evaluate::Draws;
use skillbelt_train::metric::code_bleu::Dialect;
use skillbelt_train::metric::{WordNet, wordnet};
use skillbelt_train::score::{self, Code, Files, Kind};

use super::Everywhere;
use super::execute::Running;
use crate::exit::Failure;
use crate::output::Lines;

/// Measure a file of predictions against a file of right answers, in CodeXGLUE's formats, each number
/// with its 95% interval.
///
/// Of texts that are programs `--language` adds CodeBLEU, and `--quality` how well they are written
/// beside the right ones. `--task execute` runs programs in a sandbox and tells pass@k.
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
  execute    problems as MBPP's or HumanEval's, as JSON | JSON with task_id and code, or samples
  answers    what `skillbelt eval` writes, alone: each line holds answer and truth
Of generate and translate a file that ends in .jsonl holds an object a line, with the text under
prediction, written, code or text; so a text may have several lines.

Examples:
  skillbelt score --task defect --answers test.jsonl --predictions predictions.txt
  skillbelt score --task search --answers test.jsonl --predictions predictions.jsonl --pool 19210
  skillbelt score --task summarize --answers test.gold --predictions test.output --wordnet /usr/share/wordnet
  skillbelt score --task translate --answers test.cs --predictions test.output --language csharp --dialect paper,package
  skillbelt score --task answers --answers answers/write.test.jsonl --language python --quality
  skillbelt score --task execute --answers mbpp.jsonl --predictions answers.jsonl --k 1,10
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
    /// The texts are programs in this language: CodeBLEU too, with its four parts
    #[arg(long, value_name = "NAME", value_parser = language)]
    language: Option<Language>,
    /// By which definition CodeBLEU is computed
    #[arg(
        long,
        value_enum,
        value_name = "DIALECT",
        value_delimiter = ',',
        default_value = "paper",
        requires = "language"
    )]
    dialect: Vec<Definition>,
    /// How well the programs are written, beside the right ones: the share that parsed, complexity,
    /// what installed linters find
    #[arg(long, requires = "language")]
    quality: bool,
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
    #[command(flatten, next_help_heading = "Of --task execute")]
    running: Running,
    /// Of --task execute: write the outcome of every sample here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
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
    Execute,
    Answers,
}

/// Definitions of CodeBLEU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Definition {
    /// As it was published
    Paper,
    /// As the package codebleu 0.7 computes it
    Package,
}

/// What there is to do.
enum Work {
    /// Compare texts, labels or lists.
    Compare(Kind),
    /// Run programs.
    Execute,
}

impl From<Task> for Work {
    fn from(task: Task) -> Work {
        Work::Compare(match task {
            Task::Execute => return Work::Execute,
            Task::Defect => Kind::Defect,
            Task::Clone => Kind::Clone,
            Task::Poj104 => Kind::Poj104,
            Task::Search => Kind::Search,
            Task::Generate => Kind::Generate,
            Task::Translate => Kind::Translate,
            Task::Summarize => Kind::Summarize,
            Task::Answers => Kind::Answers,
        })
    }
}

/// A language by any of its names.
fn language(name: &str) -> Result<Language, String> {
    let known: Result<Language, skillbelt_code::language::Unknown> = name.parse();
    known.map_err(|unknown| format!("{unknown}; {}", unknown.hint()))
}

impl Score {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let draws = Draws {
            seed: self.seed,
            count: self.draws,
        };
        match Work::from(self.task) {
            Work::Execute => self.execute(draws, everywhere),
            Work::Compare(kind) => self.compare(kind, &draws),
        }
    }

    fn compare(&self, kind: Kind, draws: &Draws) -> Result<(), Failure> {
        if self.running.is_given() || self.outcomes.is_some() {
            let told = "nothing is run for this task, and it was told how to run programs";
            return Err(Failure::told(told).with_hint("--task execute runs programs"));
        }
        choose_wordnet(self.wordnet.as_deref())?;
        let files = Files {
            answers: self.answers.clone(),
            predictions: self.predictions.clone(),
            pool: self.pool,
        };
        let code = self.code();
        let scored = score::score(kind, &files, code.as_ref(), &self.measure, draws)?;
        self.tell(&scored, &score::table(&scored, draws))
    }

    fn code(&self) -> Option<Code> {
        let mut dialects: Vec<Dialect> = Vec::new();
        for definition in &self.dialect {
            let dialect = match definition {
                Definition::Paper => Dialect::Paper,
                Definition::Package => Dialect::Package,
            };
            if !dialects.contains(&dialect) {
                dialects.push(dialect);
            }
        }
        self.language.map(|language| Code {
            language,
            dialects,
            quality: self.quality.then(Linters::installed),
        })
    }

    fn execute(&self, draws: Draws, everywhere: &Everywhere) -> Result<(), Failure> {
        let others = [
            ("--pool", self.pool.is_some()),
            ("--measure", !self.measure.is_empty()),
            ("--wordnet", self.wordnet.is_some()),
            ("--language", self.language.is_some()),
        ];
        if let Some((flag, _)) = others.iter().find(|(_, given)| *given) {
            let told = format!("{flag} does not go with --task execute");
            return Err(Failure::told(told)
                .with_hint("problems say their language themselves, and what is told is pass@k"));
        }
        let predictions = self.predictions.as_deref().ok_or_else(|| {
            Failure::told("no predictions for the task execute")
                .with_hint("--predictions FILE names them")
        })?;
        let running = &self.running;
        let report = running.report(&self.answers, predictions, draws, everywhere)?;
        if let Some(path) = &self.outcomes {
            report.write_outcomes(path)?;
        }
        self.tell(&report, &report.to_string())
    }

    /// Writes the object where it was asked for, and prints it or the text.
    fn tell(&self, object: &impl Serialize, text: &str) -> Result<(), Failure> {
        if let Some(path) = &self.out {
            file(path, |out| {
                serde_json::to_writer_pretty(&mut *out, object).map_err(io::Error::from)?;
                out.write_all(b"\n")
            })?;
        }
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(object)?,
            false => lines.text(text)?,
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
