//! The strict reading of what a judge wrote: one JSON object with a whole number on the scale for
//! every criterion, and nothing else. A fence around all of it is taken off. No grade is a default.

use serde_json::{Map, Value};

use super::rubric::Rubric;
use crate::prompt::bare;

/// Grades in the order of the rubric's criteria, or why there are none.
pub fn read(rubric: &Rubric, text: &str) -> std::result::Result<Vec<usize>, String> {
    let value: Value =
        serde_json::from_str(bare(text)).map_err(|_| format!("no JSON object: {}", shown(text)))?;
    let Value::Object(grades) = value else {
        return Err(format!("no JSON object: {}", shown(text)));
    };
    let known = |name: &String| rubric.criteria.iter().any(|c| c.name == *name);
    if let Some(unknown) = grades.keys().find(|name| !known(name)) {
        return Err(format!("a criterion that is not asked: {}", shown(unknown)));
    }
    let each = rubric.criteria.iter();
    each.map(|criterion| grade(rubric, &grades, &criterion.name))
        .collect()
}

fn grade(
    rubric: &Rubric,
    grades: &Map<String, Value>,
    name: &str,
) -> std::result::Result<usize, String> {
    let value = grades
        .get(name)
        .ok_or_else(|| format!("no grade: {name}"))?;
    let number = value
        .as_u64()
        .ok_or_else(|| format!("a grade that is no whole number: {name}"))?;
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    match (rubric.lowest..=rubric.highest).contains(&number) {
        true => Ok(number),
        false => Err(format!("a grade outside of the scale: {name} {number}")),
    }
}

fn shown(text: &str) -> String {
    text.trim().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"concise": 3, "correct": 5, "complete": 1}"#;

    #[test]
    fn grades_come_in_the_order_of_the_rubric() {
        let rubric = Rubric::default();
        assert_eq!(read(&rubric, GOOD), Ok(vec![5, 1, 3]));
        assert_eq!(
            read(&rubric, &format!("```json\n{GOOD}\n```")),
            Ok(vec![5, 1, 3])
        );
    }

    #[test]
    fn anything_but_all_grades_on_the_scale_is_a_failure() {
        for (text, reason) in [
            ("", "no JSON object"),
            ("5", "no JSON object"),
            ("The grades: {\"correct\": 5}", "no JSON object"),
            (r#"{"correct": 5, "complete": 5}"#, "no grade: concise"),
            (
                r#"{"correct": 6, "complete": 5, "concise": 1}"#,
                "a grade outside of the scale",
            ),
            (
                r#"{"correct": 0, "complete": 5, "concise": 1}"#,
                "a grade outside of the scale",
            ),
            (
                r#"{"correct": 4.5, "complete": 5, "concise": 1}"#,
                "a grade that is no whole number",
            ),
            (
                r#"{"correct": "5", "complete": 5, "concise": 1}"#,
                "a grade that is no whole number",
            ),
            (
                r#"{"correct": 5, "complete": 5, "concise": 1, "x": 1}"#,
                "a criterion that is not asked",
            ),
        ] {
            let found = read(&Rubric::default(), text).unwrap_err();
            assert!(found.starts_with(reason), "{text}: {found}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall_or_grades_out_of_nothing(text in "\\PC{0,80}") {
            prop_assert!(read(&Rubric::default(), &text).is_err());
        }
    }
}
