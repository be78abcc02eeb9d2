//! What goes wrong in a study: it is told, the other cells are run, and nothing is lost.

use skillbelt_train::study::results::CellState;

use crate::tiny::{SMALL, Tiny, comparable};

#[test]
fn one_cell_that_fails_does_not_keep_the_others_from_being_run() {
    let tiny = Tiny::new(SMALL);
    let good = fs_err::read_to_string(tiny.path("tone-train.jsonl")).unwrap();
    tiny.write("tone-train.jsonl", "{\"text\": \"no label\"}\n");
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("error: cell `tiny lora tone 0`"),
        "{}",
        ended.err
    );
    let results = tiny.results("out");
    assert_eq!((results.state.done, results.state.failed), (1, 2));
    let failed = results
        .cells
        .iter()
        .find(|cell| cell.state == CellState::Failed)
        .unwrap();
    assert!(
        failed.message.as_ref().unwrap().contains("tone"),
        "{failed:?}"
    );
    assert_eq!(results.tables.means.len(), 1);
    // With other rows these are other cells.
    tiny.write("tone-train.jsonl", &good);
    assert_eq!(tiny.finds("out", &[]).state.done, 3);
}

#[test]
fn a_full_disk_stops_a_cell_and_not_the_study() {
    let tiny = Tiny::new(SMALL);
    let whole = tiny.finds("whole", &[]);
    for call in ["write:4", "write:30", "fsync:9", "rename:3"] {
        let out = call.replace(':', "-");
        let mut command = tiny.command(&out, &["--no-estimate"]);
        let ended =
            crate::tiny::Ended::from(command.env("SKILLBELT_FAIL_IO", call).output().unwrap());
        assert_eq!(ended.code, Some(2), "{call}: {ended:?}");
        let results = tiny.results(&out);
        assert_eq!((results.state.done, results.state.failed), (2, 1), "{call}");
        assert_eq!(
            comparable(&tiny.finds(&out, &[])),
            comparable(&whole),
            "{call}"
        );
        tiny.assert_each_once(&out, 3);
    }
}

#[test]
fn a_finished_cell_whose_files_changed_is_shown_as_damaged() {
    let tiny = Tiny::new(SMALL);
    let whole = tiny.finds("out", &[]);
    let cell = tiny.path("out").join("cells").join(&whole.cells[0].key);
    for (name, damage) in [
        ("answers/mark.test.jsonl", Some("")),
        ("report.json", Some("{}")),
        ("metrics.jsonl", None),
        ("done.json", Some("{")),
        ("done.json", None),
    ] {
        let path = cell.join(name);
        let good = fs_err::read(&path).unwrap();
        match damage {
            Some(text) => fs_err::write(&path, text).unwrap(),
            None => fs_err::remove_file(&path).unwrap(),
        }
        let ended = tiny.run("out", &[]);
        assert_eq!(ended.code, Some(2), "{name}");
        let results = tiny.results("out");
        assert_eq!(
            (results.state.done, results.state.damaged),
            (2, 1),
            "{name}"
        );
        let message = results.cells[0].message.clone().unwrap();
        let file = name.split('/').next_back().unwrap();
        assert!(message.contains(file), "{name}: {message}");
        fs_err::write(&path, good).unwrap();
    }
    assert_eq!(comparable(&tiny.finds("out", &[])), comparable(&whole));
    // Moved away, it is run again.
    fs_err::rename(&cell, tiny.path("away")).unwrap();
    assert_eq!(comparable(&tiny.finds("out", &[])), comparable(&whole));
}

