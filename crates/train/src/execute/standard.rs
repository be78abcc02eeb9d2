//! Programs that read their input and write their output, compiled where they must be, judged by
//! comparing what they wrote with what is right, here and not where they run.

use skillbelt_sandbox::{End, Sandbox};

use super::Settings;
use super::language::Toolchains;
use super::problem::{Problem, Tests};
use super::sample::Sample;
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
    let compiled = match toolchains.compiler(*language, &source)? {
        None => None,
        Some(compiler) => {
            let ending = sandbox.run(&compiler, b"")?;
            match (ending.end, ending.collected) {
                (End::Exited(0), Some(program)) => Some(program),
                (End::Exited(_), _) => return Ok(Verdict::DidNotParse),
                (End::CpuTime | End::WallTime, _) => return Ok(Verdict::Timeout),
                _ => return Ok(Verdict::DidNotParse),
            }
        }
    };
    let runner = toolchains.runner(*language, &source, compiled, &settings.limits)?;
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
