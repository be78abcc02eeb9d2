//! Which moment is shipped, which tasks leave, and what stands in the run folder.

use skillbelt_train::disk::faults::Faults;
use skillbelt_train::recipe::Policy;
use skillbelt_train::run::Finished;

use crate::toy::{Notes, Toy};

#[test]
fn the_run_folder_holds_what_a_reader_needs() {
    let toy = Toy::default();
    let folder = crate::toy::folder();
    let finished = toy.run(folder.path(), false).unwrap();
    let Finished::Complete { belt, summary, .. } = finished else {
        panic!("not complete");
    };
    assert_eq!(belt, folder.path().join("belt"));
    assert!(
        summary.contains("near") && summary.contains("policy: mean"),
        "{summary}"
    );
    let read = |name: &str| fs_err::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("recipe.yaml"), "base: none\n");
    assert_eq!(read("summary.txt"), summary);
    let facts: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    for key in ["cpu", "cores", "memory_kib", "kernel", "threads"] {
        assert!(facts["machine"].get(key).is_some(), "{key}");
    }
    assert!(facts["costs"]["tokens"].as_u64().unwrap() > 0);
    assert!(facts["costs"]["peak_memory_kib"].as_u64() > Some(0));
    let lines: Vec<serde_json::Value> = read("metrics.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert!(kinds("train") > 5 && kinds("valid") > 5);
    assert_eq!(kinds("test"), 2, "test rows are asked once");
    for task in ["near", "far"] {
        let path = folder.path().join(format!("answers/{task}.test.jsonl"));
        let answers = skillbelt_train::evaluate::read(&path).unwrap();
        assert!(!answers.is_empty(), "{task}");
    }
    let leftovers: Vec<String> = fs_err::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".writing") || name.ends_with(".old"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn the_last_policy_ships_the_last_step_and_others_the_best_moment() {
    for policy in [Policy::Last, Policy::Mean, Policy::WorstRegret] {
        let mut toy = Toy::default();
        // A rate that overshoots at the end of the warm-up and never settles.
        toy.training.learning_rate = 0.4;
        toy.training.num_epochs = 6.0;
        toy.evaluation.policy = policy;
        let folder = crate::toy::folder();
        let Finished::Complete { shipped, steps, .. } = toy.run(folder.path(), false).unwrap()
        else {
            panic!("not complete");
        };
        let report = fs_err::read(folder.path().join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["shipped_step"], shipped);
        let evaluations = report["evaluations"].as_array().unwrap();
        let mean = |e: &serde_json::Value| {
            let good = |task: usize| e["good"][task].as_f64().unwrap();
            (good(0) + good(1)) / 2.0
        };
        let best = evaluations
            .iter()
            .max_by(|a, b| mean(a).total_cmp(&mean(b)))
            .unwrap();
        match policy {
            Policy::Last => assert_eq!(shipped, steps),
            Policy::Mean => assert_eq!(best["step"], shipped),
            Policy::WorstRegret => assert!(report["worst_regret"].as_f64().unwrap() >= 0.0),
        }
    }
}

#[test]
fn a_task_that_no_longer_rises_leaves_the_mix_and_the_run_ends_when_all_have() {
    let mut toy = Toy::default();
    toy.training.freeze_after = 2;
    toy.training.learning_rate = 0.5;
    toy.training.num_epochs = 60.0;
    let folder = crate::toy::folder();
    let mut notes = Notes::default();
    let finished = toy
        .run_with(folder.path(), false, Faults::none(), &mut notes)
        .unwrap();
    assert_eq!(notes.frozen.len(), 2, "{:?}", notes.frozen);
    let Finished::Complete { steps, .. } = finished else {
        panic!("not complete");
    };
    assert_eq!(steps, notes.steps);
    assert!(steps < 480);
}

#[test]
fn the_event_file_is_a_chain_of_whole_records_after_a_death_too() {
    let toy = Toy::default();
    let folder = crate::toy::folder();
    let faults = Faults::death_at("after-step", 8);
    let died = toy.run_with(folder.path(), false, faults, &mut Notes::default());
    assert!(died.is_err());
    toy.run(folder.path(), true).unwrap();
    let files: Vec<_> = fs_err::read_dir(folder.path().join("tensorboard"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    let bytes = fs_err::read(&files[0]).unwrap();
    let (mut at, mut scalars) = (0, 0);
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let data = &bytes[at + 12..at + 12 + length];
        scalars += usize::from(data.windows(6).any(|part| part == b"train/"));
        at += length + 16;
    }
    assert_eq!(at, bytes.len());
    let log = fs_err::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
    let lines = log
        .lines()
        .filter(|line| line.contains(r#""kind":"train""#))
        .count();
    assert_eq!(scalars, 4 * lines, "four numbers for each line of the log");
}
