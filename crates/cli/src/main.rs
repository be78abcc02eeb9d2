//! The binary `skillbelt`: arguments in, exit code out, nothing else.

mod commands;
mod exit;
mod heard;
mod input;
mod locate;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    exit::say_panics_shortly();
    exit::code(commands::run(commands::Arguments::parse()))
}
