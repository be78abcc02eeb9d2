//! Findings of an earlier scan, from the file that it wrote: SARIF or our JSON.

use std::path::Path;

use serde_json::Value;
use skillbelt_train::{Error, Result};

use super::past::Known;
use super::report::sarif::{FINGERPRINT, decoded_uri};

/// Bytes of a file of findings.
const MOST_BYTES: u64 = 256 << 20;

/// The findings of a file.
///
/// # Errors
/// A file that cannot be read, or holds no findings of either form.
pub fn read(path: &Path) -> Result<Known> {
    let wrong = |what: String| {
        Error::told(format_args!("{}: {what}", path.display())).with_hint(
            "a baseline is what `skillbelt scan --format sarif` or `--format json` wrote",
        )
    };
    let bytes = fs_err::metadata(path).map_err(Error::told)?.len();
    if bytes > MOST_BYTES {
        return Err(wrong(format!(
            "{bytes} bytes, expected at most {MOST_BYTES}"
        )));
    }
    let text = fs_err::read(path).map_err(Error::told)?;
    let value: Value = serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("line {}: expected JSON: {error}", error.line())))?;
    let mut known = Known::default();
    if let Some(findings) = value.get("findings").and_then(Value::as_array) {
        for (number, finding) in findings.iter().enumerate() {
            of_json(finding, &mut known)
                .ok_or_else(|| wrong(format!("findings[{number}]: no finding of a scan")))?;
        }
    } else if let Some(runs) = value.get("runs").and_then(Value::as_array) {
        let results = runs
            .iter()
            .filter_map(|run| run.get("results")?.as_array())
            .flatten();
        for (number, result) in results.enumerate() {
            of_sarif(result, &mut known).ok_or_else(|| {
                wrong(format!(
                    "results[{number}]: no `{FINGERPRINT}`, so not of this program"
                ))
            })?;
        }
    } else {
        return Err(wrong("expected `runs` or `findings`".to_owned()));
    }
    Ok(known)
}

fn of_json(finding: &Value, known: &mut Known) -> Option<()> {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    let place = finding.get("place")?;
    known.add(
        &text(finding, "rule")?,
        &text(finding, "fingerprint")?,
        &text(place, "path")?,
        &text(place, "function")?,
    );
    Some(())
}

fn of_sarif(result: &Value, known: &mut Known) -> Option<()> {
    let print = result.pointer(&format!(
        "/partialFingerprints/{}",
        FINGERPRINT.replace('/', "~1")
    ))?;
    let rule = result.get("ruleId")?.as_str()?;
    let place = result.get("locations")?.get(0)?;
    let uri = place.pointer("/physicalLocation/artifactLocation/uri")?;
    let function = place.pointer("/logicalLocations/0/fullyQualifiedName")?;
    let rule = rule.strip_prefix("skillbelt/").unwrap_or(rule);
    known.add(
        rule,
        print.as_str()?,
        &decoded_uri(uri.as_str()?),
        function.as_str()?,
    );
    Some(())
}
