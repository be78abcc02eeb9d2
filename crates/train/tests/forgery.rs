//! Every file of `attacks/forgery` is a candidate that does not solve its problem and tries to pass
//! all the same. One test for each file; a naive harness, which some of them do fool, is the control.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "a test that is not run says so")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use skillbelt_sandbox::{End, Limits, Python, Sandbox};
use skillbelt_train::execute::{self, Problem, Sample, Settings, Tests, Verdict};

/// States that this machine cannot have a complete sandbox: then attacks are told as not run instead
/// of failing.
const CANNOT: &str = "SKILLBELT_NO_SANDBOX";

/// Of the attacks, this many fool a harness that lives in the process of the candidate.
const FOOL_A_NAIVE_HARNESS: usize = 10;

const TESTS: [&str; 3] = [
    "assert squares(3) == [1, 4, 9]",
    "assert squares(1) == [1]",
    "assert squares(5) == [1, 4, 9, 16, 25]",
];

fn problem() -> Problem {
    Problem {
        id: "squares".to_owned(),
        tests: Tests::Python {
            setup: String::new(),
            reference: "def squares(n): return [i * i for i in range(1, n + 1)]".to_owned(),
            tests: TESTS.map(str::to_owned).to_vec(),
            challenge: Vec::new(),
        },
    }
}

fn settings() -> Settings {
    Settings {
        limits: Limits {
            cpu_seconds: 2,
            wall: Duration::from_secs(10),
            ..Limits::default()
        },
        ..Settings::default()
    }
}

fn verdict(code: &str) -> Result<Verdict, Failed> {
    let sample = Sample {
        problem: 0,
        number: 0,
        code: code.to_owned(),
    };
    let outcomes = execute::run(&[problem()], &[sample], &settings()).map_err(|error| {
        format!("{error}; a test that cannot run fails; {CANNOT}=1 states that this machine cannot")
    })?;
    Ok(outcomes.into_iter().next().unwrap().verdict)
}

fn attacks() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks/forgery");
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| {
        let source = fs_err::read_to_string(file).unwrap();
        let lines: Vec<&str> = source.lines().take(2).collect();
        assert!(
            lines[0].starts_with("# Tries: ") && lines[1].starts_with("# Must: "),
            "{}",
            file.display()
        );
        (
            file.file_stem()
                .unwrap()
                .to_string_lossy()
                .replace('_', " "),
            source,
        )
    };
    files.iter().map(read).collect()
}

/// An attack passes under no name, is judged at all, and is a program.
fn holds(source: &str) -> Result<(), Failed> {
    match verdict(source)? {
        Verdict::Passed | Verdict::DidNotParse => Err("the attack passed, or did not parse".into()),
        // Only a result that cannot be sent may end so, and never for want of a judge.
        Verdict::Unsupported { reason } if !reason.starts_with("a result of type") => {
            Err(reason.into())
        }
        _ => Ok(()),
    }
}

fn honest_candidates_pass() -> Result<(), Failed> {
    let right = [
        "def squares(n): return [i * i for i in range(1, n + 1)]",
        "class Mine(list): pass\ndef squares(n): return Mine(i * i for i in range(1, n + 1))",
        "print('passed')\ndef squares(n):\n    print(n)\n    return [i ** 2 for i in range(1, n + 1)]",
    ];
    for code in right {
        match verdict(code)? {
            Verdict::Passed => {}
            other => return Err(format!("{other:?}: {code}").into()),
        }
    }
    Ok(())
}

/// The tests run in the process of the candidate, and success is its exit code.
fn a_naive_harness_is_fooled(attacks: &[(String, String)]) -> Result<(), Failed> {
    let sandbox = Sandbox::complete()?;
    let python = Python::find(None)?;
    let mut fooled = 0;
    for (_, source) in attacks {
        let naive = format!("{source}\n{}\n", TESTS.join("\n"));
        let ending = sandbox.run(&python.program(&naive, settings().limits), b"")?;
        fooled += usize::from(ending.end == End::Exited(0));
    }
    match fooled >= FOOL_A_NAIVE_HARNESS {
        true => Ok(()),
        false => Err(format!("only {fooled} attacks fool a naive harness").into()),
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let cannot = std::env::var_os(CANNOT).is_some() || cfg!(not(target_os = "linux"));
    if cannot {
        eprintln!("{CANNOT} is set, or this is not Linux: NO ATTACK IS RUN on this machine");
    }
    let attacks = attacks();
    assert!(attacks.len() >= 30, "only {} attacks", attacks.len());
    let mut trials = vec![
        Trial::test("honest candidates pass", honest_candidates_pass),
        Trial::test("a naive harness is fooled by the same attacks", {
            let attacks = attacks.clone();
            move || a_naive_harness_is_fooled(&attacks)
        }),
    ];
    trials.extend(
        attacks
            .into_iter()
            .map(|(name, source)| Trial::test(format!("attack {name}"), move || holds(&source))),
    );
    let trials = trials
        .into_iter()
        .map(|trial| trial.with_ignored_flag(cannot));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
