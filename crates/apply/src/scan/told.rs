//! What is told in the end: findings without those that comments ignore and those that were known.

use super::Ignored;
use super::asked::Said;
use super::finding::{Finding, fingerprint, number};
use super::found::{Asked, At, Found, told, unasked};
use super::past::Known;

/// What is told in the end.
pub struct Told {
    pub findings: Vec<Finding>,
    pub ignored: Vec<Ignored>,
    pub known: usize,
    pub notes: Vec<String>,
}

impl Asked<'_> {
    /// Takes out what comments ignore and what was known before, and puts the rest in order.
    pub fn told(
        &self,
        mut all: Vec<Found>,
        said: &Said,
        known: Option<Known>,
        new_since: bool,
    ) -> Told {
        let mut told = Told {
            findings: Vec::new(),
            ignored: Vec::new(),
            known: 0,
            notes: self.unheard.clone(),
        };
        let mut before = match new_since {
            true => self.before(said),
            false => Known::default(),
        };
        let mut known = known.unwrap_or_default();
        all.sort_by_key(|(members, finding)| (members[0], finding.rule));
        for (members, finding) in all {
            let rule = &self.rules[finding.rule];
            if let Some(reason) = self.ignored(rule, members[0]) {
                let reason = reason.to_owned();
                told.ignored.push(Ignored { finding, reason });
                continue;
            }
            let takes = |known: &mut Known| {
                let place = &finding.place;
                known.takes(&rule.task, finding.print(), &place.path, &place.function)
            };
            let was = new_since && (self.was_there(&members) || takes(&mut before));
            if was || takes(&mut known) {
                told.known += 1;
            } else {
                told.findings.push(finding);
            }
        }
        number(&mut told.findings);
        told
    }

    /// Whether the past had the function, or at least two of a group.
    fn was_there(&self, members: &[At]) -> bool {
        let had = members.iter().filter(|at| self.had(**at)).count();
        had >= members.len().min(2)
    }

    /// Findings of functions that the past had and that are not there any more.
    fn before(&self, said: &Said) -> Known {
        let mut known = Known::default();
        for file in self.past.iter().flat_map(|past| &past.files) {
            for subject in file
                .kept
                .subjects
                .iter()
                .filter(|one| unasked(one).is_none())
            {
                for (number, rule) in self.rules.iter().enumerate() {
                    if told(rule, subject, said, number).is_some() {
                        let print = fingerprint(rule, &[subject.print]);
                        known.add(&rule.task, &print, &file.path, &subject.name);
                    }
                }
            }
        }
        known
    }
}
