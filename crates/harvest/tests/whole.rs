//! A small repository with a history, harvested as a whole: what stands where, that it is the same
//! again, and that the folder is there whole or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod repository;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use repository::{Repository, source};
use serde_json::Value;
use skillbelt_harvest::{LANGUAGES, Plan, Report, Seed, SplitBy, Task, harvest};

fn plan(path: &Path, out: &Path) -> Plan {
    Plan {
        paths: vec![path.to_owned()],
        out: out.to_owned(),
        tasks: Task::ALL
            .into_iter()
            .filter(|task| *task != Task::Flaky)
            .collect(),
        languages: LANGUAGES.into_iter().collect(),
        split: SplitBy::File,
        seed: Seed(1),
        max_rows: None,
        junit: Vec::new(),
        base: "pocket".into(),
        commits: 100,
        force: false,
    }
}

fn rows(out: &Path, name: &str) -> Vec<Value> {
    let Ok(text) = fs_err::read_to_string(out.join(name)) else {
        return Vec::new();
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn all_rows(out: &Path, task: &str) -> Vec<(&'static str, Value)> {
    let of = |split: &'static str| {
        let rows = rows(out, &format!("{task}.{split}.jsonl"));
        rows.into_iter().map(move |row| (split, row))
    };
    ["train", "valid", "test"]
        .into_iter()
        .flat_map(of)
        .collect()
}

/// Every file of a folder.
fn contents(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs_err::read_dir(out).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs_err::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// Files of functions with documentation, and a history in which one is fixed and one copied.
fn repository(files: usize) -> Repository {
    let repository = Repository::new();
    for number in 0..files {
        repository.write(&format!("pkg/m{number}.py"), &source(number));
    }
    repository.commit("Add everything", 1_000);
    let broken = "def pick(rows, start, end):\n    found = []\n    for row in rows:\n        if row.number > start and row.number < end:\n            found.append(row)\n    return sorted(found)\n";
    repository.write("pkg/fix.py", broken);
    repository.write("pkg/one.py", COPIED);
    repository.commit("Add picking", 2_000);
    repository.write("pkg/fix.py", &broken.replace("> start", ">= start"));
    repository.commit("Fix lost first row in pick", 3_000);
    repository.write("pkg/two.py", COPIED);
    repository.commit("Add another reader", 4_000);
    repository.write(
        "pkg/two.py",
        &COPIED.replace(
            "return total, count",
            "count += len(extra)\n    return count, total",
        ),
    );
    repository.commit("Count extra", 5_000);
    repository
}

const COPIED: &str = "def gather(lines, extra):\n    total = 0\n    count = 0\n    for line in lines:\n        parts = line.split(',')\n        if len(parts) > 3 and parts[0] != 'x':\n            total += int(parts[1]) * int(parts[2])\n            count += 1\n        else:\n            extra.append(parts)\n    return total, count\n";

#[test]
fn every_task_has_rows_that_say_where_they_come_from_and_splits_share_no_group() {
    let repository = repository(60);
    let out = repository.beside("out");
    let report = harvest(&plan(repository.path(), &out), &|_| {}).unwrap();
    assert_eq!(report.warnings, Vec::<String>::new());
    let mut by_group: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for task in ["search", "summarize", "generate", "clone", "defect_mutated"] {
        let rows = all_rows(&out, task);
        assert!(rows.len() > 20, "{task}: {} rows\n{report}", rows.len());
        let ids: BTreeSet<&str> = rows
            .iter()
            .map(|(_, row)| row["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), rows.len(), "{task}: ids given twice");
        for (split, row) in &rows {
            for key in [
                "path", "line", "function", "project", "commit", "how", "group",
            ] {
                assert!(!row[key].is_null(), "{task}: {key} in {row}");
            }
            by_group
                .entry(row["group"].as_str().unwrap().into())
                .or_default()
                .insert(split);
        }
    }
    assert!(by_group.values().all(|splits| splits.len() == 1));
    let splits: BTreeSet<&str> = by_group.values().flatten().copied().collect();
    assert_eq!(splits.len(), 3);
    for told in &report.tasks {
        assert!(told.census.closes(), "{}", told.task);
    }
    for census in [
        &report.files,
        &report.functions,
        &report.folders,
        &report.commits,
        &report.fixes,
        &report.copies,
    ] {
        assert!(census.closes());
    }
}

#[test]
fn documentation_is_in_no_candidate_and_every_pair_has_both_labels() {
    let repository = repository(60);
    let out = repository.beside("out");
    harvest(&plan(repository.path(), &out), &|_| {}).unwrap();
    for (_, row) in all_rows(&out, "search") {
        let (query, code) = (
            row["query"].as_str().unwrap(),
            row["candidate"].as_str().unwrap(),
        );
        assert!(
            query.starts_with("Collects what is") && !code.contains("Collects"),
            "{row}"
        );
    }
    let clones = all_rows(&out, "clone");
    let made = |label: u64| {
        let fits = |row: &Value| row["label"] == label && row["how"] != "copied in history";
        clones.iter().filter(|(_, row)| fits(row)).count()
    };
    assert_eq!(made(0), made(1));
    assert!(clones.iter().all(|(_, row)| row["text"] != row["text_b"]));
}

#[test]
fn history_gives_the_fixed_function_and_the_copied_one() {
    let repository = repository(30);
    let out = repository.beside("out");
    let report = harvest(&plan(repository.path(), &out), &|_| {}).unwrap();
    let fixed = all_rows(&out, "defect_history");
    let told: Vec<(u64, bool)> = fixed
        .iter()
        .map(|(_, row)| {
            (
                row["label"].as_u64().unwrap(),
                row["text"].as_str().unwrap().contains(">= start"),
            )
        })
        .collect();
    assert_eq!(told, [(1, false), (0, true)], "{report}");
    assert_ne!(fixed[0].1["commit"], fixed[1].1["commit"]);
    let copied: Vec<Value> = all_rows(&out, "clone")
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| row["how"] == "copied in history")
        .collect();
    // The two may stand in two splits; then the pair is counted and not made.
    assert_eq!(report.copies.all, 1, "{report}");
    assert_eq!(copied.len() as u64, report.copies.used);
    // What is made and what is found are never in one file.
    assert!(all_rows(&out, "defect_mutated").iter().all(|(_, row)| {
        let how = row["how"].as_str().unwrap();
        how == "as it is" || how.starts_with("mutated: ")
    }));
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_the_number_of_threads() {
    let repository = repository(40);
    let run = |name: &str, threads: usize, seed: u64| {
        let out = repository.beside(name);
        let mut plan = plan(repository.path(), &out);
        plan.seed = Seed(seed);
        plan.max_rows = Some(40);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| harvest(&plan, &|_| {})).unwrap();
        contents(&out)
    };
    let once = run("one", 1, 7);
    assert_eq!(once, run("four", 4, 7));
    assert_ne!(once, run("other", 1, 8));
}

#[test]
fn a_function_that_nearly_stands_in_another_split_is_taken_out_of_the_later_one() {
    let repository = Repository::new();
    for number in 0..60 {
        // Nearly the same text in every file.
        let text = source(0).replace("return kept", &format!("return kept[{number}:]"));
        repository.write(&format!("m{number}.py"), &text);
    }
    repository.commit("Add", 1_000);
    let out = repository.beside("out");
    let report = harvest(&plan(repository.path(), &out), &|_| {}).unwrap();
    let near = &report.functions.left_out["nearly the same as one of another split"];
    assert!(near.count >= 10, "{report}");
    for task in ["search", "clone", "defect_mutated"] {
        assert!(
            all_rows(&out, task)
                .iter()
                .all(|(split, _)| *split == "train"),
            "{task}"
        );
    }
}

#[test]
fn by_project_and_by_time_groups_are_what_they_say() {
    let repository = repository(60);
    let out = repository.beside("time");
    let mut by_time = plan(repository.path(), &out);
    by_time.split = SplitBy::Time;
    harvest(&by_time, &|_| {}).unwrap();
    let last = all_rows(&out, "defect_mutated");
    let of = |path: &str| {
        let found = last
            .iter()
            .find(|(_, row)| row["path"].as_str().unwrap().ends_with(path));
        found.map(|(split, _)| *split)
    };
    assert_eq!(of("two.py"), Some("test"));
    let plain = Repository::plain();
    for project in ["a", "b", "c", "d"] {
        for number in 0..8 {
            let name = format!("{project}/src/m{number}.py");
            plain.write(
                &name,
                &source(project.len() * 100 + number * 7 + usize::from(project.as_bytes()[0])),
            );
        }
    }
    let out = plain.beside("project");
    let mut by_project = plan(plain.path(), &out);
    by_project.split = SplitBy::Project;
    let report = harvest(&by_project, &|_| {}).unwrap();
    assert_eq!(
        (report.groups.train, report.groups.valid, report.groups.test),
        (2, 1, 1)
    );
    let mut no_time = plan(plain.path(), &plain.beside("none"));
    no_time.split = SplitBy::Time;
    let error = harvest(&no_time, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("no history") && error.hint().is_some());
}

#[test]
fn an_earlier_harvest_is_replaced_only_when_asked_and_nothing_else_ever_is() {
    let repository = repository(20);
    let out = repository.beside("out");
    let mut plan = plan(repository.path(), &out);
    harvest(&plan, &|_| {}).unwrap();
    let before = contents(&out);
    assert!(
        harvest(&plan, &|_| {})
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("--force")
    );
    assert_eq!(contents(&out), before);
    plan.force = true;
    plan.tasks = BTreeSet::from([Task::Search]);
    harvest(&plan, &|_| {}).unwrap();
    assert!(!out.join("clone.train.jsonl").exists());
    let foreign = repository.beside("foreign");
    fs_err::create_dir_all(&foreign).unwrap();
    fs_err::write(foreign.join("thesis.txt"), "years of work").unwrap();
    plan.out.clone_from(&foreign);
    assert!(harvest(&plan, &|_| {}).is_err());
    assert_eq!(
        fs_err::read_to_string(foreign.join("thesis.txt")).unwrap(),
        "years of work"
    );
    // Nothing is left of what was written aside.
    let names: Vec<String> = fs_err::read_dir(out.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".harvest"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_folder_of_a_repository_knows_the_history_around_it() {
    let repository = repository(30);
    let out = repository.beside("out");
    let report = harvest(&plan(&repository.path().join("pkg"), &out), &|_| {}).unwrap();
    assert_eq!(all_rows(&out, "defect_history").len(), 2, "{report}");
    let (_, row) = &all_rows(&out, "search")[0];
    assert!(row["path"].as_str().unwrap().starts_with("pkg/") && row["project"] == "repo");
    assert!(row["commit"].is_string());
}

#[test]
fn nothing_to_harvest_is_an_error_that_says_why() {
    let plain = Repository::plain();
    plain.write("notes.txt", "no source");
    plain.write("vendor/a.py", &source(1));
    let out = plain.beside("out");
    let error = harvest(&plan(plain.path(), &out), &|_| {}).unwrap_err();
    assert!(error.to_string().contains("nothing to harvest"), "{error}");
    assert!(!out.exists());
    let missing = plan(&plain.path().join("nowhere"), &out);
    let error = harvest(&missing, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("nowhere") && error.hint().is_some());
}

#[test]
fn what_was_counted_is_written_as_json_and_as_text() {
    let repository = repository(20);
    let out = repository.beside("out");
    let report: Report = harvest(&plan(repository.path(), &out), &|_| {}).unwrap();
    let json: Value =
        serde_json::from_str(&fs_err::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(json, serde_json::to_value(&report).unwrap());
    let text = fs_err::read_to_string(out.join("summary.txt")).unwrap();
    assert!(
        text.contains("functions: ") && text.contains("defect_mutated: "),
        "{text}"
    );
    let recipe = fs_err::read_to_string(out.join("recipe.yaml")).unwrap();
    assert!(
        recipe.contains("base: pocket") && recipe.contains("train: search.train.jsonl"),
        "{recipe}"
    );
}