#[test]
fn what_cannot_be_begun_is_told_before_anything_is_written() {
    let tiny = Tiny::new(SMALL);
    for (plan, told) in [
        (SMALL.replace("BASE", "./nowhere"), "nowhere"),
        (SMALL.replace("tone-train", "no-train"), "no-train.jsonl"),
        (
            SMALL.replace("metric: auc}\ntraining", "metric: area}\ntraining"),
            "area",
        ),
        (
            SMALL.replace("[lora]", "{a: {kind: lora}, b: {kind: lora}}"),
            "are the same run under two names",
        ),
        (
            SMALL.replace("[lora]", "{lora: {num_virtual_tokens: 4}}"),
            "num_virtual_tokens",
        ),
    ] {
        tiny.plan(&plan);
        let ended = tiny.run("out", &[]);
        assert_eq!(ended.code, Some(2), "{told}: {ended:?}");
        assert!(ended.err.contains(told), "{told} in {}", ended.err);
        assert!(!tiny.path("out").exists(), "{told}");
    }
    tiny.plan(SMALL);
    let ended = tiny.run("out", &["--index", "3"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("the plan has 3 cells, counted from 0"),
        "{}",
        ended.err
    );
}

#[test]
fn the_cost_is_told_before_a_cell_is_run() {
    let tiny = Tiny::new(SMALL);
    let dry = crate::tiny::Ended::from(tiny.command("out", &["--dry-run"]).output().unwrap());
    assert_eq!(dry.code, Some(0), "{dry:?}");
    for part in [
        "3 cells: arms single, multi",
        "3 left",
        "from 2 steps just run",
        "give or take",
    ] {
        assert!(dry.out.contains(part), "{part} in {}", dry.out);
    }
    assert!(!tiny.path("out").exists());
    tiny.finds("out", &["--only", "multi"]);
    let dry = crate::tiny::Ended::from(tiny.command("out", &["--dry-run"]).output().unwrap());
    assert!(
        dry.out.contains("2 left") && dry.out.contains("from 1 finished cell"),
        "{}",
        dry.out
    );
    let shown = tiny.run("out", &["--print"]);
    assert_eq!(
        shown
            .out
            .lines()
            .filter(|line| line.ends_with("done"))
            .count(),
        1,
        "{}",
        shown.out
    );
}

#[test]
fn answers_from_elsewhere_that_cannot_be_read_are_told_with_file_and_line() {
    let tiny = Tiny::new(SMALL);
    let plan = SMALL.replace("[single, multi]", "[single, multi, prompted]");
    let plan = plan + "prompts: {asked: {answers: asked}}\n";
    tiny.plan(&plan);
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("holds no answers to any task"),
        "{}",
        ended.err
    );
    assert!(!tiny.path("out").exists());
    fs_err::create_dir(tiny.path("asked")).unwrap();
    tiny.write("asked/mark.test.jsonl", "{\"name\": \"x\", \"label\"\n");
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("cell `asked mark`") && ended.err.contains("mark.test.jsonl:1"),
        "{}",
        ended.err
    );
    let results = tiny.results("out");
    assert_eq!((results.state.done, results.state.failed), (3, 1));
}

#[test]
fn a_plan_that_is_malformed_is_told_with_its_line() {
    let tiny = Tiny::new(SMALL);
    for (plan, told) in [
        ("arms: [single\n".to_owned(), "plan.yaml:"),
        (SMALL.replace("seeds", "seed"), "`seeds`: is missing"),
        (
            SMALL.replace("{max_steps: 6", "{max_steps: six"),
            "expected a whole number, found `six`",
        ),
        ("{}\n".to_owned(), "`tasks`: is missing"),
    ] {
        tiny.plan(&plan);
        let ended = tiny.run("out", &[]);
        assert_eq!(ended.code, Some(2), "{told}: {ended:?}");
        assert!(ended.err.contains(told), "{told} in {}", ended.err);
        assert!(!tiny.path("out").exists(), "{told}");
    }
}

#[test]
fn a_limit_that_asks_other_rows_for_each_seed_is_warned_of() {
    let tiny = Tiny::new(SMALL);
    let limited = SMALL.replace("tone-test.jsonl,", "tone-test.jsonl, max_eval_rows: 9,");
    tiny.plan(&limited.replace("seeds: [0]", "seeds: [0, 1]"));
    let ended = tiny.run("out", &["--print"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = "`tasks.tone.max_eval_rows`: draws other test rows for each seed";
    assert!(ended.err.contains(told), "{}", ended.err);
    // The control: one seed draws the same rows in every arm.
    tiny.plan(&limited);
    assert!(!tiny.run("out", &["--print"]).err.contains(told));
}
