//! Cards that are written and read, and what is refused.

use proptest::prelude::*;

use super::*;

fn card() -> BeltFile {
    let hash = "0123456789abcdef".repeat(4);
    let mut file = BeltFile::new("lora", "/home/someone/bases/pocket/", "bert", &hash, "int8");
    file.tasks.push(TaskRecord {
        name: "défaut.1".into(),
        objective: "classify".into(),
        labels: vec!["clean".into(), "defective".into()],
        pool: Some("first".into()),
        head: Some(HeadShape {
            outputs: 2,
            width: 64,
            bias: true,
        }),
        limits: Limits {
            max_tokens: 512,
            max_new_tokens: None,
        },
        settings: serde_json::json!({"encoding": "joint"}),
        metrics: [("f1".to_owned(), 0.5), ("auc".to_owned(), 0.1 + 0.2)].into(),
        calibration: vec![Calibration {
            class: "yes".to_owned(),
            rows: 10,
            of_class: 4,
            points: vec![CalibrationPoint {
                threshold: 0.1 + 0.2,
                told: 5,
                right: 3,
            }],
        }],
    });
    file.notes.insert("seed".into(), 7.into());
    file
}

#[test]
fn what_is_written_is_read_back_and_names_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = card();
    assert_eq!(file.base.name, "pocket");
    file.write(folder.path()).unwrap();
    assert_eq!(BeltFile::read(folder.path()).unwrap(), file);
    assert_eq!(file.task("défaut.1").unwrap().0, 0);
}

#[test]
fn names_keep_the_hubs_form_and_lose_every_folder() {
    for (name, plain) in [
        ("microsoft/unixcoder-base", "microsoft/unixcoder-base"),
        ("/data/bases/unixcoder", "unixcoder"),
        ("../bases/unixcoder/", "unixcoder"),
        ("C:\\Users\\me\\base", "base"),
        ("C:\\base", "base"),
        ("a/b/c", "c"),
        ("/", "base"),
        ("pocket", "pocket"),
    ] {
        assert_eq!(plain_name(name), plain, "{name}");
        assert_eq!(plain_name(plain), plain);
    }
}

#[test]
fn a_wrong_base_is_refused_with_both_hashes_and_a_hint() {
    let file = card();
    let other = "f".repeat(64);
    file.check_base(&file.base.content_hash, "any").unwrap();
    let error = file.check_base(&other, "/bases/wrong").unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&other) && text.contains(&file.base.content_hash),
        "{text}"
    );
    assert!(text.contains("pocket") && text.contains("wrong") && !text.contains("/bases"));
    assert!(error.hint().is_some());
}

/// The text of a card with one change.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut value = serde_json::to_value(card()).unwrap();
    change(&mut value);
    write_json(&folder.path().join(FILE), &value).unwrap();
    BeltFile::read(folder.path()).unwrap_err().to_string()
}

#[test]
fn other_versions_unknown_keys_and_values_that_cannot_be_are_refused_by_name() {
    let later = refused(|value| {
        value["format"] = 2.into();
        value["news"] = true.into();
    });
    assert!(
        later.ends_with("`format`: expected 1, found 2 (a number)"),
        "{later}"
    );
    assert!(refused(|value| value["basse"] = 1.into()).contains("basse"));
    assert!(refused(|value| value["tasks"][0]["objectiv"] = 1.into()).contains("objectiv"));
    assert!(refused(|value| value["base"]["name"] = "/etc/base".into()).contains("base.name"));
    assert!(refused(|value| value["base"]["content_hash"] = "12".into()).contains("content_hash"));
    assert!(
        refused(|value| value["tasks"][0]["head"]["width"] = 0.into()).contains("tasks[0].head")
    );
    let twice = refused(|value| {
        let task = value["tasks"][0].clone();
        value["tasks"] = vec![task.clone(), task].into();
    });
    assert!(twice.contains("tasks[1].name"), "{twice}");
}

#[test]
fn a_metric_that_is_no_number_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = card();
    file.tasks[0].metrics.insert("mcc".into(), f64::NAN);
    let error = file.write(folder.path()).unwrap_err().to_string();
    assert!(error.contains("tasks[0].metrics.mcc"), "{error}");
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}

fn read_bytes(bytes: &[u8]) -> Result<BeltFile> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(FILE), bytes).unwrap();
    BeltFile::read(folder.path())
}

#[test]
fn every_truncation_is_a_typed_error() {
    let whole = serde_json::to_vec(&card()).unwrap();
    for end in 0..whole.len() {
        let error = read_bytes(&whole[..end]).unwrap_err().to_string();
        assert!(error.contains(FILE), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn mutations_are_read_as_something_that_holds_or_refused(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = serde_json::to_vec(&card()).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        match read_bytes(&bytes) {
            Ok(file) => {
                prop_assert_eq!(file.format, FORMAT);
                prop_assert_eq!(&plain_name(&file.base.name), &file.base.name);
                let folder = tempfile::tempdir().unwrap();
                file.write(folder.path()).unwrap();
                prop_assert_eq!(BeltFile::read(folder.path()).unwrap(), file);
            }
            Err(error) => prop_assert!(error.to_string().contains(FILE)),
        }
    }
}
