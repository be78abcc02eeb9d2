//! `skillbelt eval --compare`: two files of answers, and what stops it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use std::path::Path;

use asked::{command, run};

/// Answers with a class: the name, whether it is true, and the logit.
fn answers(path: &Path, rows: &[(String, bool, f32)]) {
    let line = |(name, label, logit): &(String, bool, f32)| {
        let chance = 1.0 / (1.0 + (-logit).exp());
        let word = |yes: bool| if yes { "1" } else { "0" };
        format!(
            r#"{{"name":"{name}","label":"{}","prediction":"{}","probabilities":{{"0":{},"1":{chance}}},"scores":[{logit}]}}"#,
            word(*label),
            word(*logit > 0.0),
            1.0 - chance,
        )
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    fs_err::write(path, lines.join("\n")).unwrap();
}

/// One belt that is always right, and one that is right in half of the cases.
fn two(folder: &Path) -> (String, String) {
    let row = |number: usize, right: bool| {
        let label = number.is_multiple_of(2);
        let logit = if label == right { 1.0 } else { -1.0 };
        (format!("row {number}"), label, logit)
    };
    let (a, b) = (folder.join("a.jsonl"), folder.join("b.jsonl"));
    answers(&a, &(0..80).map(|n| row(n, true)).collect::<Vec<_>>());
    answers(
        &b,
        &(0..80).rev().map(|n| row(n, n % 4 < 2)).collect::<Vec<_>>(),
    );
    (a.display().to_string(), b.display().to_string())
}

#[test]
fn the_difference_is_told_with_its_interval() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = two(folder.path());
    let arguments = ["eval", "--compare", &a, &b, "--measure", "accuracy"];
    let told = run(&mut command(&arguments), b"");
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    assert!(
        told.out.starts_with(
            "accuracy over 80 examples: 1.0000 against 0.5000\ndifference +0.5000, 95% interval +0."
        ),
        "{}",
        told.out
    );
    let json = run(command(&arguments).arg("--json"), b"").rows().remove(0);
    assert_eq!(json["difference"], 0.5);
    assert_eq!(json["interval"]["draws"], 2000);
    let again = run(command(&arguments).args(["--json", "--threads", "3"]), b"");
    assert_eq!(again.rows()[0], json);
}

#[test]
fn of_several_files_every_two_are_compared_and_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = two(folder.path());
    let arguments = ["eval", "--compare", &a, &b, &a, "--measure", "accuracy"];
    let told = run(&mut command(&arguments), b"");
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    for part in ["1 against 2: ", "1 against 3: ", "2 against 3: ", ", Holm "] {
        assert!(told.out.contains(part), "{}", told.out);
    }
    assert!(
        told.out
            .contains("McNemar: right in 40 only, in 0 only; p < 0.0001"),
        "{}",
        told.out
    );
    let json = run(command(&arguments).arg("--json"), b"").rows().remove(0);
    assert_eq!(json["files"].as_array().unwrap().len(), 3);
    let pairs = json["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3);
    assert_eq!(pairs[1]["difference"], 0.0);
    assert_eq!(pairs[1]["p_holm"], 1.0);
    assert_eq!(pairs[0]["by_example"]["test"], "mcnemar");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = two(folder.path());
    let compare = |a: &str, b: &str, measure: &str| {
        let told = run(
            &mut command(&["eval", "--compare", a, b, "--measure", measure]),
            b"",
        );
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""));
        told.err
    };
    let error = compare(&a, &b, "mrr");
    assert!(
        error.contains("no measure `mrr`") && error.contains("hint: there are accuracy"),
        "{error}"
    );
    let text = fs_err::read_to_string(&a).unwrap();
    let short = folder.path().join("short.jsonl");
    fs_err::write(&short, text.split_once('\n').unwrap().1).unwrap();
    let error = compare(&short.display().to_string(), &b, "auc");
    assert!(error.contains("`row 0`"), "{error}");
    fs_err::write(&short, "\n\nno json\n").unwrap();
    let error = compare(&short.display().to_string(), &b, "auc");
    assert!(error.contains("short.jsonl:3: "), "{error}");
}
