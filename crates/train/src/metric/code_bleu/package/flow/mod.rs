//! Where values come from, as the package follows them: a walk over the tree by the tables of
//! [`super::rules`], and what it found put into the package's form.
//!
//! It is a record of what the package does and no data flow that anyone should use for more: names
//! have no scope, a leaf that is no name counts as a value, and whatever the package stumbles over
//! leaves the whole text without flows, here too.

mod structure;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use skillbelt_code::{At, Program};

use super::numbered::{Entry, Stumbled, Words, is_word};
use super::rules::{Rules, rules};

/// Deeper trees have no flows: Python stops there if the package is called from a plain script.
const DEPTH: usize = 991;

/// Steps after which a text has no flows. Loops are walked twice, so that a hundred of them inside
/// each other would never end.
const WORK: usize = 5_000_000;

/// A value that goes into a name, with names made alike: how, from where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flow {
    to: u32,
    computed: bool,
    from: Vec<u32>,
}

/// The flows of a text in the order of its words.
pub fn flows(program: &Program<'_>) -> Vec<Flow> {
    let found = walked(program).unwrap_or_default();
    alike(&found)
}

/// Where names had their last values.
type Known = HashMap<u32, Rc<[u32]>>;

/// What is still to be done, the next thing last.
enum Step {
    Visit(At),
    /// Names of the first node from each of the second, one by one.
    Link(At, At, bool),
    /// Names of the first node from all of the second at once.
    LinkAll(At, At),
    /// Entries from here on are of one loop: those of the same name and place become one.
    Merge(usize),
    /// A part of a branch, going on from the part before or beginning again.
    Part(At, bool),
    PartDone(bool),
    /// The end of a branch; whether what was known before it stays.
    Join(bool),
}

struct Branch {
    before: Known,
    current: Known,
    others: Vec<Known>,
}

struct Walk<'p, 't> {
    program: &'p Program<'t>,
    rules: &'static Rules,
    words: Words,
    entries: Vec<Entry>,
    known: Known,
    branches: Vec<Branch>,
    steps: Vec<Step>,
    spent: usize,
}

fn walked(program: &Program<'_>) -> Result<Vec<Entry>, Stumbled> {
    if program.nodes().iter().any(|node| node.depth > DEPTH) {
        return Err(Stumbled);
    }
    let mut walk = Walk {
        program,
        rules: rules(program.language()),
        words: Words::of(program)?,
        entries: Vec::new(),
        known: Known::new(),
        branches: Vec::new(),
        steps: vec![Step::Visit(0)],
        spent: 0,
    };
    while let Some(step) = walk.steps.pop() {
        walk.spend(1)?;
        walk.step(step)?;
    }
    Ok(walk.connected())
}

impl Walk<'_, '_> {
    fn spend(&mut self, steps: usize) -> Result<(), Stumbled> {
        self.spent += steps;
        if self.spent > WORK {
            Err(Stumbled)
        } else {
            Ok(())
        }
    }

    fn step(&mut self, step: Step) -> Result<(), Stumbled> {
        match step {
            Step::Visit(at) => self.visit(at)?,
            Step::Link(to, from, computed) => self.link(to, from, computed)?,
            Step::LinkAll(to, from) => self.link_all(to, from)?,
            Step::Merge(from) => self.merge(from)?,
            Step::Part(at, again) => {
                let known = match self.branches.last_mut() {
                    Some(branch) if again => branch.before.clone(),
                    Some(branch) => std::mem::take(&mut branch.current),
                    None => Known::new(),
                };
                self.spend(if again { known.len() } else { 0 })?;
                self.known = known;
                self.steps.extend([Step::PartDone(again), Step::Visit(at)]);
            }
            Step::PartDone(again) => {
                let known = std::mem::take(&mut self.known);
                match self.branches.last_mut() {
                    Some(branch) if again => branch.others.push(known),
                    Some(branch) => branch.current = known,
                    None => {}
                }
            }
            Step::Join(with_before) => self.join(with_before)?,
        }
        Ok(())
    }

    /// Puts steps before all others, the first of them first.
    fn next(&mut self, steps: Vec<Step>) {
        self.steps.extend(steps.into_iter().rev());
    }

