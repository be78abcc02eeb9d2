//! `skillbelt train`: a recipe and flags in, a run out. It decides nothing about learning.

mod flags;
mod summary;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::recipe::check::check;
use skillbelt_train::recipe::{self, Override, Resolved};
use skillbelt_train::run::{Finished, RunOptions};
use skillbelt_train::start;

use super::{Everywhere, choose_tasks, overrides, tell};
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;
use crate::progress;

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
    /// Only these tasks of the recipe, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tasks: Vec<String>,
    /// Set any key, as tasks.NAME.KEY=VALUE or SECTION.KEY=VALUE; later ones win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = overrides::set)]
    set: Vec<Override>,
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
        let mut overrides = own.set.clone();
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
        let mut resolved = recipe::read(&self.own.recipe, &self.overrides)?;
        choose_tasks(&mut resolved.recipe.tasks, &self.own.tasks)?;
        if self.own.print {
            let mut lines = Lines::new();
            lines.text(&resolved.to_yaml_with_origins()?)?;
            return lines.flush();
        }
        tell(&check(&resolved), "recipe", everywhere)?;
        let mut lines = Lines::new();
        lines.text(&summary(&resolved))?;
        lines.flush()?;
        let base = &resolved.recipe.base;
        let base = locate::folder(&base.name, base.revision.as_deref(), everywhere)?;
        match self.own.check {
            true => check_rows(&resolved, &base),
            false => self.start(&resolved, &base, everywhere),
        }
    }

    /// Begins the run, or goes on with it.
    fn start(
        &self,
        resolved: &Resolved,
        base: &Path,
        everywhere: &Everywhere,
    ) -> Result<(), Failure> {
        let options = RunOptions {
            resume: self.own.resume,
            stop: Arc::default(),
            faults: Arc::new(Faults::from_env()?),
        };
        let stop = Arc::clone(&options.stop);
        // The first Ctrl-C lets the step finish; a second one ends the program at once, and the last
        // checkpoint stands.
        let handler = move || {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            say("stopping after this step; once more to stop at once");
        };
        ctrlc::set_handler(handler).map_err(Failure::told)?;
        let mut watcher = progress::watcher(everywhere.quiet);
        let mut lines = Lines::new();
        match start::train(resolved, base, &options, &mut *watcher)? {
            Finished::Complete { belt, summary, .. } => {
                lines.text(&format!("{summary}\nbelt: {}\n", belt.display()))?;
                lines.flush()
            }
            Finished::Stopped { step, steps } => Err(Failure::told(format_args!(
                "stopped at step {step} of {steps}; everything is saved"
            ))
            .with_hint("the same command with --resume goes on")),
        }
    }
}

/// Reads every row of every split, and tells what is used and what is not.
fn check_rows(resolved: &Resolved, base: &Path) -> Result<(), Failure> {
    let mut lines = Lines::new();
    for split in start::check_rows(&resolved.recipe, base)? {
        lines.text(&format!("{split}\n"))?;
    }
    lines.flush()
}
