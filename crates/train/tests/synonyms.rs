//! METEOR with a small WordNet against nltk's numbers with the same one. In a file of its own because
//! a process chooses its WordNet once.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails and says where"
)]

use std::path::Path;

use serde_json::Value;
use skillbelt_train::metric::{self, Judged, WordNet};

const GOLDEN: &str = include_str!("../../../tests/golden/metrics/texts.json");
const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/golden/metrics/wordnet"
);
const TOLERANCE: f64 = 1e-12;

#[test]
fn meteor_with_synonyms_is_that_of_nltk_and_has_a_name_of_its_own() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let case = &golden["synonyms"][0];
    let pairs: Vec<(String, String)> = serde_json::from_value(case["pairs"].clone()).unwrap();
    let scores: Vec<f64> = serde_json::from_value(case["scores"].clone()).unwrap();
    let (written, expected): (Vec<&str>, Vec<&str>) =
        pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).unzip();

    let before = metric::Written::new(&written, &expected);
    assert!(before.each("meteor_nltk").is_none());
    let plain = before.each("meteor_exact_stem").unwrap();

    assert!(WordNet::choose(&Path::new(FOLDER).join("none")).is_err());
    WordNet::choose(Path::new(FOLDER)).unwrap();
    let after = metric::Written::new(&written, &expected);
    let found = after.each("meteor_nltk").unwrap();
    let far = |found: &[f64]| {
        let both = found.iter().zip(&scores);
        both.filter(|(found, score)| (*found - *score).abs() > TOLERANCE)
            .count()
    };
    assert_eq!(found.len(), scores.len());
    assert_eq!(far(&found), 0, "{found:?}\n{scores:?}");
    // The control: without synonyms it is another measure, and the old name keeps the old number.
    assert!(far(&plain) > 10);
    assert_eq!(after.each("meteor_exact_stem").unwrap(), plain);
}

#[test]
fn a_file_that_is_no_wordnet_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs_err::read_dir(FOLDER).unwrap() {
        let file = file.unwrap();
        fs_err::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    assert!(WordNet::read(folder.path()).is_ok());
    let index = folder.path().join("index.verb");
    fs_err::write(&index, "  1 licence\nget v x\n").unwrap();
    let error = WordNet::read(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("index.verb:2: not a line of WordNet"),
        "{error}"
    );
    fs_err::remove_file(&index).unwrap();
    let error = WordNet::read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("index.verb"), "{error}");
    assert!(error.hint().unwrap().contains("index.noun"));
}