    fn visit(&mut self, at: At) -> Result<(), Stumbled> {
        let (rules, kind) = (self.rules, self.program.kind(at));
        let is = |kinds: &[&str]| kinds.contains(&kind);
        if is_word(self.program, at) {
            self.word(at)
        } else if is(rules.define) {
            self.define(at)
        } else if is(rules.assign) {
            self.assign(at)
        } else if is(rules.increment) {
            self.link(at, at, true)
        } else if is(rules.branch) {
            self.branch(at)
        } else if is(rules.count) {
            self.count(at);
            Ok(())
        } else if is(rules.through) {
            self.through(at)
        } else if is(rules.repeat) {
            let twice: Vec<At> = self.program.children(at).collect();
            let mut steps: Vec<Step> = twice.iter().map(|at| Step::Visit(*at)).collect();
            steps.extend(twice.iter().map(|at| Step::Visit(*at)));
            steps.push(Step::Merge(self.entries.len()));
            self.next(steps);
            Ok(())
        } else {
            let first = |at: &At| rules.first.contains(&self.program.kind(*at));
            let (before, after): (Vec<At>, Vec<At>) = self.program.children(at).partition(first);
            self.next(before.into_iter().chain(after).map(Step::Visit).collect());
            Ok(())
        }
    }

    fn word(&mut self, at: At) -> Result<(), Stumbled> {
        let (place, name) = self.words.at(at)?;
        if self.program.kind(at) == self.words.text(name) {
            return Ok(());
        }
        let (from, places) = match self.known.get(&name) {
            Some(places) => (vec![name], places.to_vec()),
            None => {
                if self.program.kind(at) == "identifier" {
                    self.known.insert(name, Rc::from([place]));
                }
                (Vec::new(), Vec::new())
            }
        };
        self.spend(places.len())?;
        self.entries.push(Entry {
            name,
            place,
            computed: false,
            from,
            places,
        });
        Ok(())
    }

    /// Place and name of every word under a node that is not one of the language's own.
    fn variables(&mut self, at: At) -> Result<Vec<(u32, u32)>, Stumbled> {
        let mut found = Vec::new();
        let (mut next, end) = (at, self.program.end_of(at));
        self.spend(end - at)?;
        while next < end {
            if is_word(self.program, next) {
                let (place, name) = self.words.at(next)?;
                if self.program.kind(next) != self.words.text(name) {
                    found.push((place, name));
                }
                next = self.program.end_of(next);
            } else {
                next += 1;
            }
        }
        Ok(found)
    }

    fn link(&mut self, to: At, from: At, computed: bool) -> Result<(), Stumbled> {
        let (names, values) = (self.variables(to)?, self.variables(from)?);
        self.spend(names.len() * values.len())?;
        for (place, name) in names {
            let entry = |(from_place, from): &(u32, u32)| Entry {
                name,
                place,
                computed,
                from: vec![*from],
                places: vec![*from_place],
            };
            self.entries.extend(values.iter().map(entry));
            self.known.insert(name, Rc::from([place]));
        }
        Ok(())
    }

    fn link_all(&mut self, to: At, from: At) -> Result<(), Stumbled> {
        let (names, values) = (self.variables(to)?, self.variables(from)?);
        self.spend(names.len() * values.len())?;
        for (place, name) in names {
            self.entries.push(Entry {
                name,
                place,
                computed: true,
                from: values.iter().map(|(_, name)| *name).collect(),
                places: values.iter().map(|(place, _)| *place).collect(),
            });
            self.known.insert(name, Rc::from([place]));
        }
        Ok(())
    }

    fn merge(&mut self, from: usize) -> Result<(), Stumbled> {
        let looped = self.entries.split_off(from);
        self.spend(looped.iter().map(|entry| 1 + entry.from.len()).sum())?;
        let mut places: HashMap<(u32, u32, bool), usize> = HashMap::new();
        for entry in looped {
            let key = (entry.name, entry.place, entry.computed);
            match places.get(&key) {
                None => {
                    places.insert(key, self.entries.len());
                    self.entries.push(entry);
                }
                Some(at) => self.words.unite(&mut self.entries[*at], entry),
            }
        }
        Ok(())
    }

    /// What is connected with anything, one entry for each place.
    fn connected(mut self) -> Vec<Entry> {
        self.entries.sort_by_key(|entry| entry.place);
        let mut connected: BTreeSet<u32> = BTreeSet::new();
        for entry in &self.entries {
            connected.extend((!entry.places.is_empty()).then_some(entry.place));
            connected.extend(&entry.places);
        }
        let mut united: Vec<Entry> = Vec::new();
        for entry in self.entries {
            match united.last_mut() {
                _ if !connected.contains(&entry.place) => {}
                Some(last) if last.place == entry.place => self.words.unite(last, entry),
                _ => united.push(entry),
            }
        }
        united
    }
}

/// Names become numbers in the order in which they are met, sources before what they go into.
fn alike(entries: &[Entry]) -> Vec<Flow> {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut number = |name: &u32| {
        let next = numbers.len() as u32;
        *numbers.entry(*name).or_insert(next)
    };
    let mut flows = Vec::with_capacity(entries.len());
    for entry in entries {
        let from = entry.from.iter().map(&mut number).collect();
        flows.push(Flow {
            to: number(&entry.name),
            computed: entry.computed,
            from,
        });
    }
    flows
}
