//! From what a person names to a folder with a base, and to what is opened from it.

use std::cell::RefCell;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use skillbelt_engine::Precision;
use skillbelt_model::base::{self, Base, Purpose};
use skillbelt_model::{Tokenizer, hub};

use crate::commands::Everywhere;
use crate::exit::Failure;

/// Which base.
#[derive(Debug, Args)]
pub struct Which {
    /// A folder with config.json, weights and tokenizer; or a name on the hub, as `owner/name`
    #[arg(value_name = "NAME_OR_FOLDER")]
    base: String,
    /// Branch, tag or commit of a base on the hub [default: main]
    #[arg(long)]
    revision: Option<String>,
}

impl Which {
    /// The base that another argument than the first named.
    pub fn named(base: String, revision: Option<String>) -> Which {
        Which { base, revision }
    }

    /// The folder of the base, after fetching what of it is not on this machine.
    pub fn folder(&self, everywhere: &Everywhere) -> Result<PathBuf, Failure> {
        folder(&self.base, self.revision.as_deref(), everywhere)
    }

    /// The base with its tokenizer.
    pub fn open(
        &self,
        everywhere: &Everywhere,
        precision: Precision,
    ) -> Result<(PathBuf, Base, Tokenizer), Failure> {
        let folder = self.folder(everywhere)?;
        let tokenizer = Tokenizer::from_folder(&folder)?;
        let base = base::open(&folder, Purpose::frozen(precision))?;
        Ok((folder, base, tokenizer))
    }
}

/// The folder of a base that is named, after fetching what of it is not on this machine.
pub fn folder(
    name: &str,
    revision: Option<&str>,
    everywhere: &Everywhere,
) -> Result<PathBuf, Failure> {
    let mut options = hub::Options::from_env()?;
    options.offline |= everywhere.offline;
    let bars = Bars::default();
    let shown: &dyn hub::Progress = match stderr().is_terminal() && !everywhere.quiet {
        true => &bars,
        false => &hub::Unwatched,
    };
    let name = match revision {
        Some(revision) => format!("{name}@{revision}"),
        None => name.to_owned(),
    };
    // A folder has no revisions; named with one, it is not silently taken as it is.
    Ok(hub::resolve(&name, &options, shown)?)
}

/// A bar on the terminal for the file that is being fetched.
#[derive(Default)]
struct Bars {
    current: RefCell<Option<ProgressBar>>,
}

impl Bars {
    fn with(&self, act: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = &*self.current.borrow() {
            act(bar);
        }
    }
}

impl hub::Progress for Bars {
    fn begin(&self, file: &str, total: u64, have: u64) {
        let bar = ProgressBar::new(total)
            .with_message(file.to_owned())
            .with_position(have);
        if let Ok(style) = ProgressStyle::with_template(
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ) {
            bar.set_style(style);
        }
        *self.current.borrow_mut() = Some(bar);
    }

    fn advance(&self, _file: &str, bytes: u64) {
        self.with(|bar| bar.inc(bytes));
    }

    fn restart(&self, _file: &str) {
        self.with(|bar| bar.set_position(0));
    }

    fn end(&self, _file: &str) {
        self.with(|bar| bar.finish());
    }
}
