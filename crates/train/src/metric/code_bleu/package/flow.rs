//! Where values come from, as the package follows them: a walk over the tree by the tables of
//! [`super::rules`], and what it found put into the package's form.
//!
//! It is a record of what the package does and no data flow that anyone should use for more: names
//! have no scope, a leaf that is no name counts as a value, and whatever the package stumbles over
//! leaves the whole text without flows, here too.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use skillbelt_code::{At, Program};

use super::order;
use super::rules::{Assigned, Rules, Sides, Through, rules};

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

/// The package would have stopped with an error.
#[derive(Debug)]
struct Stumbled;

/// A name at a place with the names and places that it has its value from.
#[derive(Debug, Clone)]
struct Entry {
    name: u32,
    place: u32,
    computed: bool,
    from: Vec<u32>,
    places: Vec<u32>,
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

    fn define(&mut self, at: At) -> Result<(), Stumbled> {
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

    fn assign(&mut self, at: At) -> Result<(), Stumbled> {
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
        self.program.language() == skillbelt_code::Language::Python
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

    fn branch(&mut self, at: At) -> Result<(), Stumbled> {
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

    fn join(&mut self, with_before: bool) -> Result<(), Stumbled> {
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

    fn count(&mut self, at: At) {
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

    fn through(&mut self, at: At) -> Result<(), Stumbled> {
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

/// Whether the package takes a node for a word, with all that is under it.
fn is_word(program: &Program<'_>, at: At) -> bool {
    const TEXTS: &[&str] = &["string_literal", "string", "character_literal"];
    let kind = program.kind(at);
    (program.is_leaf(at) || TEXTS.contains(&kind)) && kind != "comment"
}

/// The words of a text, with numbers for their places and for what they say.
struct Words {
    /// By first and last byte. Words without text can share them; then the last has them all.
    places: HashMap<(usize, usize), (u32, u32)>,
    bytes: Vec<(usize, usize)>,
    texts: Vec<String>,
    hashes: Vec<u64>,
}

impl Words {
    fn of(program: &Program<'_>) -> Result<Words, Stumbled> {
        let lines: Vec<Vec<char>> = program
            .text()
            .split('\n')
            .map(|line| line.chars().collect())
            .collect();
        let mut words = Words {
            places: HashMap::new(),
            bytes: Vec::with_capacity(program.nodes().len()),
            texts: Vec::new(),
            hashes: Vec::new(),
        };
        let mut names: HashMap<String, u32> = HashMap::new();
        let mut place = 0;
        let mut end = 0;
        for (at, node) in program.nodes().iter().enumerate() {
            words.bytes.push((node.bytes.start, node.bytes.end));
            if at < end || !is_word(program, at) {
                continue;
            }
            end = program.end_of(at);
            let text = cut(&lines, node.from, node.to).ok_or(Stumbled)?;
            let next = names.len() as u32;
            let name = *names.entry(text).or_insert_with_key(|text| {
                words.hashes.push(order::hash(text));
                words.texts.push(text.clone());
                next
            });
            words
                .places
                .insert((node.bytes.start, node.bytes.end), (place, name));
            place += 1;
        }
        Ok(words)
    }

    /// Place and name.
    fn at(&self, at: At) -> Result<(u32, u32), Stumbled> {
        self.places.get(&self.bytes[at]).copied().ok_or(Stumbled)
    }

    fn text(&self, name: u32) -> &str {
        &self.texts[name as usize]
    }

    /// Sources of the second become sources of the first, in the order of a set.
    fn unite(&self, first: &mut Entry, second: Entry) {
        let names = first.from.iter().chain(&second.from);
        first.from = order::of_set(names.map(|name| (*name, self.hashes[*name as usize])));
        let places: BTreeSet<u32> = first.places.iter().chain(&second.places).copied().collect();
        first.places = places.into_iter().collect();
    }
}

/// What stands between two places. The package takes bytes of a line for characters, so that what
/// stands after other letters than those of ASCII is cut at the wrong place; it is here too.
fn cut(lines: &[Vec<char>], from: (usize, usize), to: (usize, usize)) -> Option<String> {
    let within = |line: &[char], from: usize, to: usize| -> String {
        let to = to.min(line.len());
        line[from.min(to)..to].iter().collect()
    };
    if from.0 == to.0 {
        return Some(within(lines.get(from.0)?, from.1, to.1));
    }
    let mut text = within(lines.get(from.0)?, from.1, usize::MAX);
    for line in lines.get(from.0 + 1..to.0)? {
        text.extend(line);
    }
    text.push_str(&within(lines.get(to.0)?, 0, to.1));
    Some(text)
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
