//! Programs that read their input and write their output, compiled where they must be, judged by
//! comparing what they wrote with what is right, here and not where they run.

use std::path::Path;

use skillbelt_sandbox::{End, Ending, Error, Program, Sandbox};

use super::Settings;
use super::language::Language;
use super::problem::{Problem, Tests};
use super::sample::Sample;
use super::toolchain::Toolchains;
use super::verdict::Verdict;

type Result<T> = skillbelt_sandbox::Result<T>;

pub(super) fn judge(
    sandbox: &Sandbox,
    toolchains: &Toolchains,
    problem: &Problem,
    sample: &Sample,
    settings: &Settings,
) -> Result<Verdict> {
    let Tests::Cases {
        language, cases, ..
    } = &problem.tests
    else {
        let reason = "its tests are no inputs and outputs".to_owned();
        return Ok(Verdict::Unsupported { reason });
    };
    let source = problem.source(&sample.code);
    let runner = match ready(sandbox, toolchains, *language, &source, settings)? {
        Ok(runner) => runner,
        Err(ending) => return Ok(not_compiled(&ending)),
    };
    for (test, case) in cases.iter().enumerate() {
        let ending = sandbox.run(&runner, case.input.as_bytes())?;
        if ending.end != End::Exited(0) {
            return Ok(Verdict::of_ending(&ending));
        }
        if !same(&ending.stdout, case.output.as_bytes()) {
            return Ok(Verdict::WrongValue { test });
        }
    }
    Ok(Verdict::Passed)
}

/// The program of a text, compiled where its language is; or how the compiler ended without one.
fn ready(
    sandbox: &Sandbox,
    toolchains: &Toolchains,
    language: Language,
    source: &str,
    settings: &Settings,
) -> Result<std::result::Result<Program, Ending>> {
    let compiled = match toolchains.compiler(language, source)? {
        None => None,
        Some(compiler) => {
            let mut ending = sandbox.run(&compiler, b"")?;
            match (ending.end, ending.collected.take()) {
                (End::Exited(0), Some(program)) => Some(program),
                _ => return Ok(Err(ending)),
            }
        }
    };
    toolchains
        .runner(language, source, compiled, &settings.limits)
        .map(Ok)
}

/// A compiler that says no has read a text that is no program. One that was stopped for another
/// reason says nothing about the text.
fn not_compiled(ending: &Ending) -> Verdict {
    match ending.end {
        End::Exited(_) => Verdict::DidNotParse,
        End::CpuTime | End::WallTime => Verdict::Timeout,
        end => Verdict::Unsupported {
            reason: format!("its compiler was ended: {end:?}"),
        },
    }
}

/// Programs that write one word.
fn greeting(language: Language) -> &'static str {
    match language {
        Language::Python => "print('here')",
        Language::JavaScript => "console.log('here');",
        Language::Java => {
            "public class Main { public static void main(String[] a) { System.out.println(\"here\"); } }"
        }
        Language::Cpp => "#include <iostream>\nint main() { std::cout << \"here\\n\"; }",
        Language::Rust => "fn main() { println!(\"here\"); }",
    }
}

/// Has every toolchain build and run one plain program before any candidate: what fails then is the
/// toolchain, or what the sandbox shows of it, and no candidate may be counted as wrong for it.
pub(super) fn try_out(
    sandbox: &Sandbox,
    toolchains: &Toolchains,
    settings: &Settings,
) -> Result<()> {
    for language in toolchains.others() {
        let (end, said) = match ready(sandbox, toolchains, language, greeting(language), settings)?
        {
            Err(ending) => (ending.end, ending.stderr),
            Ok(program) => {
                let ending = sandbox.run(&program, b"")?;
                if ending.end == End::Exited(0) && same(&ending.stdout, b"here") {
                    continue;
                }
                (ending.end, ending.stderr)
            }
        };
        let said = String::from_utf8_lossy(&said);
        let first = said.lines().next().unwrap_or("it said nothing");
        let reason =
            format!("it cannot make a plain program run in the sandbox ({end:?}: {first})");
        return Err(Error::toolchain(Path::new(&language.to_string()), reason));
    }
    Ok(())
}

/// Equal but for spaces at the ends of lines and empty lines at the end.
fn same(wrote: &[u8], right: &[u8]) -> bool {
    let lines = |text: &'_ [u8]| -> Vec<Vec<u8>> {
        let lines = text.split(|byte| *byte == b'\n');
        let mut lines: Vec<Vec<u8>> = lines.map(|line| line.trim_ascii_end().to_vec()).collect();
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        lines
    };
    lines(wrote) == lines(right)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_space_at_the_ends_of_lines_does_not_count() {
        assert!(same(b"1 2 \r\n3\n\n", b"1 2\n3"));
        assert!(!same(b"1 2\n3", b"1  2\n3"));
        assert!(!same(b"\n1", b"1"));
        assert!(!same(b"", b"0"));
    }
}
