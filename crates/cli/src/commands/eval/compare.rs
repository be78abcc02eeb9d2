//! Files of answers to the same examples, compared: two, or each of several with each other.
//!
//! It computes nothing with a base; it reads what was written down when belts were evaluated.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::json;
use skillbelt_train::evaluate::{self, ByExample, Compared, Draws, Example, Paired};
use skillbelt_train::metric::names;

use crate::exit::Failure;
use crate::output::Lines;

/// Tells how each file differs from each later one.
pub fn compare(files: &[PathBuf], measure: &str, draws: &Draws, json: bool) -> Result<(), Failure> {
    let sets = files.iter().map(|path| evaluate::read(path));
    let sets = sets.collect::<Result<Vec<_>, _>>()?;
    let sets: Vec<&[Example]> = sets.iter().map(Vec::as_slice).collect();
    let found = evaluate::family(&sets, names::full(measure), draws)?;
    let mut lines = Lines::new();
    match (&found[..], json) {
        ([], _) => return Err(Failure::told("expected two files of answers, or more")),
        ([only], true) => lines.object(&only.paired)?,
        ([only], false) => lines.text(&text(&only.paired))?,
        (_, true) => lines.object(&json!({ "files": files, "pairs": found }))?,
        (_, false) => lines.text(&table(files, &found))?,
    }
    lines.flush()
}

fn text(found: &Paired) -> String {
    format!(
        "{} over {} examples: {:.4} against {:.4}\n{}",
        found.measure,
        found.examples,
        found.a,
        found.b,
        sure(found, None, None)
    )
}

/// The difference with all that says how sure it is. Behind `p` stands what Holm's correction made
/// of it.
fn sure(found: &Paired, p_holm: Option<f64>, by_example_p_holm: Option<f64>) -> String {
    let holm = |p: Option<f64>| p.map_or_else(String::new, |p| format!(", Holm {}", told(p)));
    let bootstrap = match (&found.interval, found.p) {
        (Some(interval), Some(p)) => format!(
            "95% interval {:+.4} .. {:+.4}, {}{} ({} draws, seed {})",
            interval.low,
            interval.high,
            told(p),
            holm(p_holm),
            interval.draws,
            interval.seed
        ),
        _ => "no interval: the measure has no value on most draws".to_owned(),
    };
    let how = |exact: bool| if exact { "exact" } else { "approximate" };
    let by_example = match &found.by_example {
        None => String::new(),
        Some(ByExample::McNemar(test)) => format!(
            "McNemar: right in {} only, in {} only; {}{} ({})\n",
            test.only_a,
            test.only_b,
            told(test.p),
            holm(by_example_p_holm),
            how(test.exact)
        ),
        Some(ByExample::Wilcoxon(test)) => format!(
            "Wilcoxon: {} examples differ; {}{} ({})\n",
            test.differing,
            told(test.p),
            holm(by_example_p_holm),
            how(test.exact)
        ),
    };
    format!(
        "difference {:+.4}, {bootstrap}\n{by_example}",
        found.difference
    )
}

/// A probability, never shown as nought.
fn told(p: f64) -> String {
    match p < 0.0001 {
        true => "p < 0.0001".to_owned(),
        false => format!("p {p:.4}"),
    }
}

/// The files by number, then each pair.
fn table(files: &[PathBuf], found: &[Compared]) -> String {
    let mut text = String::new();
    for (number, path) in files.iter().enumerate() {
        let _infallible = writeln!(text, "{}: {}", number + 1, path.display());
    }
    for one in found {
        let paired = &one.paired;
        let _infallible = write!(
            text,
            "\n{} against {}: {} over {} examples: {:.4} against {:.4}\n{}",
            one.a + 1,
            one.b + 1,
            paired.measure,
            paired.examples,
            paired.a,
            paired.b,
            sure(paired, one.p_holm, one.by_example_p_holm)
        );
    }
    text
}
