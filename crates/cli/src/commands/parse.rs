//! `skillbelt __parse`: the process that parses for scan, search and serve, so that a grammar that dies
//! on a text takes nothing else with it. Nobody types it.

use std::io;

use clap::Args;
use skillbelt_apply::checkout::{Parsers, serve_parser};

use crate::exit::Failure;

/// Answer with the functions of texts, one after another, on the standard streams.
#[derive(Debug, Args)]
pub struct Parse {}

impl Parse {
    pub fn run(&self) -> Result<(), Failure> {
        // Whoever asked has gone, or sent what is no message: there is nobody to tell.
        let _ended = serve_parser(io::stdin().lock(), io::stdout().lock());
        Ok(())
    }
}

/// Parsers in processes of this very program; where it cannot say what it is, in this process.
pub fn parsers() -> Parsers {
    match std::env::current_exe() {
        Ok(program) => Parsers::apart(program, vec!["__parse".to_owned()]),
        Err(_) => Parsers::here(),
    }
}
