//! `skillbelt study page`: the page of results that were written before, here or elsewhere. It runs
//! nothing and needs neither the plan nor the cells.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use skillbelt_train::disk::Disk;
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::study::page;

use crate::exit::Failure;
use crate::output::Lines;

/// Write the page of a study's results: one HTML file that needs nothing else.
///
/// A study writes it by itself as study.html beside results.json; this makes it anew from that file
/// alone. The page works from a file, without a network, on a phone and on paper.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt study page runs/analysis/results.json --out analysis.html")]
pub struct Page {
    /// The results.json of a study
    #[arg(value_name = "RESULTS")]
    results: PathBuf,
    /// The HTML file to write; one that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

impl Page {
    pub fn run(&self) -> Result<(), Failure> {
        let results = page::read(&self.results)?;
        let page = page::page(&results)?;
        let disk = Disk::new(Arc::new(Faults::from_env()?));
        disk.replace(&self.out, page.as_bytes())?;
        let mut lines = Lines::new();
        lines.text(&format!("page: {}\n", self.out.display()))?;
        lines.flush()
    }
}
