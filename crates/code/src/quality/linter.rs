//! The linters that are known: where they are, how each is asked.
//!
//! Each is asked in its usual settings and never in those of the machine or of the folder at hand,
//! so that numbers of two machines can be compared if the versions are the same. None is shipped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::output::{self, Finding};
use super::process;
use crate::Language;

/// A program that finds fault with programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Linter {
    Clippy,
    Pmd,
    Pylint,
    Ruff,
}

/// Where the linters are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linters {
    places: BTreeMap<Linter, PathBuf>,
}

impl Linters {
    /// No linter at all: each will be said to be missing.
    pub fn none() -> Linters {
        Linters::default()
    }

    /// Those in the folders of `PATH`.
    pub fn installed() -> Linters {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        Linters::within(std::env::split_paths(&paths))
    }

    /// Those in these folders; the first folder that has one counts.
    pub fn within(folders: impl IntoIterator<Item = PathBuf>) -> Linters {
        let mut places = BTreeMap::new();
        for folder in folders {
            for linter in Linter::ALL {
                let names = [
                    linter.program().to_owned(),
                    format!("{}.exe", linter.program()),
                ];
                let found = names
                    .iter()
                    .map(|name| folder.join(name))
                    .find(|at| at.is_file());
                if let Some(found) = found {
                    places.entry(linter).or_insert(found);
                }
            }
        }
        Linters { places }
    }

    /// The linters for a language, with their places.
    pub fn of(&self, language: Language) -> Vec<(Linter, Option<&Path>)> {
        let place = |linter| (linter, self.places.get(&linter).map(PathBuf::as_path));
        let asked = Linter::ALL.into_iter();
        asked
            .filter(|linter| linter.language() == language)
            .map(place)
            .collect()
    }
}

/// What a linter found.
pub struct Checked {
    pub version: Option<String>,
    pub unchecked: usize,
    pub by_rule: BTreeMap<String, usize>,
}

impl Linter {
    pub const ALL: [Linter; 4] = [Linter::Clippy, Linter::Pmd, Linter::Pylint, Linter::Ruff];

    pub fn name(self) -> &'static str {
        match self {
            Linter::Clippy => "clippy",
            Linter::Pmd => "pmd",
            Linter::Pylint => "pylint",
            Linter::Ruff => "ruff",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Linter::Clippy => "cargo-clippy",
            other => other.name(),
        }
    }

    pub fn language(self) -> Language {
        match self {
            Linter::Clippy => Language::Rust,
            Linter::Pmd => Language::Java,
            Linter::Pylint | Linter::Ruff => Language::Python,
        }
    }

    /// Checks texts that parsed. An error is why nothing can be said.
    pub fn check(self, program: &Path, texts: &[&str]) -> Result<Checked, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let within = folder.path().join("texts");
        for (at, text) in texts.iter().enumerate() {
            self.write(&within, at, text)
                .map_err(|error| error.to_string())?;
        }
        let version = process::run(program, &self.version(), folder.path(), &[])
            .ok()
            .and_then(|said| said.lines().next().map(str::to_owned));
        if texts.is_empty() {
            let (unchecked, by_rule) = (0, BTreeMap::new());
            return Ok(Checked {
                version,
                unchecked,
                by_rule,
            });
        }
        let home = folder.path().join("home");
        let target = folder.path().join("target");
        let settings = [
            ("PYLINTHOME", home.as_path()),
            ("CARGO_TARGET_DIR", target.as_path()),
        ];
        let said = process::run(program, &self.arguments(), &within, &settings)?;
        let findings = match self {
            Linter::Clippy => output::clippy(&said),
            Linter::Pmd => output::pmd(&said),
            Linter::Pylint => output::pylint(&said),
            Linter::Ruff => output::ruff(&said),
        }
        .map_err(|error| format!("{} said something else than expected: {error}", self.name()))?;
        Ok(tallied(version, findings))
    }

    fn version(self) -> Vec<&'static str> {
        match self {
            Linter::Clippy => vec!["clippy", "--version"],
            _ => vec!["--version"],
        }
    }

    fn arguments(self) -> Vec<&'static str> {
        match self {
            // Without a network, and on after the first text that does not compile.
            Linter::Clippy => {
                "clippy --offline --quiet --examples --keep-going --message-format=json"
            }
            Linter::Pmd => {
                "check --dir . --rulesets rulesets/java/quickstart.xml --format json --no-cache \
                 --no-progress --no-fail-on-violation --no-fail-on-error"
            }
            Linter::Pylint => {
                "--rcfile=/dev/null --output-format=json --persistent=n --score=n --jobs=1 \
                 --recursive=y --exit-zero ."
            }
            Linter::Ruff => "check --isolated --no-cache --exit-zero --output-format=json .",
        }
        .split_whitespace()
        .collect()
    }

    /// Writes one text where the linter looks for it.
    fn write(self, folder: &Path, at: usize, text: &str) -> std::io::Result<()> {
        let (name, text) = match self {
            Linter::Pylint | Linter::Ruff => (format!("t{at}.py"), ended(text)),
            Linter::Pmd => (format!("T{at}.java"), in_class(at, text)),
            Linter::Clippy => (format!("examples/t{at}.rs"), ended(text)),
        };
        let path = folder.join(name);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(&path, text)?;
        if self == Linter::Clippy {
            return clippy_package(folder, at);
        }
        Ok(())
    }
}

/// A text as a file has it: with an end of line at its end.
fn ended(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

/// A method alone is no file of Java: it gets a class around it, on the same lines.
fn in_class(at: usize, text: &str) -> String {
    let Ok(program) = crate::parse(Language::Java, text) else {
        return ended(text);
    };
    let is_type = |at| {
        let kind = program.kind(at);
        kind.ends_with("_declaration") && !kind.starts_with("method") && !kind.starts_with("local")
    };
    if program.children(0).any(is_type) {
        return ended(text);
    }
    format!("class T{at} {{ {text}\n}}\n")
}

/// The package around the texts for the compiler: each is a library of its own.
fn clippy_package(folder: &Path, at: usize) -> std::io::Result<()> {
    let path = folder.join("Cargo.toml");
    let before = if at == 0 {
        fs_err::create_dir_all(folder.join("src"))?;
        fs_err::write(folder.join("src/lib.rs"), "")?;
        let head = "[package]\nname = \"texts\"\nversion = \"0.0.0\"\nedition = \"2021\"\n";
        format!("{head}autoexamples = false\n[workspace]\n")
    } else {
        fs_err::read_to_string(&path)?
    };
    let example = format!("[[example]]\nname = \"t{at}\"\ncrate-type = [\"lib\"]\n");
    fs_err::write(&path, before + &example)
}

fn tallied(version: Option<String>, findings: Vec<Finding>) -> Checked {
    let mut by_rule: BTreeMap<String, usize> = BTreeMap::new();
    let mut unchecked: BTreeSet<String> = BTreeSet::new();
    for finding in findings {
        match finding.rule {
            Some(rule) => *by_rule.entry(rule).or_default() += 1,
            None => {
                unchecked.insert(finding.file);
            }
        }
    }
    Checked {
        version,
        unchecked: unchecked.len(),
        by_rule,
    }
}
