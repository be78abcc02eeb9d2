//! `--set KEY=VALUE`: a key of a recipe from the command line.

use skillbelt_train::recipe::Override;

/// A key with its value, as it was typed.
pub fn set(text: &str) -> Result<Override, String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok(Override {
        key: key.trim().to_owned(),
        value: value.to_owned(),
        flag: format!("--set {}", key.trim()),
    })
}
