//! Problems as they stand in files: the shapes of MBPP and of HumanEval, and programs with input and
//! output in any language of ours.
//!
//! One JSON object a line. A line that is no problem is an error with its number: a set of problems
//! with holes would be another set.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::language::Language;
use crate::error::{Error, Result};

/// Bytes of one line, of problems and of predictions.
pub(super) const MAX_LINE_BYTES: u64 = 16 << 20;

/// A problem, its tests, and what they need.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub id: String,
    pub tests: Tests,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Tests {
    /// MBPP: statements with asserts that name what the candidate defines.
    Python {
        /// Code that the tests need; it may need the candidate.
        setup: String,
        /// The reference solution; only the names that it defines are taken from it. May be empty.
        reference: String,
        tests: Vec<String>,
        challenge: Vec<String>,
    },
    /// HumanEval: a function `check(candidate)`.
    Check {
        prompt: String,
        solution: String,
        test: String,
        entry_point: String,
    },
    /// A program that reads its input and writes its output.
    Cases {
        language: Language,
        /// Stands before the candidate, and behind it.
        prefix: String,
        suffix: String,
        cases: Vec<Case>,
    },
}

/// One input and the output that is right.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(default)]
    pub input: String,
    pub output: String,
}

impl Problem {
    pub fn language(&self) -> Language {
        match &self.tests {
            Tests::Cases { language, .. } => *language,
            Tests::Python { .. } | Tests::Check { .. } => Language::Python,
        }
    }

    /// The whole program of a candidate. After a prompt, a candidate may go on where it ends, or
    /// write the function anew; then only what stands in front of the function is kept of the prompt.
    pub fn source(&self, candidate: &str) -> String {
        match &self.tests {
            Tests::Python { .. } => candidate.to_owned(),
            Tests::Cases { prefix, suffix, .. } => format!("{prefix}{candidate}{suffix}"),
            Tests::Check {
                prompt,
                entry_point,
                ..
            } => {
                let begins = |line: &str| {
                    let name = line.strip_prefix("def ").map(str::trim_start);
                    let rest = name.and_then(|name| name.strip_prefix(entry_point.as_str()));
                    rest.is_some_and(|rest| rest.trim_start().starts_with('('))
                };
                if !candidate.lines().any(begins) {
                    return format!("{prompt}{candidate}");
                }
                let above: Vec<&str> = prompt.lines().take_while(|line| !begins(line)).collect();
                format!("{}\n{candidate}", above.join("\n"))
            }
        }
    }
}

/// All problems of a file, in its order.
pub fn read_problems(path: &Path) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut ids = BTreeSet::new();
    for_each_object(path, |line, object| {
        let problem = problem(object).map_err(|message| at(path, line, message))?;
        if !ids.insert(problem.id.clone()) {
            let message = format!("a second problem with the task_id `{}`", problem.id);
            return Err(at(path, line, message));
        }
        problems.push(problem);
        Ok(())
    })?;
    match problems.is_empty() {
        true => Err(Error::told(format_args!("{}: no problems", path.display()))),
        false => Ok(problems),
    }
}

pub(super) fn at(path: &Path, line: u64, message: impl Into<String>) -> Error {
    Error::File {
        path: path.to_owned(),
        line,
        message: message.into(),
        hint: None,
    }
}

