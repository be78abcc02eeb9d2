//! `skillbelt train`: a recipe and flags in, a run out. It decides nothing about learning.

mod flags;
mod summary;

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use skillbelt_train::recipe::check::check;
use skillbelt_train::recipe::{self, Override, Problem, Resolved};

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::output::Lines;

use flags::flags;
use summary::summary;

/// Train a belt as a recipe says.
///
/// Every key of the recipe may be given as a flag too, and the flag wins; keys of a task through
/// --set tasks.NAME.KEY=VALUE. Paths in the recipe are relative to its folder, paths in flags to the
/// current folder.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt train recipes/defect.yaml --check
  skillbelt train recipes/defect.yaml --base ./unixcoder-base -o runs/defect
  skillbelt train recipes/four-analysis-tasks.yaml --belt dora --lora-r 16 --seed 1
  skillbelt train recipes/defect.yaml --set tasks.defect.max_length=256 --resume")]
struct Own {
    /// The recipe, a YAML file (docs/recipes.md lists its keys)
    #[arg(value_name = "RECIPE")]
    recipe: PathBuf,
    /// Say what is wrong with the recipe and its data, or what would be done; train nothing
    #[arg(long)]
    check: bool,
    /// Go on where the run in the output folder stopped
    #[arg(long, conflicts_with = "check")]
    resume: bool,
    /// Print the whole recipe, every key with its origin, and train nothing
    #[arg(long, conflicts_with_all = ["check", "resume"])]
    print: bool,
    /// Set any key, as tasks.NAME.KEY=VALUE or SECTION.KEY=VALUE; later ones win
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// The command with what was typed.
#[derive(Debug)]
pub struct Train {
    own: Own,
    overrides: Vec<Override>,
}

impl Args for Train {
    fn augment_args(command: Command) -> Command {
        let output = Arg::new("output")
            .short('o')
            .long("output")
            .value_name("FOLDER")
            .help("The run folder: checkpoints, metrics, and the belt");
        let command = Own::augment_args(command).arg(output);
        flags()
            .into_iter()
            .fold(command, |command, flag| command.arg(flag.arg()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Train::augment_args(command)
    }
}

impl FromArgMatches for Train {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Train, clap::Error> {
        let own = Own::from_arg_matches(matches)?;
        let mut overrides = Vec::new();
        for set in &own.set {
            let Some((key, value)) = set.split_once('=') else {
                let message = format!("--set {set}: expected KEY=VALUE\n");
                return Err(clap::Error::raw(
                    clap::error::ErrorKind::ValueValidation,
                    message,
                ));
            };
            overrides.push(Override {
                key: key.trim().to_owned(),
                value: value.to_owned(),
                flag: format!("--set {}", key.trim()),
            });
        }
        let output = ("output", "output".to_owned(), "output".to_owned());
        let named = flags()
            .into_iter()
            .map(|flag| (flag.id, flag.key, flag.long));
        for (id, key, long) in named.chain([output]) {
            if let Some(value) = matches.get_one::<String>(id) {
                overrides.push(Override {
                    key,
                    value: value.clone(),
                    flag: format!("--{long}"),
                });
            }
        }
        Ok(Train { own, overrides })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Train::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Train {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let resolved = recipe::read(&self.own.recipe, &self.overrides)?;
        if self.own.print {
            let mut lines = Lines::new();
            lines.text(&resolved.to_yaml_with_origins()?)?;
            return lines.flush();
        }
        tell(&check(&resolved), everywhere)?;
        let mut lines = Lines::new();
        lines.text(&summary(&resolved))?;
        lines.flush()?;
        match self.own.check {
            true => Ok(()),
            false => start(&resolved, self.own.resume),
        }
    }
}

/// Begins the run, or goes on with it.
fn start(resolved: &Resolved, resume: bool) -> Result<(), Failure> {
    let output = resolved.recipe.output.display();
    let verb = if resume { "gone on with" } else { "begun" };
    Err(Failure::told(format_args!(
        "the run in {output} cannot be {verb}: this build does not train"
    )))
}

/// Tells all problems; those that are no mere warnings stop the program.
fn tell(problems: &[Problem], everywhere: &Everywhere) -> Result<(), Failure> {
    let (warnings, defects): (Vec<_>, Vec<_>) = problems.iter().partition(|p| p.warning);
    let shown = defects.iter().map(|p| ("error", *p));
    let known = warnings.iter().map(|p| ("warning", *p));
    for (word, problem) in shown.chain(known) {
        if word == "warning" && everywhere.quiet {
            continue;
        }
        say(format_args!("{word}: {problem}"));
        if let Some(hint) = &problem.hint {
            say(format_args!("hint: {hint}"));
        }
    }
    match defects.len() {
        0 => Ok(()),
        1 => Err(Failure::told("the recipe cannot be run, as told above")),
        count => Err(Failure::told(format_args!(
            "the recipe cannot be run, for {count} reasons, as told above"
        ))),
    }
}
