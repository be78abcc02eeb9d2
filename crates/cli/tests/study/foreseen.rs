//! The adviser in a study: it looks at the cells of all tasks, changes nothing in them, and is set
//! against the pairs that were trained.

use std::collections::BTreeMap;
use std::path::Path;

use skillbelt_train::advise::rank;
use skillbelt_train::study::results::{Foreseen, Results};

use crate::tiny::{PLAN, SMALL, Tiny};

/// A plan whose cells are looked at.
fn looked(plan: &str) -> String {
    assert!(plan.contains("evaluation: {"));
    plan.replace("evaluation: {", "evaluation: {advise_every: 2, ")
}

/// Trained gains of the pairs in the order of the foreseen ones, from the table of pairs.
fn trained(results: &Results, foreseen: &Foreseen) -> Vec<f64> {
    let of = |task: &str, partner: &str| {
        let mut rows = results.tables.pairs.iter();
        let row = rows.find(|row| row.task == task && row.partner.as_deref() == Some(partner));
        row.unwrap().difference
    };
    let pairs = foreseen.pairs.iter();
    pairs.map(|pair| of(&pair.task, &pair.partner)).collect()
}

#[test]
fn what_was_foreseen_stands_against_the_pairs_that_were_trained() {
    let tiny = Tiny::new(&looked(PLAN));
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = "rank correlation with 6 trained pairs";
    assert!(
        ended.out.contains("foreseen for tiny lora: ") && ended.out.contains(told),
        "{}",
        ended.out
    );
    let results = tiny.results("out");
    let [foreseen] = &results.tables.foreseen[..] else {
        panic!("one belt was trained on all tasks");
    };
    assert_eq!(
        (foreseen.belt.as_str(), &foreseen.seeds[..]),
        ("lora", &[0, 1][..])
    );
    // Before steps 1, 3, 5 and 7 of two runs.
    assert_eq!(
        (foreseen.looks, foreseen.pairs.len(), foreseen.factors.len()),
        (8, 6, 3)
    );
    let measured = trained(&results, foreseen);
    let given: Vec<f64> = foreseen
        .pairs
        .iter()
        .map(|pair| pair.measured.unwrap())
        .collect();
    assert_eq!(given, measured);
    let guessed: Vec<f64> = foreseen
        .pairs
        .iter()
        .map(|pair| pair.foreseen.unwrap())
        .collect();
    let trial = foreseen.trial.as_ref().unwrap();
    let expected = rank::spearman(&guessed, &measured).unwrap();
    assert_eq!((trial.pairs, trial.correlation), (6, Some(expected)));
    // A negative control: turned round, the pairs give the opposite.
    let turned: Vec<f64> = measured.iter().map(|gain| -gain).collect();
    let opposite = rank::spearman(&guessed, &turned).unwrap();
    assert!((opposite + expected).abs() < 1e-12 && expected != 0.0);
    let interval = trial.interval.unwrap();
    assert!(interval.low <= interval.high && interval.low >= -1.0 && interval.high <= 1.0);
    assert!(trial.p_of_tasks.unwrap() >= 1.0 / 6.0 - 1e-12);
    assert!(trial.by_pairs.regret >= 0.0);
    let by_groups = trial.by_groups.as_ref().unwrap();
    let place = by_groups.place as usize - 1;
    let grouping = &results.tables.groupings[place];
    assert_eq!(
        (by_groups.regret, by_groups.interval),
        (grouping.regret, grouping.regret_interval)
    );
    assert_eq!(by_groups.best, results.tables.groupings[0].groups);
    for factors in &foreseen.factors {
        assert!(
            factors.architecture.is_some() && factors.complementarity.is_some(),
            "{factors:?}"
        );
        assert_eq!(factors.rows, 36);
    }
    let page = fs_err::read_to_string(tiny.path("out/study.html")).unwrap();
    for word in [
        "The adviser on trial",
        "Rank correlation",
        "Complementarity",
        "Regret as trained",
    ] {
        assert!(page.contains(word), "{word}");
    }
}

/// Every file under a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => {
                let inner = files(&path).into_iter();
                found.extend(inner.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
            }
            false => {
                found.insert(name, fs_err::read(path).unwrap());
            }
        }
    }
    found
}

/// Belts and answers of the cells of a study by the cells' names, each recipe's hash apart.
fn made(tiny: &Tiny, out: &str, results: &Results) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let of = |key: &str, part: &str| files(&tiny.path(out).join("cells").join(key).join(part));
    let mut made = BTreeMap::new();
    for cell in &results.cells {
        let mut belt = of(&cell.key, "belt");
        belt.retain(|name, _| name.ends_with(".safetensors") || name.ends_with(".bin"));
        assert!(!belt.is_empty(), "{}", cell.name);
        belt.extend(of(&cell.key, "answers"));
        made.insert(cell.name.clone(), belt);
    }
    made
}

#[test]
fn a_study_that_is_looked_at_makes_the_same_belts_and_answers() {
    let tiny = Tiny::new(SMALL);
    let plain = tiny.finds("plain", &[]);
    assert!(plain.tables.foreseen.is_empty());
    tiny.plan(&looked(SMALL));
    let seen = tiny.finds("seen", &[]);
    assert_eq!(seen.tables.foreseen.len(), 1);
    assert!(
        seen.tables.foreseen[0].trial.is_some(),
        "all of two tasks are their pair"
    );
    assert_eq!(made(&tiny, "plain", &plain), made(&tiny, "seen", &seen));
    // The control: another seed makes other belts.
    tiny.plan(&SMALL.replace("seeds: [0]", "seeds: [1]"));
    let other = tiny.finds("other", &[]);
    let weights = |made: BTreeMap<String, BTreeMap<String, Vec<u8>>>| made.into_values().next();
    assert_ne!(
        weights(made(&tiny, "plain", &plain)),
        weights(made(&tiny, "other", &other))
    );
}

#[test]
fn looks_that_cannot_be_read_are_told_and_cost_nothing_else() {
    let tiny = Tiny::new(&looked(SMALL));
    let whole = tiny.finds("out", &[]);
    let multi = whole
        .cells
        .iter()
        .find(|cell| cell.tasks.len() == 2)
        .unwrap();
    let cell = tiny.path("out").join("cells").join(&multi.key);
    let damaged = fs_err::read_to_string(cell.join("advice.jsonl"))
        .unwrap()
        .replace("kind", "kin");
    fs_err::write(cell.join("advice.jsonl"), damaged).unwrap();
    let ended = tiny.run("out", &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.out.contains("advice.jsonl has hash"), "{}", ended.out);
    assert_eq!(tiny.results("out").state.damaged, 1);
}
