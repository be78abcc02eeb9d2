//! `skillbelt score`: what it prints, writes and refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use asked::{command, golden, run};

#[test]
fn predictions_are_scored_printed_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (gold, said, out) = (path("gold.txt"), path("said.txt"), path("out.json"));
    fs_err::write(&gold, "1\t0\n2\t1\n3\t1\n").unwrap();
    fs_err::write(&said, "3\t1\n1\t0\n2\t0\n").unwrap();
    let arguments = [
        "score",
        "--task",
        "defect",
        "--answers",
        &gold,
        "--predictions",
        &said,
    ];
    let told = run(command(&arguments).args(["--out", &out]), b"");
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    assert!(
        told.out.starts_with("defect: 3 examples\naccuracy"),
        "{}",
        told.out
    );
    assert!(
        told.out.contains(" 0.6667  0.") && told.out.contains("2000 draws"),
        "{}",
        told.out
    );
    let json = run(
        command(&arguments).args(["--json", "--measure", "accuracy,mcc"]),
        b"",
    );
    let row = json.rows().remove(0);
    assert_eq!(row["measures"]["accuracy"]["value"], 2.0 / 3.0);
    assert_eq!(row["measures"].as_object().unwrap().len(), 2);
    let written: serde_json::Value =
        serde_json::from_str(&fs_err::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(written["measures"]["mcc"], row["measures"]["mcc"]);
    fs_err::write(&said, "3\t1\n1\t0\n").unwrap();
    let told = run(&mut command(&arguments), b"");
    assert_eq!((told.code, told.out.as_str()), (Some(2), ""));
    assert!(
        told.err
            .contains("gold.txt:2: 1 of 3 answers have no prediction"),
        "{}",
        told.err
    );
}

#[test]
fn meteor_with_synonyms_is_only_there_with_a_wordnet() {
    let folder = tempfile::tempdir().unwrap();
    let gold = folder.path().join("gold.txt").display().to_string();
    fs_err::write(&gold, "0\tthe function returns\n").unwrap();
    let said = folder.path().join("said.txt").display().to_string();
    fs_err::write(&said, "0\tthe routine yields\n").unwrap();
    let score = |more: &[&str], variable: Option<&std::path::Path>| {
        let arguments = [
            "score",
            "--task",
            "summarize",
            "--answers",
            &gold,
            "--predictions",
            &said,
        ];
        let mut command = command(&arguments);
        command.args(more).env_remove("SKILLBELT_WORDNET");
        if let Some(folder) = variable {
            command.env("SKILLBELT_WORDNET", folder);
        }
        run(&mut command, b"")
    };
    let told = score(&["--measure", "meteor_nltk"], None);
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("meteor_exact_stem"), "{}", told.err);
    assert!(!score(&[], None).out.contains("meteor_nltk"));
    let wordnet = golden("metrics/wordnet");
    for told in [
        score(&["--wordnet", &wordnet.display().to_string()], None),
        score(&[], Some(&wordnet)),
    ] {
        assert_eq!(told.code, Some(0), "{}", told.err);
        assert!(told.out.contains("meteor_nltk") && told.out.contains("meteor_exact_stem"));
    }
    let told = score(&["--wordnet", &gold], None);
    assert_eq!((told.code, told.out.as_str()), (Some(2), ""));
    assert!(
        told.err.contains("hint: a folder with WordNet's files"),
        "{}",
        told.err
    );
}

/// Programs as predictions and answers, one of which does not parse.
fn programs(folder: &std::path::Path) -> (String, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (gold, said) = (path("gold.jsonl"), path("said.jsonl"));
    let row = |key: &str, text: &str| format!("{}\n", serde_json::json!({ key: text }));
    let right = "def f(a):\n    if a:\n        return 1\n    return 2\n";
    let other = "def g(b):\n    return b + 1\n";
    fs_err::write(&gold, row("code", right) + &row("code", other)).unwrap();
    let broken = "def g(:\n    return\n";
    fs_err::write(&said, row("prediction", right) + &row("prediction", broken)).unwrap();
    (gold, said)
}

