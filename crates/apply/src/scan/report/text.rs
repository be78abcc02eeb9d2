//! The report for a person at a terminal: findings by file, then what they are worth, then what was
//! not read.

use std::fmt::Write;

use super::super::finding::Finding;
use super::super::{Level, Report};
use super::{plural, trust, unread};
use crate::checkout::Cause;

/// Places that are shown of many.
const SHOWN: usize = 5;

/// Escapes that colour a terminal, or nothing.
struct Colours(bool);

impl Colours {
    fn paint(&self, code: &str, text: &str) -> String {
        match self.0 {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    fn level(&self, level: Level) -> String {
        let code = match level {
            Level::Note => "36",
            Level::Warning => "33",
            Level::Error => "31",
        };
        self.paint(code, &format!("{level:<7}"))
    }
}

/// All of it as lines.
pub fn text(report: &Report, coloured: bool) -> String {
    let colours = Colours(coloured);
    let mut out = String::new();
    // A String takes any text.
    let _infallible = written(report, &colours, &mut out);
    out
}

fn written(report: &Report, colours: &Colours, out: &mut String) -> std::fmt::Result {
    let mut file = "";
    for finding in &report.findings {
        if finding.place.shown != file {
            if !file.is_empty() {
                writeln!(out)?;
            }
            file = &finding.place.shown;
            writeln!(out, "{}", colours.paint("1", &shown(file)))?;
        }
        one(report, finding, colours, out)?;
    }
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    summary(report, out)?;
    for rule in &report.rules {
        let silent = rule.silent.as_ref().map(|why| format!("silent: {why}"));
        let told = silent.unwrap_or_else(|| trust(rule));
        writeln!(out, "  {:<16} {told}", rule.task)?;
    }
    left_out(report, out)?;
    for note in &report.notes {
        writeln!(out, "note: {}", shown(note))?;
    }
    Ok(())
}

fn one(
    report: &Report,
    finding: &Finding,
    colours: &Colours,
    out: &mut String,
) -> std::fmt::Result {
    let rule = &report.rules[finding.rule];
    let place = &finding.place;
    writeln!(
        out,
        "{:>6}  {} {}  {:.2}  {}",
        place.line,
        colours.level(rule.level),
        rule.task,
        finding.confidence,
        shown(&place.head)
    )?;
    for other in finding.others.iter().take(SHOWN) {
        let at = format!("{}:{}", other.shown, other.line);
        writeln!(out, "        = {}  {}", shown(&at), shown(&other.head))?;
    }
    match finding.others.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "        = and {more} more"),
    }
}

fn summary(report: &Report, out: &mut String) -> std::fmt::Result {
    let counts = &report.counts;
    let since = match &report.compared_with {
        Some(commit) => format!(", compared with {}", commit.get(..12).unwrap_or(commit)),
        None => String::new(),
    };
    writeln!(
        out,
        "{} in {} and {} of {}{since}",
        plural(report.findings.len(), "finding", "findings"),
        plural(counts.functions, "function", "functions"),
        plural(counts.tests, "test", "tests"),
        plural(counts.files, "file", "files"),
    )?;
    if counts.known > 0 {
        writeln!(
            out,
            "{} known before",
            plural(counts.known, "finding was", "findings were")
        )?;
    }
    if !report.ignored.is_empty() {
        let ignored = plural(report.ignored.len(), "finding is", "findings are");
        writeln!(out, "{ignored} ignored, with a reason")?;
    }
    Ok(())
}

fn left_out(report: &Report, out: &mut String) -> std::fmt::Result {
    if !report.left_out.is_empty() {
        let told = report.left_out.iter();
        let told: Vec<String> = told
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        writeln!(out, "functions not asked: {}", told.join("; "))?;
    }
    for ((cause, reason), places) in unread(report) {
        let word = match cause {
            Cause::Rule => "left out",
            Cause::Unfit => "not read",
            Cause::Failed => "FAILED",
        };
        let most = if cause == Cause::Rule { 1 } else { SHOWN };
        let some: Vec<String> = places
            .iter()
            .take(most)
            .map(|one| shown(&one.shown))
            .collect();
        let more = if places.len() > most { ", ..." } else { "" };
        let folders = places.iter().filter(|one| one.is_folder).count();
        let what = match (folders, places.len() - folders) {
            (0, files) => plural(files, "file", "files"),
            (folders, 0) => plural(folders, "folder", "folders"),
            (folders, files) => format!(
                "{} and {}",
                plural(files, "file", "files"),
                plural(folders, "folder", "folders")
            ),
        };
        writeln!(out, "{word}: {what}: {reason} ({}{more})", some.join(", "))?;
    }
    if report.counts.other_files > 0 {
        let others = plural(report.counts.other_files as usize, "file", "files");
        writeln!(out, "left out: {others} of no language that is asked for")?;
    }
    Ok(())
}

/// A text of the repository without what would move a terminal's cursor.
fn shown(text: &str) -> String {
    let plain = |letter: char| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(plain).collect()
}
