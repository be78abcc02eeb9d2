//! `skillbelt advise`, on runs of the real program: looks change no byte of a belt, and the answer
//! has its form and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;
mod trained;

use asked::{Answer, command, run};
use trained::{Bench, KINDS, Kind};

fn advise(arguments: &[&str]) -> Answer {
    run(&mut command(&[&["advise"], arguments].concat()), b"")
}

fn looked_at(bench: &Bench, name: &str) {
    let ended = bench.run(name, |command| {
        command.args(["--advise-every", "2"]);
    });
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

fn chosen(names: &[&str]) -> Vec<Kind> {
    KINDS
        .into_iter()
        .filter(|kind| names.contains(&kind.name))
        .collect()
}

#[test]
fn looks_change_no_byte_of_any_belt_and_the_runs_give_advice() {
    for kind in chosen(&["lora", "task_lora", "prefix", "full", "qlora", "int8_lora"]) {
        let bench = Bench::new(kind).epochs("1");
        bench.ends_well("plain", "without looks");
        looked_at(&bench, "looked");
        bench.assert_same("looked", &bench.outcome("plain"), "looked at");
        let path = bench.output("looked");
        let answer = advise(&[path.to_str().unwrap(), "--json", "--draws", "50"]);
        assert_eq!(answer.code, Some(0), "{} {}", kind.name, answer.err);
        let advice = &answer.rows()[0];
        let tasks = advice["prediction"]["matrix"]["tasks"].as_array().unwrap();
        assert_eq!(tasks.len(), 2, "{}", kind.name);
        assert!(advice["prediction"]["agreement"]["cells"][0][1].is_number());
        assert!(!advice["parts"].as_array().unwrap().is_empty());
        assert!(advice["factors"][0]["tokens"].as_u64().unwrap() > 0);
    }
}

#[test]
fn advice_is_text_for_people_and_what_cannot_be_done_ends_with_2() {
    let bench = Bench::new(chosen(&["lora"])[0]).epochs("1");
    looked_at(&bench, "looked");
    bench.ends_well("plain", "without looks");
    let (looked, plain) = (bench.output("looked"), bench.output("plain"));
    let (looked, plain) = (looked.to_str().unwrap(), plain.to_str().unwrap());
    let answer = advise(&[looked]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    for part in [
        "proposed belts",
        "look-ahead affinity",
        "data quality",
        "mark",
    ] {
        assert!(answer.out.contains(part), "{part} in\n{}", answer.out);
    }
    assert_eq!(advise(&[looked]).out, answer.out, "the same answer again");
    let refused = advise(&[looked, plain]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.out.is_empty() && refused.err.contains("was not looked at"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("hint: train with"), "{}", refused.err);
    assert_eq!(advise(&[]).code, Some(2));
    assert_eq!(advise(&["nowhere"]).code, Some(2));
}
