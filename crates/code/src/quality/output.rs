//! What linters print, as findings. Each prints JSON of its own.
//!
//! It takes what it needs and no more; a print that is not as expected is an error and never taken
//! for no findings.

use serde_json::Value;

/// A finding: in which file, by which rule. Without a rule the file could not be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    pub rule: Option<String>,
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| "no list".to_owned())
}

fn read(said: &str) -> Result<Value, String> {
    serde_json::from_str(said).map_err(|error| error.to_string())
}

/// Ruff: a list; what is not Python has no code or `invalid-syntax`.
pub fn ruff(said: &str) -> Result<Vec<Finding>, String> {
    let found = |finding: &Value| {
        let file = text(finding, "filename").ok_or("a finding without `filename`")?;
        let rule = text(finding, "code").filter(|code| code != "invalid-syntax");
        Ok(Finding { file, rule })
    };
    list(&read(said)?)?.iter().map(found).collect()
}

/// Pylint: a list; rules by their number and name. `fatal` and a syntax error are no findings.
pub fn pylint(said: &str) -> Result<Vec<Finding>, String> {
    let found = |finding: &Value| {
        let file = text(finding, "path").ok_or("a finding without `path`")?;
        let id = text(finding, "message-id").ok_or("a finding without `message-id`")?;
        let name = text(finding, "symbol").ok_or("a finding without `symbol`")?;
        let checked = !id.starts_with('F') && id != "E0001";
        let rule = checked.then(|| format!("{id} {name}"));
        Ok(Finding { file, rule })
    };
    if said.trim().is_empty() {
        return Ok(Vec::new());
    }
    list(&read(said)?)?.iter().map(found).collect()
}

/// PMD: files with violations, and errors of processing apart.
pub fn pmd(said: &str) -> Result<Vec<Finding>, String> {
    let said = read(said)?;
    let mut found = Vec::new();
    for file in list(said.get("files").ok_or("no `files`")?)? {
        let name = text(file, "filename").ok_or("a file without `filename`")?;
        for violation in list(file.get("violations").ok_or("no `violations`")?)? {
            let rule = text(violation, "rule").ok_or("a violation without `rule`")?;
            let (file, rule) = (name.clone(), Some(rule));
            found.push(Finding { file, rule });
        }
    }
    let errors = said.get("processingErrors").and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let file = text(error, "filename").unwrap_or_default();
        found.push(Finding { file, rule: None });
    }
    Ok(found)
}

/// Clippy: a line for each message; only its own lints count, and an error of the compiler says that
/// the text was not checked.
pub fn clippy(said: &str) -> Result<Vec<Finding>, String> {
    let mut found = Vec::new();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let message = read(line)?;
        if text(&message, "reason").as_deref() != Some("compiler-message") {
            continue;
        }
        let file = message
            .get("target")
            .and_then(|target| text(target, "name"));
        let file = file.ok_or("a message without `target`")?;
        let inner = message.get("message").ok_or("no `message`")?;
        let code = inner.get("code").and_then(|code| text(code, "code"));
        let level = text(inner, "level").unwrap_or_default();
        match code {
            Some(code) if code.starts_with("clippy::") => {
                let rule = Some(code);
                found.push(Finding { file, rule });
            }
            _ if level == "error" => found.push(Finding { file, rule: None }),
            _ => {}
        }
    }
    Ok(found)
}
