//! The binary `skillbelt`: arguments in, exit code out, nothing else.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
