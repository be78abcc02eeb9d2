//! The form of `results.json`, by an example whose numbers are made up.

use serde_json::Value;
use skillbelt_train::study::results::{FORMAT, Results};

const EXAMPLE: &str = include_str!("../study_files/results.json");

#[test]
fn the_example_of_results_is_read_and_written_again_to_the_same_values() {
    let results: Results = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(results.format, FORMAT);
    assert_eq!(results.state.cells as usize, results.cells.len());
    let before: Value = serde_json::from_str(EXAMPLE).unwrap();
    // Not `assert_eq`: on failure it would print the whole file twice.
    assert!(serde_json::to_value(&results).unwrap() == before);
}

#[test]
fn a_key_that_is_not_known_is_refused() {
    let mut value: Value = serde_json::from_str(EXAMPLE).unwrap();
    value["tables"]["pairs"][0]["sure"] = true.into();
    let error = serde_json::from_value::<Results>(value).unwrap_err();
    assert!(error.to_string().contains("`sure`"), "{error}");
}
