//! JSON as the reference's `tojson` writes it: a space after each comma and colon, nothing escaped that JSON does not
//! demand. Models were tuned on these very bytes, so the separators matter.

use minijinja::value::Kwargs;
use serde_json::Value;

/// The filter `tojson(indent=None)`.
pub(super) fn filter(value: minijinja::Value, options: Kwargs) -> Result<String, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    let _ascii: Option<bool> = options.get("ensure_ascii")?;
    options.assert_all_used()?;
    let refused = |error: serde_json::Error| {
        minijinja::Error::new(minijinja::ErrorKind::BadSerialization, error.to_string())
    };
    let value = serde_json::to_value(&value).map_err(refused)?;
    let mut said = String::new();
    write(&value, indent.map(|step| step.min(16)), 0, &mut said);
    Ok(said)
}

fn write(value: &Value, indent: Option<usize>, depth: usize, said: &mut String) {
    let items: Vec<(Option<&str>, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(items) => items
            .iter()
            .map(|(key, item)| (Some(key.as_str()), item))
            .collect(),
        scalar => return said.push_str(&scalar.to_string()),
    };
    let (open, close) = if value.is_array() {
        ('[', ']')
    } else {
        ('{', '}')
    };
    said.push(open);
    for (index, (key, item)) in items.iter().enumerate() {
        match indent {
            Some(_) if index > 0 => said.push(','),
            None if index > 0 => said.push_str(", "),
            _ => {}
        }
        new_line(indent, depth + 1, said);
        if let Some(key) = key {
            said.push_str(&Value::from(*key).to_string());
            said.push_str(": ");
        }
        write(item, indent, depth + 1, said);
    }
    if !items.is_empty() {
        new_line(indent, depth, said);
    }
    said.push(close);
}

fn new_line(indent: Option<usize>, depth: usize, said: &mut String) {
    if let Some(step) = indent {
        said.push('\n');
        said.extend(std::iter::repeat_n(' ', step * depth));
    }
}
