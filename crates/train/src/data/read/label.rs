//! Labels: however a file writes a class, the same class is the same text.

use serde_json::Value;

use super::defect::{BAD_LABEL, Defect, NO_LABEL, Sound, UNKNOWN_LABEL, shown, shown_text};

/// The text of a label.
///
/// `1`, `1.0`, `"1"`, `true` and `"True"` are `1`; `0`, `0.0`, `"0"`, `false` and `"False"` are `0`;
/// other texts are themselves without spaces around them. A label that `labels` names as the file
/// writes it is left as it is. Null, nothing and NaN are no label.
pub fn label(path: &str, value: &Value, labels: Option<&[String]>) -> Sound<String> {
    let written = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => return Err(Defect::new(NO_LABEL, format!("`{path}` is null"))),
        Value::Array(_) | Value::Object(_) => {
            return Err(Defect::new(
                BAD_LABEL,
                format!("`{path}` is {}", shown(value)),
            ));
        }
    };
    if written.is_empty() || written.eq_ignore_ascii_case("nan") {
        return Err(Defect::new(
            NO_LABEL,
            format!("`{path}` is {}", shown(value)),
        ));
    }
    let plain = plain(&written);
    let Some(labels) = labels else {
        return Ok(plain);
    };
    match labels
        .iter()
        .find(|label| **label == written)
        .or_else(|| labels.iter().find(|label| **label == plain))
    {
        Some(label) => Ok(label.clone()),
        None => {
            let known: Vec<String> = labels
                .iter()
                .take(8)
                .map(|label| format!("`{label}`"))
                .collect();
            let detail = format!(
                "`{path}` is `{}`; `labels` has {}",
                shown_text(&written),
                known.join(", ")
            );
            Err(Defect::new(UNKNOWN_LABEL, detail))
        }
    }
}

/// Truth as a number, whole numbers without a fraction.
fn plain(written: &str) -> String {
    match written {
        "true" | "True" | "TRUE" => return "1".to_owned(),
        "false" | "False" | "FALSE" => return "0".to_owned(),
        _ => {}
    }
    match written.split_once('.') {
        Some((whole, zeros))
            if is_number(whole) && !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') =>
        {
            whole.to_owned()
        }
        _ => written.to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_class_has_one_text_however_it_is_written() {
        for value in [
            json!(1),
            json!(1.0),
            json!("1"),
            json!("1.0"),
            json!(" 1 "),
            json!(true),
            json!("True"),
        ] {
            assert_eq!(label("y", &value, None).unwrap(), "1", "{value}");
        }
        for value in [
            json!(0),
            json!(0.0),
            json!("0"),
            json!(false),
            json!("false"),
        ] {
            assert_eq!(label("y", &value, None).unwrap(), "0", "{value}");
        }
        for (value, text) in [
            (json!(0.5), "0.5"),
            (json!("spam"), "spam"),
            (json!("v1.0"), "v1.0"),
            (json!(-1), "-1"),
        ] {
            assert_eq!(label("y", &value, None).unwrap(), text);
        }
    }

    #[test]
    fn what_is_no_label_is_refused_and_named_labels_are_taken_as_written() {
        for value in [
            json!(null),
            json!(""),
            json!("  "),
            json!("NaN"),
            json!("nan"),
        ] {
            assert_eq!(
                label("y", &value, None).unwrap_err().reason,
                NO_LABEL,
                "{value}"
            );
        }
        assert_eq!(label("y", &json!([1]), None).unwrap_err().reason, BAD_LABEL);
        let words = ["true".to_owned(), "false".to_owned()];
        assert_eq!(label("y", &json!(true), Some(&words)).unwrap(), "true");
        let numbers = ["0".to_owned(), "1".to_owned()];
        assert_eq!(label("y", &json!(true), Some(&numbers)).unwrap(), "1");
        assert_eq!(
            label("y", &json!(2), Some(&numbers)).unwrap_err().reason,
            UNKNOWN_LABEL
        );
    }
}
