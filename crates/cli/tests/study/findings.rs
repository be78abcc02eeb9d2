//! What a study finds, and that it does again only what is new.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use skillbelt_train::study::results::{CellState, Comparison, Results};

use crate::tiny::{PLAN, SMALL, Tiny, comparable};

fn keys(results: &Results) -> BTreeSet<String> {
    results.cells.iter().map(|cell| cell.key.clone()).collect()
}

/// The mean of the differences of the seeds, from the answers' own measures.
fn checked(results: &Results, row: &Comparison) {
    let value = |key: &str| {
        let cell = results.cells.iter().find(|cell| cell.key == key).unwrap();
        let outcome = cell.outcome.as_ref().unwrap();
        outcome.tasks[&row.task]
            .test
            .as_ref()
            .unwrap()
            .value
            .unwrap()
    };
    let each = row
        .seeds
        .iter()
        .map(|pair| value(&pair.a_cell) - value(&pair.b_cell));
    let mean = each.sum::<f64>() / row.seeds.len() as f64;
    assert!((row.difference - mean).abs() < 1e-12, "{row:?}");
    let interval = row.interval.unwrap();
    assert!(interval.low <= interval.high);
    assert!(row.p_holm.unwrap() >= row.p.unwrap());
    assert_eq!(row.seeds.len(), 2);
}

#[test]
fn every_table_is_made_of_the_cells_that_it_names() {
    let tiny = Tiny::new(PLAN);
    let results = tiny.finds("out", &[]);
    // Three alone, three pairs that are also all but one, all, untrained; three in full; two seeds.
    assert_eq!(results.cells.len(), 22);
    assert_eq!((results.state.done, results.state.cells), (22, 22));
    tiny.assert_each_once("out", 22);
    let tables = &results.tables;
    for (rows, count) in [
        (&tables.multi_minus_single, 3),
        (&tables.belt_minus_full, 6),
        (&tables.pairs, 6),
        (&tables.leave_one_out, 6),
        (&tables.trained_minus_untrained, 6),
    ] {
        assert_eq!(rows.len(), count);
        rows.iter().for_each(|row| checked(&results, row));
    }
    // A negative control: the same rows of other seeds would be found out.
    let mut wrong = tables.multi_minus_single[0].clone();
    wrong.difference += 1e-6;
    assert!(std::panic::catch_unwind(|| checked(&results, &wrong)).is_err());
    let both =
        |cell: &&skillbelt_train::study::results::Cell| cell.arms == ["pairs", "leave_one_out"];
    assert_eq!(results.cells.iter().filter(both).count(), 6);
    let best = &tables.groupings[0];
    assert_eq!((best.regret, best.belt.as_str()), (0.0, "lora"));
    assert_eq!(
        tables
            .groupings
            .iter()
            .filter(|row| row.belt == "lora")
            .count(),
        5
    );
    let cell = &results.cells[0];
    let outcome = cell.outcome.as_ref().unwrap();
    assert!(outcome.cost.trained_parameters > 0 && outcome.cost.stored_bytes > 0);
    assert!(
        outcome
            .recipe
            .contains("train: mark-train.jsonl  # plan.yaml:8"),
        "{}",
        outcome.recipe
    );
    assert!(
        outcome
            .recipe
            .contains("mixing: turns  # preset study: equal budgets")
    );
    let curve = &outcome.tasks["mark"].curve;
    assert_eq!(
        curve
            .train_loss
            .iter()
            .map(|(step, _)| *step)
            .collect::<Vec<_>>(),
        [2, 4, 6, 8]
    );
    assert_eq!(
        curve
            .valid
            .iter()
            .map(|(step, _)| *step)
            .collect::<Vec<_>>(),
        [0, 4, 8]
    );
}

/// Rows and tokens of each task, by logging step.
fn eaten(tiny: &Tiny, key: &str) -> BTreeMap<String, Vec<(u64, u64, u64)>> {
    let log = tiny
        .path("out")
        .join("cells")
        .join(key)
        .join("metrics.jsonl");
    let mut eaten: BTreeMap<String, Vec<(u64, u64, u64)>> = BTreeMap::new();
    for line in fs_err::read_to_string(log).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["kind"] == "train" {
            let number = |key: &str| line[key].as_u64().unwrap();
            let task = line["task"].as_str().unwrap().to_owned();
            let entry = (number("step"), number("units"), number("tokens"));
            eaten.entry(task).or_default().push(entry);
        }
    }
    eaten
}

