//! Run folders as they are found: whole, without looks, of other tasks, damaged.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use skillbelt_train::advise::{FILE, advise, read};
use skillbelt_train::evaluate::Draws;

fn tasks(names: &[&str]) -> Value {
    let of = |name: &&str| {
        json!({"name": name, "rows": 10, "tokens": 100, "repeated": 4, "contradicted": 1,
               "held": 16, "held_is_valid": true})
    };
    let all: Vec<Value> = names.iter().map(of).collect();
    json!({"kind": "tasks", "seed": 0, "every": 5, "rate": 0.001, "tasks": all})
}

fn look(step: u64) -> Value {
    json!({"kind": "look", "step": step, "losses": [1.0, null], "norms": [1.0, 2.0],
        "agreement": [[1.0, 0.25], [0.25, 1.0]], "affinity": [[0.02, 0.01], [0.03, 0.04]],
        "parts": [{"layer": "0", "site": "attention", "energy": [0.75, 0.5], "cosines": [0.5]},
                  {"layer": "1", "site": "attention", "energy": [0.25, 0.5], "cosines": [-0.5]}],
        "seconds": 0.5})
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn whole() -> String {
    let looks = (0..6).map(|number| look(5 * number));
    text(
        &std::iter::once(tasks(&["a", "b"]))
            .chain(looks)
            .collect::<Vec<_>>(),
    )
}

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(FILE), text).unwrap();
    folder
}

fn told(path: &Path) -> (String, String) {
    let error = read(path).unwrap_err();
    (error.to_string(), error.hint().unwrap_or_default())
}

#[test]
fn a_whole_folder_gives_numbers_by_their_definitions() {
    let folder = folder(&whole());
    let report = json!({"evaluations": [{"good": [0.5, 0.5]}, {"good": [0.7, 0.4]}, {"good": [0.9, 0.3]},
        {"good": [0.8, 0.2]}], "costs": {"seconds": 30.0}, "more": 1});
    fs_err::write(folder.path().join("report.json"), report.to_string()).unwrap();
    let advice = advise(&[read(folder.path()).unwrap()], &Draws::default()).unwrap();
    let near = |found: Option<f64>, expected: f64| {
        assert!(
            (found.unwrap() - expected).abs() < 1e-9,
            "{found:?} {expected}"
        );
    };
    // Row a: affinity 0.01 / 0.02, row b: 0.03 / 0.04; agreement 0.25 in both.
    near(advice.prediction.matrix.at(0, 1), (0.5 + 0.25) / 2.0);
    near(advice.prediction.matrix.at(1, 0), (0.75 + 0.25) / 2.0);
    let a = &advice.factors[0];
    near(a.complementarity, 0.5);
    near(a.asymmetry, 0.75 - 0.5);
    near(a.noise_repeated, 0.25);
    near(a.data_quality, 0.75);
    near(
        a.architecture,
        1.0 / (2.0 * (0.75f64.powi(2) + 0.25f64.powi(2))),
    );
    // Later half 0.9, 0.8: deviation 0.0707; gained 0.4.
    near(a.stability.map(|s| s.value), 1.0 - (0.005f64).sqrt() / 0.4);
    assert_eq!(advice.factors[1].stability, None, "nothing was gained");
    near(advice.look_share, 3.0 / 30.0);
    assert_eq!(advice.prediction.groups, [["a", "b"]]);
    let page = advice.to_string();
    for part in [
        "10.0% of the time",
        "a + b",
        "100% of 2000 draws",
        "+0.375",
        "note: one run",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

#[test]
fn runs_without_looks_or_with_other_tasks_are_refused_with_a_hint() {
    let empty = tempfile::tempdir().unwrap();
    let (message, hint) = told(empty.path());
    assert!(
        message.contains("was not looked at") && hint.contains("advise_every"),
        "{message} {hint}"
    );
    assert!(
        told(&empty.path().join("nowhere"))
            .0
            .contains("is not a folder")
    );
    let (one, other) = (folder(&whole()), folder(&whole().replace("\"b\"", "\"c\"")));
    let both = [read(one.path()).unwrap(), read(other.path()).unwrap()];
    let error = advise(&both, &Draws::default()).unwrap_err();
    assert!(
        error.to_string().contains("tasks a, b") && error.to_string().contains("a, c"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("seed"));
    let unlooked = folder(&text(&[tasks(&["a", "b"])]));
    let error = advise(&[read(unlooked.path()).unwrap()], &Draws::default()).unwrap_err();
    assert!(
        error.to_string().contains("no look was made yet"),
        "{error}"
    );
    let twice = [read(one.path()).unwrap(), read(one.path()).unwrap()];
    let advice = advise(&twice, &Draws::default()).unwrap();
    assert!(
        advice
            .warnings
            .iter()
            .any(|told| told.contains("same seed"))
    );
}

#[test]
fn damaged_lines_are_told_by_file_and_line() {
    for (damaged, expected) in [
        (
            String::new(),
            "advice.jsonl:1: expected the line of the tasks",
        ),
        (
            text(&[look(0)]),
            "advice.jsonl:1: expected the line of the tasks",
        ),
        (
            text(&[tasks(&["a", "b"]), tasks(&["a", "b"])]),
            "advice.jsonl:2: the line of the tasks comes twice",
        ),
        (
            text(&[tasks(&["a", "b"]), look(5), look(5)]),
            "advice.jsonl:3: step 5 does not come after",
        ),
        (
            text(&[tasks(&["a", "b", "c"]), look(5)]),
            "advice.jsonl:2: the look does not hold numbers for 3 tasks",
        ),
        (
            whole().trim_end().to_owned(),
            "advice.jsonl:7: the line is cut",
        ),
        (
            whole().replacen("\"norms\"", "\"forms\"", 1),
            "advice.jsonl:2: unknown field `forms`",
        ),
    ] {
        let (message, hint) = told(folder(&damaged).path());
        assert!(message.contains(expected), "{message}, not {expected}");
        assert!(hint.contains("--resume"));
    }
    let folder = folder(&whole());
    fs_err::write(folder.path().join("report.json"), "{\"evaluations\": 3}").unwrap();
    assert!(told(folder.path()).0.contains("report.json"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_damage_makes_it_panic(at in 0usize..3000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = whole().into_bytes();
        let at = at % bytes.len();
        match cut {
            true => bytes.truncate(at),
            false => bytes[at] = byte,
        }
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join(FILE), bytes).unwrap();
        if let Ok(found) = read(folder.path()) {
            let _answered = advise(&[found], &Draws { seed: 0, count: 20 });
        }
    }
}
