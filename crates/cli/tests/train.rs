//! `skillbelt train`: flags over recipes, problems all at once, exit codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use std::path::Path;

use asked::{Answer, command, golden, run};

/// A folder with a recipe for a small base and a data file that is there.
fn recipe(folder: &Path) -> String {
    let base = golden("bert");
    let text = format!(
        "base: {}\nbelt: lora\ntasks:\n  t: {{type: classify, train: rows.jsonl, valid: rows.jsonl, max_length: 32}}\noutput: run\n",
        base.canonicalize().unwrap().display()
    );
    let rows = "{\"text\": \"f(a)\", \"label\": 0}\n{\"text\": \"g(b)\", \"label\": 1}\n";
    fs_err::write(folder.join("rows.jsonl"), rows).unwrap();
    let path = folder.join("r.yaml");
    fs_err::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn train(rest: &[&str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let path = recipe(folder.path());
    run(&mut command(&[&["train", &path], rest].concat()), b"")
}

#[test]
fn a_sound_recipe_is_summed_up_and_nothing_is_trained() {
    let answer = train(&["--check", "--lora-r", "4", "--max-steps=3", "-o", "there"]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    for part in ["lora", "t: classify", "3 steps", "output  there"] {
        assert!(answer.out.contains(part), "{part} in {}", answer.out);
    }
}

#[test]
fn flags_stand_in_the_printed_recipe_with_their_names() {
    let answer = train(&[
        "--print",
        "--learning-rate",
        "1e-3",
        "--set",
        "tasks.t.weight=2",
        "--belt",
        "dora",
    ]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    for line in [
        "learning_rate: 0.001  # flag --learning-rate",
        "weight: 2.0  # flag --set tasks.t.weight",
        "kind: dora  # flag --belt",
        "type: classify  # r.yaml:4",
    ] {
        assert!(answer.out.contains(line), "{line} in {}", answer.out);
    }
}

#[test]
fn every_problem_is_told_and_the_code_is_two() {
    let answer = train(&[
        "--check",
        "--adam-beta1",
        "1",
        "--target-modules",
        "query,valve",
        "--set",
        "tasks.t.max_length=9999",
    ]);
    assert_eq!(answer.code, Some(2));
    for part in [
        "flag --adam-beta1: `training.adam_beta1`",
        "the base has no site `valve`",
        "did you mean `value`?",
        "positions",
        "for 3 reasons",
    ] {
        assert!(answer.err.contains(part), "{part} in {}", answer.err);
    }
    let answer = train(&["--check", "--learning-rate", "fast"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("expected a number, found `fast`"),
        "{}",
        answer.err
    );
}

#[test]
fn the_help_groups_the_keys_of_a_recipe_by_section() {
    let answer = run(&mut command(&["train", "--help"]), b"");
    assert_eq!(answer.code, Some(0));
    for part in [
        "Belt:",
        "Training:",
        "Evaluation:",
        "--lora-r",
        "--warmup-ratio",
        "--policy",
        "--set",
    ] {
        assert!(answer.out.contains(part), "{part} in {}", answer.out);
    }
}
