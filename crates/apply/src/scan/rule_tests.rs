//! Rules of belts: which tasks make them, and which thresholds come from which tables.

use super::*;
use skillbelt_model::belt::folder::{CalibrationPoint, Limits};

fn task(name: &str, objective: &str, calibrated: bool) -> TaskRecord {
    let point = |threshold, told, right| CalibrationPoint {
        threshold,
        told,
        right,
    };
    let table = Calibration {
        class: "1".into(),
        rows: 100,
        of_class: 40,
        points: vec![point(0.2, 80, 40), point(0.5, 40, 28), point(0.9, 20, 18)],
    };
    TaskRecord {
        name: name.into(),
        objective: objective.into(),
        labels: vec!["0".into(), "1".into()],
        pool: None,
        head: None,
        limits: Limits::default(),
        settings: serde_json::Value::Null,
        metrics: BTreeMap::new(),
        calibration: if calibrated { vec![table] } else { Vec::new() },
    }
}

fn card() -> BeltFile {
    let mut card = BeltFile::new("lora", "pocket", "qwen2", &"0".repeat(64), "int8");
    card.tasks = vec![
        task("search", "retrieve", false),
        task("defect_history", "classify", true),
        task("flaky", "classify", false),
        task("clone", "pair", true),
        task("tone", "classify", true),
    ];
    card
}

fn one(choices: Choices, name: &str) -> Rule {
    let (rules, _) = rules(&card(), &choices).unwrap();
    rules.into_iter().find(|rule| rule.task == name).unwrap()
}

#[test]
fn names_tell_what_tasks_are_for_and_a_person_may_say_otherwise() {
    let (found, unused) = rules(&card(), &Choices::default()).unwrap();
    let kinds: Vec<(&str, Kind)> = found.iter().map(|r| (r.task.as_str(), r.kind)).collect();
    let expected = [
        ("defect_history", Kind::Defect),
        ("flaky", Kind::Flaky),
        ("clone", Kind::Clone),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(unused, ["search", "tone"]);
    let mut choices = Choices::default();
    choices
        .rules
        .insert("tone".into(), "other:0".parse().unwrap());
    choices.rules.insert("flaky".into(), Chosen::Off);
    let (found, unused) = rules(&card(), &choices).unwrap();
    assert_eq!(
        found.last().map(|rule| (rule.kind, rule.place)),
        Some((Kind::Other, 0))
    );
    assert_eq!(unused, ["search", "flaky"]);
}

#[test]
fn what_cannot_be_is_refused_with_what_could() {
    let refused = |task: &str, word: &str| {
        let mut choices = Choices::default();
        choices.rules.insert(task.into(), word.parse().unwrap());
        rules(&card(), &choices).unwrap_err().to_string()
    };
    assert!(refused("clone", "defect").contains("expected `classify`"));
    assert!(refused("nothing", "defect").contains("no task `nothing`"));
    assert!(refused("tone", "defect:2").contains("not clear"));
    assert!("loud".parse::<Chosen>().is_err() && "loud".parse::<Level>().is_err());
}

#[test]
fn thresholds_come_from_the_wanted_precision() {
    let usual = one(Choices::default(), "defect_history");
    assert_eq!(usual.threshold, 0.9);
    let expected = usual.expected.unwrap();
    assert_eq!((expected.precision, expected.recall), (0.9, 0.45));
    assert_eq!(usual.level, Level::Warning);
    let choices = |precision| Choices {
        precision: Some(precision),
        ..Choices::default()
    };
    assert_eq!(one(choices(0.7), "defect_history").threshold, 0.5);
    let silent = one(choices(0.95), "defect_history");
    assert!(silent.silent.unwrap().contains("the best is 0.90"));
    let unknown = one(Choices::default(), "flaky");
    assert_eq!(
        (unknown.threshold, unknown.expected, unknown.level),
        (0.5, None, Level::Note)
    );
    assert!(unknown.note.is_some() && unknown.silent.is_none());
}

#[test]
fn a_threshold_and_a_level_of_ones_own_win_and_a_rare_class_costs_precision() {
    let mut choices = Choices {
        prevalence: Some(0.01),
        ..Choices::default()
    };
    choices.thresholds.insert("defect_history".into(), 0.6);
    choices.levels.insert("defect_history".into(), Level::Error);
    let rule = one(choices, "defect_history");
    assert_eq!((rule.threshold, rule.level), (0.6, Level::Error));
    // 28 of 40 of the class and 12 of 60 of the others are told.
    let expected = 0.01 * 0.7 / (0.01 * 0.7 + 0.99 * 0.2);
    assert!((rule.expected.unwrap().precision - expected).abs() < 1e-12);
}
