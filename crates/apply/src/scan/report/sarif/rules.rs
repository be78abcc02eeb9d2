//! The tool and its rules, as hosts show them beside findings.

use serde_json::{Value, json};

use super::super::super::{Kind, Level, Report, Rule};
use super::super::{about, trust};

const HOME: &str = "https://github.com/skillbelt/skillbelt";

pub(super) fn driver(report: &Report) -> Value {
    json!({
        "name": "Skillbelt",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": HOME,
        "rules": report.rules.iter().map(rule).collect::<Vec<_>>(),
        "notifications": NOTIFICATIONS.iter().map(|(id, text)| {
            json!({"id": id, "shortDescription": {"text": text}})
        }).collect::<Vec<_>>(),
    })
}

/// What is told besides results.
const NOTIFICATIONS: [(&str, &str); 5] = [
    (
        "left-out",
        "A file or folder that the rules of the scan leave out.",
    ),
    (
        "not-read",
        "A file that holds no program text that could be read.",
    ),
    (
        "failed",
        "A file that the machine did not give, or that the parser died on.",
    ),
    ("note", "Something that a person should know."),
    ("rule", "How far a rule can be believed."),
];

fn rule(rule: &Rule) -> Value {
    let help = format!(
        "{} It is the opinion of a small model that was trained for the task `{}`, {}. Look at the \
         function; if there is nothing, a comment `skillbelt: ignore[{}] reason` inside of it or right \
         above it says so.",
        about(rule),
        rule.task,
        trust(rule),
        rule.task
    );
    let mut properties = json!({
        "tags": tags(rule),
        "precision": precision(rule),
        "problem.severity": match rule.level {
            Level::Note => "recommendation",
            Level::Warning => "warning",
            Level::Error => "error",
        },
        "threshold": rule.threshold,
        "expected": rule.expected,
    });
    if rule.kind == Kind::Vulnerability {
        // Medium and high: a guess is not critical, whatever it is about.
        let severity = if rule.level == Level::Error {
            "7.5"
        } else {
            "5.5"
        };
        properties["security-severity"] = json!(severity);
    }
    json!({
        "id": id(rule),
        "name": name(&rule.task),
        "shortDescription": {"text": about(rule)},
        "fullDescription": {"text": format!("{} {}.", about(rule), trust(rule))},
        "help": {"text": help, "markdown": help},
        "helpUri": format!("{HOME}/blob/main/docs/scan.md"),
        "defaultConfiguration": {"level": rule.level, "enabled": rule.silent.is_none()},
        "properties": properties,
    })
}

pub(super) fn id(rule: &Rule) -> String {
    format!("skillbelt/{}", rule.task)
}

/// The task's name as one word in capitals and small letters.
fn name(task: &str) -> String {
    let words = task.split(|letter: char| !letter.is_alphanumeric());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    };
    words.map(capital).collect()
}

fn tags(rule: &Rule) -> Vec<&'static str> {
    match rule.kind {
        Kind::Vulnerability => vec!["security", "model"],
        Kind::Defect => vec!["correctness", "model"],
        Kind::Flaky => vec!["tests", "reliability", "model"],
        Kind::Clone => vec!["maintainability", "model"],
        Kind::Other => vec!["model"],
    }
}

/// The hosts' words for it.
fn precision(rule: &Rule) -> &'static str {
    match rule.expected.map_or(0.0, |expected| expected.precision) {
        high if high >= 0.95 => "very-high",
        high if high >= 0.8 => "high",
        fair if fair >= 0.5 => "medium",
        _ => "low",
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names_of_rules_are_one_word() {
        assert_eq!(name("defect_history"), "DefectHistory");
        assert_eq!(name("a-b.c"), "ABC");
    }
}
