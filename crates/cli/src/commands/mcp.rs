//! `skillbelt mcp`: tools for agents on the standard streams. It only lays out arguments.

use std::path::PathBuf;

use clap::Args;
use skillbelt_apply::index::Place;
use skillbelt_apply::mcp::{Belted, Desk, serve};

use super::lookup::Kept;
use super::{Everywhere, parse};
use crate::exit::Failure;

/// Serve a repository to agents, in the Model Context Protocol on stdin and stdout.
///
/// The tools are search, similar_code, assess_function and list_findings; paths that an agent names are kept inside of
/// the repository, and no file of it is changed but in .skillbelt/. docs/agents.md tells how agents are set up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt mcp --belt runs/four/belt
  skillbelt mcp ~/src/project --belt belt --base ./unixcoder-base")]
pub struct Mcp {
    /// A folder of the repository; answers come from below it
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    kept: Kept,
}

impl Mcp {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let belted = self.kept.reader(everywhere)?.map(|opened| Belted {
            reader: opened.reader,
            belt: self.kept.belt.clone(),
            base: opened.base,
            precision: opened.precision,
        });
        let place = Place::parse(self.kept.index.as_deref(), self.kept.checkout.as_deref());
        let desk = Desk::open(&place, &self.path, belted, parse::parsers);
        serve(desk.map_err(Failure::told)?).map_err(Failure::told)
    }
}