#[test]
fn a_task_sees_the_same_batches_in_every_arm() {
    let tiny = Tiny::new(PLAN);
    let results = tiny.finds("out", &[]);
    // By task and seed, what its steps ate.
    let mut alone = BTreeMap::<_, Vec<_>>::new();
    for cell in results
        .cells
        .iter()
        .filter(|cell| cell.arms != ["untrained"])
    {
        for (task, found) in eaten(&tiny, &cell.key) {
            let expected = alone
                .entry((task, cell.seed))
                .or_insert_with(|| found.clone());
            assert_eq!(found, *expected, "{}", cell.name);
        }
    }
    // The control: another seed has other batches.
    assert_ne!(alone[&("find".into(), 0)], alone[&("find".into(), 1)]);
}

#[test]
fn more_seeds_arms_and_tasks_keep_what_is_finished() {
    let tiny = Tiny::new(SMALL);
    let first = tiny.finds("out", &[]);
    assert_eq!(first.cells.len(), 3);
    let again = tiny.finds("out", &[]);
    assert_eq!(comparable(&first), comparable(&again));
    assert!(tiny.claims("out").values().all(|claims| claims.len() == 1));
    tiny.plan(&SMALL.replace("seeds: [0]", "seeds: [0, 7]"));
    let more = tiny.finds("out", &[]);
    assert_eq!(more.cells.len(), 6);
    assert!(keys(&first).is_subset(&keys(&more)));
    assert!(tiny.claims("out").values().all(|claims| claims.len() == 1));
    let third = "  find: {type: retrieve, fields: {query: a, candidate: b}, train: find-train.jsonl, test: find-test.jsonl, max_length: 32}\ntraining";
    tiny.plan(
        &SMALL
            .replace("training", third)
            .replace("multi]", "multi, pairs]"),
    );
    let wider = tiny.finds("out", &[]);
    // What was trained together is now a pair.
    assert!(keys(&first).is_subset(&keys(&wider)));
    assert_eq!(wider.cells.len(), 7);
    // The control: another learning rate is another cell.
    tiny.plan(&SMALL.replace("5.0e-3", "4.0e-3"));
    assert!(keys(&tiny.finds("out", &[])).is_disjoint(&keys(&first)));
}

#[test]
fn a_study_that_is_not_finished_shows_what_it_has() {
    let tiny = Tiny::new(SMALL);
    let some = tiny.finds("out", &["--max-cells", "2"]);
    assert_eq!((some.state.done, some.state.waiting), (2, 1));
    assert!(some.tables.multi_minus_single.is_empty());
    assert_eq!(some.tables.means.len(), 2);
    let waiting = some
        .cells
        .iter()
        .find(|cell| cell.state == CellState::Waiting)
        .unwrap();
    assert!(waiting.outcome.is_none());
    let one = tiny.finds("out", &["--only", "multi"]);
    assert_eq!(one.state.done, 3);
    assert!(
        one.warnings
            .iter()
            .any(|warning| warning.contains("one seed"))
    );
}

#[test]
fn answers_from_elsewhere_are_an_arm_like_any_other() {
    let tiny = Tiny::new(SMALL);
    let first = tiny.finds("out", &["--only", "single"]);
    let single = first
        .cells
        .iter()
        .find(|cell| cell.tasks == ["mark"])
        .unwrap();
    let answers = tiny
        .path("out")
        .join("cells")
        .join(&single.key)
        .join("answers/mark.test.jsonl");
    fs_err::create_dir(tiny.path("asked")).unwrap();
    fs_err::copy(&answers, tiny.path("asked/mark.test.jsonl")).unwrap();
    let plan = SMALL.replace("[single, multi]", "[single, multi, prompted]");
    tiny.plan(&(plan + "prompts: {zero_shot: {answers: asked}}\n"));
    let results = tiny.finds("out", &[]);
    assert_eq!(results.cells.len(), 4);
    let rows = &results.tables.belt_minus_prompted;
    assert_eq!(
        rows.len(),
        2,
        "alone and together, of the one task that was asked"
    );
    let same = rows.iter().find(|row| row.a.tasks == ["mark"]).unwrap();
    assert_eq!((same.difference, same.p), (0.0, Some(1.0)));
    assert_eq!(same.b.belt, "zero_shot");
    // Another row than the cells were asked: both cells and the row are named.
    let text = fs_err::read_to_string(&answers).unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    let name = serde_json::from_str::<Value>(line).unwrap()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    tiny.write(
        "asked/mark.test.jsonl",
        &(line.replace(&name, "stranger") + "\n" + rest),
    );
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2));
    let told = format!(
        "task `mark`: the test rows of `tiny lora mark 0` and `zero_shot mark` do not match: `{name}` is only in the first"
    );
    assert!(ended.out.contains(&told), "{told}\nin\n{}", ended.out);
}
