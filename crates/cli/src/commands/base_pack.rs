//! `skillbelt base pack`: a base as one small file, the form in which the pocket base is built in.

use std::path::PathBuf;

use clap::Args;
use skillbelt_model::checkpoint::write;
use skillbelt_model::pocket;

use super::Everywhere;
use crate::exit::Failure;
use crate::locate::Which;
use crate::output::Lines;

/// Pack a base into one file: its texts compressed, its matrices in eight bits per number.
///
/// This is how the base that is built into the program was made (docs/pretraining.md).
#[derive(Debug, Args)]
#[command(after_help = "Example:
  skillbelt base pack runs/pocket/base -o crates/model/pocket/pocket.base")]
pub struct Pack {
    #[command(flatten)]
    which: Which,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Pack {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let packed = pocket::pack(&self.which.folder(everywhere)?)?;
        pocket::unpack(&packed)?;
        write::file(&self.output, |out| out.write_all(&packed))?;
        let mut lines = Lines::new();
        lines.text(&format!(
            "{} bytes: {}\n",
            packed.len(),
            self.output.display()
        ))
    }
}
