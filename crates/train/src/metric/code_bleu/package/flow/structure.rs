//! Definitions, assignments, branches and loops: what each puts on the list of things to do.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use skillbelt_code::{At, Language};

use super::super::numbered::{Entry, Stumbled};
use super::super::rules::{Assigned, Sides, Through};
use super::{Branch, Step, Walk};

impl Walk<'_, '_> {
    pub(super) fn define(&mut self, at: At) -> Result<(), Stumbled> {
        let children: Vec<At> = self.program.children(at).take(3).collect();
        let (name, value) = match (self.rules.sides, &children[..]) {
            (Sides::Fields(name, value), _) => {
                (self.program.field(at, name), self.program.field(at, value))
            }
            (Sides::Both, [name, value]) => (Some(*name), Some(*value)),
            (Sides::Both, _) => (children.first().copied(), None),
            (Sides::Following, _) => (children.get(1).copied(), children.get(2).copied()),
        };
        let name = name.ok_or(Stumbled)?;
        if let Some(value) = value {
            self.next(vec![Step::Visit(value), Step::Link(name, value, false)]);
            return Ok(());
        }
        for (place, name) in self.variables(name)? {
            self.entries.push(Entry {
                name,
                place,
                computed: false,
                from: Vec::new(),
                places: Vec::new(),
            });
            self.known.insert(name, Rc::from([place]));
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, at: At) -> Result<(), Stumbled> {
        let (left, right) = (
            self.program.field(at, "left"),
            self.program.field(at, "right"),
        );
        if self.rules.assigned == Assigned::Whole {
            let (left, right) = (left.ok_or(Stumbled)?, right.ok_or(Stumbled)?);
            self.next(vec![Step::Visit(right), Step::Link(left, right, true)]);
            return Ok(());
        }
        let children: Vec<At> = self.program.children(at).collect();
        let last = *children.last().ok_or(Stumbled)?;
        let steps = match self.program.kind(at) {
            "for_in_clause" => vec![
                Step::Visit(last),
                Step::LinkAll(left.ok_or(Stumbled)?, last),
            ],
            "operator_assignment" => {
                // Both sides are asked for though neither is used.
                let _ = (left.ok_or(Stumbled)?, right.ok_or(Stumbled)?);
                vec![Step::Visit(last), Step::LinkAll(children[0], last)]
            }
            // A name with a type and no value, in Python.
            "assignment" | "augmented_assignment" if right.is_none() && self.is_python() => {
                Vec::new()
            }
            _ => self.side_by_side(left.ok_or(Stumbled)?, right.ok_or(Stumbled)?),
        };
        self.next(steps);
        Ok(())
    }

    fn is_python(&self) -> bool {
        self.program.language() == Language::Python
    }

    /// First all on the right, then each part on the left from its counterpart.
    fn side_by_side(&self, left: At, right: At) -> Vec<Step> {
        let parts = |at: At| -> Vec<At> {
            let part = |at: &At| self.program.kind(*at) != ",";
            self.program.children(at).filter(part).collect()
        };
        let (mut lefts, mut rights) = (parts(left), parts(right));
        if lefts.len() != rights.len() || lefts.is_empty() {
            (lefts, rights) = (vec![left], vec![right]);
        }
        let visits = rights.iter().map(|right| Step::Visit(*right));
        let links = lefts.iter().zip(&rights);
        visits
            .chain(links.map(|(left, right)| Step::LinkAll(*left, *right)))
            .collect()
    }

    pub(super) fn branch(&mut self, at: At) -> Result<(), Stumbled> {
        let mut otherwise = self.program.kind(at).contains("else");
        let mut again = false;
        let mut steps = Vec::new();
        for child in self.program.children(at) {
            let kind = self.program.kind(child);
            otherwise |= kind.contains("else");
            let begins = self.rules.again.contains(&kind);
            again = begins || (again && self.rules.sticky);
            steps.push(Step::Part(child, again));
        }
        steps.push(Step::Join(self.rules.known_after || !otherwise));
        self.next(steps);
        self.spend(2 * self.known.len())?;
        let before = std::mem::take(&mut self.known);
        self.branches.push(Branch {
            current: before.clone(),
            before,
            others: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn join(&mut self, with_before: bool) -> Result<(), Stumbled> {
        let Some(branch) = self.branches.pop() else {
            return Ok(());
        };
        let mut all: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        let before = with_before.then_some(branch.before);
        let ends = branch.others.into_iter().chain([branch.current]);
        for known in ends.chain(before) {
            self.spend(known.values().map(|places| 1 + places.len()).sum())?;
            for (name, places) in known {
                all.entry(name).or_default().extend(places.iter());
            }
        }
        let joined = |(name, places): (u32, BTreeSet<u32>)| (name, places.into_iter().collect());
        self.known = all.into_iter().map(joined).collect();
        Ok(())
    }

    pub(super) fn count(&mut self, at: At) {
        let mut steps: Vec<Step> = self.program.children(at).map(Step::Visit).collect();
        let mut again = false;
        for child in self.program.children(at) {
            if again {
                steps.push(Step::Visit(child));
            } else if self.program.kind(child) == self.rules.twice_after {
                again = true;
                steps.extend(self.program.field(child, "update").map(Step::Visit));
            }
        }
        steps.push(Step::Merge(self.entries.len()));
        self.next(steps);
    }

    pub(super) fn through(&mut self, at: At) -> Result<(), Stumbled> {
        let program = self.program;
        let field = |name: &str| program.field(at, name).ok_or(Stumbled);
        let once = || -> Result<Vec<Step>, Stumbled> {
            Ok(match self.rules.through_by {
                Through::Fields(name, value, body) => {
                    let (name, value, body) = (field(name)?, field(value)?, field(body)?);
                    let link = Step::Link(name, value, true);
                    vec![Step::Visit(value), link, Step::Visit(body)]
                }
                Through::Variables => {
                    let is_variable = |at: &At| program.kind(*at) == "variable_name";
                    let mut variables = program.children(at).filter(is_variable);
                    let value = variables.next().ok_or(Stumbled)?;
                    let name = variables.next().ok_or(Stumbled)?;
                    let link = Step::Link(name, value, true);
                    vec![Step::Visit(value), link, Step::Visit(field("body")?)]
                }
                Through::Pattern => {
                    let (name, value) = (field("pattern")?, field("value")?);
                    let link = Step::LinkAll(name, value);
                    vec![Step::Visit(value), link, Step::Visit(field("body")?)]
                }
                Through::Parted => {
                    let mut steps = self.side_by_side(field("left")?, field("right")?);
                    let last = program.children(at).last();
                    let body = last.filter(|last| program.kind(*last) == "block");
                    steps.extend(body.map(Step::Visit));
                    steps
                }
            })
        };
        let mut steps = once()?;
        steps.extend(once()?);
        steps.push(Step::Merge(self.entries.len()));
        self.next(steps);
        Ok(())
    }
}
