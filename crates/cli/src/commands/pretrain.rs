//! `skillbelt pretrain`: a plan in, a base out. It decides nothing about learning.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::pretrain;
use skillbelt_train::recipe::Override;
use skillbelt_train::run::{Finished, RunOptions};

use super::{Everywhere, overrides};
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;
use crate::progress;

/// Make a base: learn a tokenizer and a small network from folders of programs.
///
/// The output folder is a run folder: `corpus` holds the tokenizer and the tokens (made once),
/// `checkpoints` what a run goes on from, and `base` the result in the hub's layout, which every
/// command takes as a base.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt pretrain recipes/pocket/plan.yaml -o runs/pocket
  skillbelt pretrain recipes/pocket/plan.yaml -o runs/pocket --resume --set training.max_steps=9000
  skillbelt pretrain recipes/pocket/plan.yaml -o runs/pocket --tokenizer-only
  skillbelt pretrain recipes/pocket/plan.yaml -o runs/pocket --compare runs/pocket/base")]
pub struct Pretrain {
    /// The plan, a YAML file (docs/pretraining.md lists its keys)
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The run folder: corpus, checkpoints, metrics, and the base
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Go on where the run in the output folder stopped
    #[arg(long, conflicts_with_all = ["tokenizer_only", "compare"])]
    resume: bool,
    /// Only read the corpus and make the tokenizer and the tokens; train nothing
    #[arg(long, conflicts_with = "compare")]
    tokenizer_only: bool,
    /// Train nothing: weigh the held-out files with these bases, a model of five tokens, gzip and xz
    #[arg(long, value_name = "BASE", num_args = 0.., value_delimiter = ',')]
    compare: Option<Vec<String>>,
    /// Set any key, as SECTION.KEY=VALUE or sources.NAME.KEY=VALUE; later ones win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = overrides::set)]
    set: Vec<Override>,
}

impl Pretrain {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let plan = pretrain::read::read(&self.plan, &self.set)?;
        let named = plan.file.base.as_deref();
        let base = named.map(|name| locate::folder(name, None, everywhere));
        let base = base.transpose()?;
        let options = RunOptions {
            resume: self.resume,
            stop: Arc::default(),
            faults: Arc::new(Faults::from_env()?),
        };
        let mut watcher = progress::watcher(everywhere.quiet);
        let (base, watch) = (base.as_deref(), &mut *watcher);
        let mut lines = Lines::new();
        if let Some(bases) = &self.compare {
            let bases = bases
                .iter()
                .map(|name| Ok((name.clone(), locate::folder(name, None, everywhere)?)));
            let bases = bases.collect::<Result<Vec<_>, Failure>>()?;
            let stock = pretrain::stock(&plan, base, &self.output, &options, watch)?;
            let compared = pretrain::compare::compare(&plan.file, &stock, &bases, watch)?;
            lines.text(&compared.table())?;
            return lines.flush();
        }
        if self.tokenizer_only {
            let stock = pretrain::stock(&plan, base, &self.output, &options, watch)?;
            let tokens = stock.tokenizer.vocab_size();
            lines.text(&format!(
                "{tokens} tokens: {}\n",
                stock.tokenizer.path().display()
            ))?;
            return lines.flush();
        }
        stop_at_ctrl_c(&options)?;
        match pretrain::pretrain(&plan, base, &self.output, &options, watch)? {
            Finished::Complete { belt, summary, .. } => {
                lines.text(&format!("{summary}\nbase: {}\n", belt.display()))?;
                lines.flush()
            }
            Finished::Stopped { step, steps } => Err(Failure::told(format_args!(
                "stopped at step {step} of {steps}; everything is saved"
            ))
            .with_hint("the same command with --resume goes on")),
        }
    }
}

/// The first Ctrl-C lets the step finish; a second one ends the program at once, and the last
/// checkpoint stands.
fn stop_at_ctrl_c(options: &RunOptions) -> Result<(), Failure> {
    let stop = Arc::clone(&options.stop);
    let handler = move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("stopping after this step; once more to stop at once");
    };
    ctrlc::set_handler(handler).map_err(Failure::told)
}
