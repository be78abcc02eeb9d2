//! The rubric: what a judge is asked to grade, criterion by criterion, on one scale.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::recipe::read_section;
use crate::recipe::shape::section;

/// Criteria that one rubric may have, and steps of its scale.
const MAX_CRITERIA: usize = 20;
const MAX_STEPS: usize = 100;

section! {
    /// What is graded, and how.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Rubric {
        /// What the judge is told before everything else.
        pub question: String,
        /// The worst grade.
        pub lowest: usize,
        /// The best grade.
        pub highest: usize,
        /// What is graded, each with a grade of its own.
        pub criteria: Vec<Criterion>,
    }
}

section! {
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Criterion {
        /// What it is called in the judge's answer.
        pub name: String,
        /// What earns a good grade.
        pub meaning: String,
    }
}

impl Default for Rubric {
    fn default() -> Rubric {
        let criterion = |name: &str, meaning: &str| Criterion {
            name: name.to_owned(),
            meaning: meaning.to_owned(),
        };
        Rubric {
            question: "Grade the answer against the reference. The reference is right; another \
                       answer that says or does the same is as good."
                .to_owned(),
            lowest: 1,
            highest: 5,
            criteria: vec![
                criterion("correct", "nothing in it is wrong"),
                criterion("complete", "nothing of the reference is missing"),
                criterion("concise", "nothing in it is needless"),
            ],
        }
    }
}

impl Rubric {
    /// Reads a YAML file, and refuses a rubric that cannot be graded by.
    pub fn read(path: &Path) -> Result<Rubric> {
        let rubric: Rubric = read_section(path)?;
        match rubric.defect() {
            None => Ok(rubric),
            Some(message) => Err(Error::File {
                path: path.to_owned(),
                line: 1,
                message,
                hint: Some("docs/prompting.md shows a rubric".into()),
            }),
        }
    }

    fn defect(&self) -> Option<String> {
        let (lowest, highest) = (self.lowest, self.highest);
        if lowest >= highest || highest - lowest >= MAX_STEPS {
            return Some(format!("no scale from {lowest} to {highest}"));
        }
        if self.criteria.is_empty() || self.criteria.len() > MAX_CRITERIA {
            let count = self.criteria.len();
            return Some(format!(
                "{count} criteria; from 1 to {MAX_CRITERIA} can be graded"
            ));
        }
        for (place, criterion) in self.criteria.iter().enumerate() {
            let name = &criterion.name;
            if name.trim().is_empty() {
                return Some("a criterion without a name".to_owned());
            }
            if self.criteria[..place]
                .iter()
                .any(|other| other.name == *name)
            {
                return Some(format!("criterion `{name}` stands twice"));
            }
        }
        None
    }
}
