//! The binary `skillbelt`: arguments in, exit code out, nothing else.

mod commands;
mod exit;
mod input;
mod locate;
mod output;
#[allow(dead_code, reason = "for the command `train`")]
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    exit::say_panics_shortly();
    exit::code(commands::run(commands::Arguments::parse()))
}