#[test]
fn programs_are_scored_by_code_bleu_and_quality_beside_the_right_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (gold, said) = programs(folder.path());
    let score = |more: &[&str]| {
        let arguments = ["score", "--task", "generate", "--answers", &gold];
        let mut command = command(&arguments);
        command.args(["--predictions", &said]).args(more);
        run(command.env("PATH", folder.path()), b"")
    };
    let plain = score(&[]);
    assert!(!plain.out.contains("codebleu"), "{}", plain.out);
    let told = score(&[
        "--language",
        "python",
        "--dialect",
        "paper,package",
        "--quality",
    ]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
    for dialect in ["paper", "package"] {
        for part in ["", "_ngram", "_weighted", "_syntax", "_dataflow"] {
            let name = format!("\ncodebleu_{dialect}{part} ");
            assert!(told.out.contains(&name), "{name}{}", told.out);
        }
    }
    let parsed = "\nparsed 1 of 2 (0.5000) 2 of 2 (1.0000)\n";
    let spaced = |text: &str| -> String {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(|line| words(line) + "\n").collect()
    };
    assert!(spaced(&told.out).contains(parsed), "{}", told.out);
    // Two paths in four lines; three paths in six.
    let paths = "\ncyclomatic complexity per parsed line 0.5000 0.5000\n";
    assert!(spaced(&told.out).contains(paths), "{}", told.out);
    for linter in ["pylint", "ruff"] {
        let said = format!("without findings: {linter} is not installed");
        assert!(told.out.contains(&said), "{}", told.out);
    }
    let json = score(&["--language", "py", "--quality", "--json"])
        .rows()
        .remove(0);
    let measures = &json["measures"];
    assert!(
        measures["codebleu_paper"]["interval"]["low"].is_number(),
        "{json}"
    );
    assert_eq!(measures["codebleu_paper"]["dialect"], "arXiv 2009.10297");
    assert!(measures.get("codebleu_package").is_none());
    assert_eq!(json["quality"]["predictions"]["parsed_share"], 0.5);
    assert_eq!(json["quality"]["references"]["parsed_share"], 1.0);
}

#[cfg(unix)]
#[test]
fn what_an_installed_linter_finds_stands_per_parsed_line() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (gold, said) = programs(folder.path());
    let ruff = folder.path().join("ruff");
    let script = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo ruff 9; else \
                  echo '[{\"code\": \"X1\", \"filename\": \"t0.py\"}]'; fi\n";
    fs_err::write(&ruff, script).unwrap();
    fs_err::set_permissions(&ruff, std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["score", "--task", "generate", "--answers", &gold];
    let mut command = command(&arguments);
    command.args([
        "--predictions",
        &said,
        "--language",
        "python",
        "--quality",
        "--json",
    ]);
    let told = run(command.env("PATH", folder.path()), b"");
    let json = told.rows().remove(0);
    let lints = |side: &str| json["quality"][side]["lints"].clone();
    for (side, lines) in [("predictions", 4.0), ("references", 6.0)] {
        let ruff = &lints(side)[1];
        assert_eq!(
            (&ruff["linter"], &ruff["version"]),
            (&"ruff".into(), &"ruff 9".into())
        );
        assert_eq!(ruff["per_line"], 1.0 / lines, "{ruff}");
        assert_eq!(lints(side)[0]["unavailable"], "pylint is not installed");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (gold, said) = programs(folder.path());
    let of = |task: &'static str, more: &[&str]| {
        let arguments = ["score", "--task", task, "--answers", &gold];
        let mut command = command(&arguments);
        run(command.args(["--predictions", &said]).args(more), b"")
    };
    let cases: [(&str, &[&str], &str); 6] = [
        (
            "generate",
            &["--language", "cobol"],
            "`cobol` is not a language that can be parsed",
        ),
        ("generate", &["--quality"], "--language"),
        (
            "defect",
            &["--language", "c"],
            "is not about programs that were written",
        ),
        ("generate", &["--k", "5"], "--task execute runs programs"),
        (
            "execute",
            &["--measure", "bleu"],
            "--measure does not go with --task execute",
        ),
        (
            "generate",
            &["--language", "ts", "--dialect", "package"],
            "codebleu_package does not know typescript",
        ),
    ];
    for (task, more, expected) in cases {
        let told = of(task, more);
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{more:?}");
        assert!(told.err.contains(expected), "{more:?}: {}", told.err);
    }
}

#[test]
fn older_names_of_measures_are_understood_and_the_dialect_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (gold, said) = programs(folder.path());
    let arguments = ["score", "--task", "generate", "--answers", &gold];
    let mut command = command(&arguments);
    command.args(["--predictions", &said, "--measure", "bleu,sacrebleu_13a"]);
    let told = run(&mut command, b"");
    let lines: Vec<&str> = told.out.lines().collect();
    assert!(
        lines[1].starts_with("bleu_codexglue ") && lines[1].contains("CONCODE"),
        "{}",
        told.out
    );
    assert!(lines[2].starts_with("sacrebleu_13a ") && lines[2].contains("tok:13a"));
}
