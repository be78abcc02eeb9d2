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