/// Calls `each` with every object of a file of JSON lines; empty lines are passed over.
pub(super) fn for_each_object(
    path: &Path,
    mut each: impl FnMut(u64, &Value) -> Result<()>,
) -> Result<()> {
    let file = fs_err::File::open(path).map_err(|source| Error::io(path, source))?;
    let mut lines = BufReader::new(file);
    let mut number = 0;
    loop {
        number += 1;
        let mut line = Vec::new();
        let read = (&mut lines)
            .take(MAX_LINE_BYTES + 1)
            .read_until(b'\n', &mut line);
        if read.map_err(|source| Error::io(path, source))? == 0 {
            return Ok(());
        }
        if line.len() as u64 > MAX_LINE_BYTES {
            return Err(at(
                path,
                number,
                format!("a line of more than {MAX_LINE_BYTES} bytes"),
            ));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let object: Value = serde_json::from_slice(&line)
            .map_err(|error| at(path, number, format!("no JSON: {error}")))?;
        if !object.is_object() {
            return Err(at(path, number, "expected a JSON object"));
        }
        each(number, &object)?;
    }
}

/// A `task_id`, which may be a number.
pub(super) fn task_id(object: &Value) -> std::result::Result<String, String> {
    match object.get("task_id") {
        Some(Value::String(id)) => Ok(id.clone()),
        Some(Value::Number(id)) => Ok(id.to_string()),
        Some(_) => Err("`task_id`: expected a text or a number".to_owned()),
        None => Err("the key `task_id` is missing".to_owned()),
    }
}

fn problem(object: &Value) -> std::result::Result<Problem, String> {
    let id = task_id(object)?;
    let has = |key: &str| object.get(key).is_some();
    let tests = if has("test_list") {
        let imports = texts(object, "test_imports")?.join("\n");
        let setup = optional(object, "test_setup_code")?;
        Tests::Python {
            setup: if imports.is_empty() {
                setup
            } else {
                format!("{imports}\n{setup}")
            },
            reference: optional(object, "code")?,
            tests: texts(object, "test_list")?,
            challenge: texts(object, "challenge_test_list")?,
        }
    } else if has("entry_point") {
        Tests::Check {
            prompt: text(object, "prompt")?,
            solution: text(object, "canonical_solution")?,
            test: text(object, "test")?,
            entry_point: text(object, "entry_point")?,
        }
    } else if has("cases") {
        let cases = object.get("cases").cloned().unwrap_or_default();
        Tests::Cases {
            language: text(object, "language")?.parse()?,
            prefix: optional(object, "prefix")?,
            suffix: optional(object, "suffix")?,
            cases: serde_json::from_value(cases).map_err(|error| format!("`cases`: {error}"))?,
        }
    } else {
        return Err(
            "expected `test_list` (as MBPP), `entry_point` (as HumanEval) or `cases`".to_owned(),
        );
    };
    let none = match &tests {
        Tests::Python { tests, .. } => tests.is_empty(),
        Tests::Cases { cases, .. } => cases.is_empty(),
        Tests::Check { entry_point, .. } => entry_point.is_empty(),
    };
    if none {
        return Err("a problem without tests".to_owned());
    }
    Ok(Problem { id, tests })
}

fn text(object: &Value, key: &str) -> std::result::Result<String, String> {
    match object.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("`{key}`: expected a text")),
        None => Err(format!("the key `{key}` is missing")),
    }
}

fn optional(object: &Value, key: &str) -> std::result::Result<String, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(_) => text(object, key),
    }
}

fn texts(object: &Value, key: &str) -> std::result::Result<Vec<String>, String> {
    let wrong = || format!("`{key}`: expected a list of texts");
    match object.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: &str) -> Problem {
        Problem {
            id: "0".to_owned(),
            tests: Tests::Check {
                prompt: prompt.to_owned(),
                solution: String::new(),
                test: String::new(),
                entry_point: "f".to_owned(),
            },
        }
    }

    #[test]
    fn a_completion_goes_on_and_a_whole_function_replaces() {
        let problem = check("import math\n\ndef f(x):\n    \"\"\"Doc.\"\"\"\n");
        let completed = problem.source("    return x\n");
        assert_eq!(
            completed,
            "import math\n\ndef f(x):\n    \"\"\"Doc.\"\"\"\n    return x\n"
        );
        let whole = problem.source("def f (x):\n    return x\n");
        assert_eq!(whole, "import math\n\ndef f (x):\n    return x\n");
        let other = problem.source("    return ff(x)\ndef ff(x): pass\n");
        assert!(other.starts_with("import math\n\ndef f(x):"));
    }

    #[test]
    fn a_line_that_is_no_problem_is_told_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("problems.jsonl");
        let good = r#"{"task_id": 1, "code": "", "test_list": ["assert f() == 1"]}"#;
        let bad = [
            ("{", "no JSON"),
            ("[]", "expected a JSON object"),
            (r#"{"task_id": 2}"#, "expected `test_list`"),
            (r#"{"test_list": []}"#, "`task_id` is missing"),
            (r#"{"task_id": 2, "test_list": []}"#, "without tests"),
            (r#"{"task_id": 2, "test_list": [3]}"#, "list of texts"),
            (
                r#"{"task_id": "1", "test_list": ["assert f()"]}"#,
                "second problem",
            ),
            (
                r#"{"task_id": 2, "cases": [{"output": ""}], "language": "cobol"}"#,
                "cobol",
            ),
        ];
        for (line, expected) in bad {
            fs_err::write(&path, format!("{good}\n\n{line}\n")).unwrap();
            let error = read_problems(&path).unwrap_err().to_string();
            assert!(
                error.contains(":3: ") && error.contains(expected),
                "{error}"
            );
        }
        fs_err::write(&path, good).unwrap();
        assert_eq!(read_problems(&path).unwrap().len(), 1);
    }
}
