//! `skillbelt judge`: a served model grades written answers. It decides nothing about grades.

use std::path::PathBuf;

use clap::Args;
use skillbelt_train::evaluate::{self, Draws};
use skillbelt_train::judge::{self, Bench, Judged, Rubric};
use skillbelt_train::prompt::CACHE;
use skillbelt_train::recipe::{Api, EndpointSettings};

use super::Everywhere;
use crate::exit::Failure;
use crate::heard::Heard;
use crate::output::Lines;

/// Have a served model grade written answers by a rubric, several times over, and tell how far the
/// runs agree.
///
/// Grades are means over the answers with a 95% interval; agreement is Krippendorff's alpha for
/// ordinal grades over the runs, which differ in seed and in the order of the criteria. A verdict
/// that cannot be read is counted and is no grade. Stopped anywhere, the same command goes on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt judge --answers answers/summarize.test.jsonl --endpoint http://127.0.0.1:8080/v1 --model qwen
  skillbelt judge --answers a.jsonl --endpoint https://api.example.org/v1 --model large \\
      --api-key-env EXAMPLE_KEY --rubric rubric.yaml --runs 5 --out graded")]
pub struct Judge {
    /// Answers that are texts, as `skillbelt eval` and `skillbelt prompt` write them
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// The endpoint's address, up to /v1
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// The model's name there
    #[arg(long, value_name = "NAME")]
    model: String,
    /// The variable of the environment that holds the API key
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// What is graded, a YAML file with question, lowest, highest and criteria [default: correct,
    /// complete and concise from 1 to 5]
    #[arg(long, value_name = "FILE")]
    rubric: Option<PathBuf>,
    /// How often each answer is graded
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: u16,
    /// Of the judge's writing; at 0 runs differ only by the order of the criteria
    #[arg(long, value_name = "T", default_value_t = 0.7)]
    temperature: f64,
    /// Requests that are under way at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrent: u16,
    /// The folder for grades.jsonl and judge.json [default: the answers' file with `.judged` after it]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Of the runs and of the draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Judge {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(Failure::told("--temperature: expected a number from 0 on"));
        }
        let rubric = match &self.rubric {
            Some(path) => Rubric::read(path)?,
            None => Rubric::default(),
        };
        let answers = evaluate::read(&self.answers)?;
        let beside = || {
            let mut name = self.answers.clone().into_os_string();
            name.push(".judged");
            PathBuf::from(name)
        };
        let out = self.out.clone().unwrap_or_else(beside);
        let endpoint = EndpointSettings {
            url: self.endpoint.clone(),
            model: self.model.clone(),
            api: Api::Chat,
            api_key_env: self.api_key_env.clone(),
            concurrent: usize::from(self.concurrent),
            ..EndpointSettings::default()
        };
        let heard = Heard::new(everywhere.quiet);
        let judged = judge::judge(&Bench {
            answers: &answers,
            rubric: &rubric,
            endpoint: &endpoint,
            cache: &out.join(CACHE),
            runs: usize::from(self.runs),
            seed: self.seed,
            temperature: self.temperature,
            draws: Draws {
                seed: self.seed,
                ..Draws::default()
            },
            heard: &|done, all| heard.tell(done, all),
        })?;
        judge::write(&out, &rubric, &judged)?;
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&judged)?,
            false => lines.text(&text(&judged))?,
        }
        lines.flush()
    }
}

fn text(judged: &Judged) -> String {
    let mut text = format!(
        "{} answers judged in {} runs, {} unjudged, {} failures graded lowest; {} of {} verdicts could \
         not be read\n",
        judged.judged,
        judged.runs,
        judged.unjudged,
        judged.failed_answers,
        judged.failures.values().sum::<u64>(),
        judged.verdicts
    );
    for (reason, count) in &judged.failures {
        text += &format!("  {count} {reason}\n");
    }
    let shown = |number: Option<f64>| number.map_or("none".to_owned(), |n| format!("{n:.3}"));
    for grade in &judged.grades {
        let sure = grade.interval.map_or("none".to_owned(), |interval| {
            format!("{:.3} .. {:.3}", interval.low, interval.high)
        });
        text += &format!(
            "{}: mean {}, 95% interval {sure}, alpha {}\n",
            grade.criterion,
            shown(grade.mean),
            shown(grade.alpha)
        );
    }
    text
}
