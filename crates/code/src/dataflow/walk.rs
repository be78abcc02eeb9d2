//! The walk that follows values: a list of things still to do instead of recursion.
//!
//! It knows names from [`super::names`] and structure from the facts of the language, and nothing of
//! what is done with its edges.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::names::{self, Bind};
use super::{Edge, How};
use crate::facts::{self, Facts, is};
use crate::{At, Program};

/// Steps after which a text has no edges.
pub const WORK: usize = 3_000_000;

/// Loops inside of so many others are walked once: what an earlier round of them left is not seen.
const LOOPS: usize = 3;

/// The definitions of every name that reach a place.
type Known<'t> = BTreeMap<&'t str, Rc<BTreeSet<At>>>;

enum Step {
    Visit(At),
    /// The target has its value; names of it are defined from here on.
    Define {
        target: At,
        value: Option<At>,
        adds: bool,
    },
    Update(At),
    Parameters(At),
    /// From here on there are several ways.
    Fork,
    /// A side of a branch begins.
    Side,
    /// It ends.
    SideDone,
    /// All sides are done; whether one of them was taken in any case.
    Join {
        always: bool,
    },
    /// The way around a loop.
    Around,
    Leave,
}

struct Fork<'t> {
    before: Known<'t>,
    ends: Vec<Known<'t>>,
}

struct Walk<'p, 't> {
    program: &'p Program<'t>,
    facts: &'static Facts,
    known: Known<'t>,
    forks: Vec<Fork<'t>>,
    /// What was known around the functions that are open.
    outside: Vec<Known<'t>>,
    loops: usize,
    edges: BTreeSet<Edge>,
    steps: Vec<Step>,
    spent: usize,
}

pub fn edges(program: &Program<'_>) -> Vec<Edge> {
    let mut walk = Walk {
        program,
        facts: facts::of(program.language()),
        known: Known::new(),
        forks: Vec::new(),
        outside: Vec::new(),
        loops: 0,
        edges: BTreeSet::new(),
        steps: vec![Step::Visit(0)],
        spent: 0,
    };
    while let Some(step) = walk.steps.pop() {
        walk.spent += 1;
        if walk.spent > WORK {
            return Vec::new();
        }
        walk.step(step);
    }
    walk.edges.into_iter().collect()
}

impl<'t> Walk<'_, 't> {
    fn step(&mut self, step: Step) {
        match step {
            Step::Visit(at) => self.visit(at),
            Step::Define {
                target,
                value,
                adds,
            } => self.define(target, value, adds),
            Step::Update(at) => {
                for at in names::variables(self.program, at).into_iter().take(1) {
                    self.set(at);
                }
            }
            Step::Parameters(at) => self.parameters(at),
            Step::Fork => self.fork(),
            Step::Side => {
                if let Some(fork) = self.forks.last() {
                    self.spent += fork.before.len();
                    self.known = fork.before.clone();
                }
            }
            Step::SideDone => {
                let end = std::mem::take(&mut self.known);
                if let Some(fork) = self.forks.last_mut() {
                    fork.ends.push(end);
                }
            }
            Step::Join { always } => self.join(always),
            Step::Around => {
                self.loops -= 1;
                self.join(false);
            }
            Step::Leave => self.known = self.outside.pop().unwrap_or_default(),
        }
    }

    /// Puts steps before all others, the first of them first.
    fn next(&mut self, steps: Vec<Step>) {
        self.steps.extend(steps.into_iter().rev());
    }

    fn visit(&mut self, at: At) {
        let (program, facts) = (self.program, self.facts);
        let any = |kinds: &[&str]| is(program, at, kinds);
        if names::is_variable(program, at) && !names::is_parameters(program, at) {
            self.used(at);
        } else if any(facts.functions) || any(facts.closures) {
            self.spent += self.known.len();
            self.outside.push(self.known.clone());
            let mut steps = self.parts(at);
            steps.push(Step::Leave);
            self.next(steps);
        } else if names::is_parameters(program, at) {
            self.next(vec![Step::Parameters(at)]);
        } else if any(facts.branches) || any(facts.ternaries) || any(facts.switches) {
            self.branch(at);
        } else if any(facts.catches) {
            self.fork();
            let mut steps = self.parts(at);
            steps.extend([Step::SideDone, Step::Join { always: false }]);
            self.next(steps);
        } else if any(facts.loops) || any(facts.forever) {
            self.round(at);
        } else if names::is_update(program, at) {
            let mut steps = self.parts(at);
            steps.push(Step::Update(at));
            self.next(steps);
        } else if let Some(bind) = names::bind(program, at) {
            let steps = self.binding(at, bind);
            self.next(steps);
        } else {
            let steps = self.parts(at);
            self.next(steps);
        }
    }

    fn parts(&self, at: At) -> Vec<Step> {
        self.program.children(at).map(Step::Visit).collect()
    }

    /// A use has its value from each definition that reaches it.
    fn used(&mut self, at: At) {
        let Some(known) = self.known.get(self.program.text_of(at)) else {
            return;
        };
        self.spent += known.len();
        for from in known.iter().filter(|from| **from != at) {
            let (to, from, how) = (at, *from, How::Same);
            self.edges.insert(Edge { to, from, how });
        }
    }

    fn set(&mut self, at: At) {
        let name = self.program.text_of(at);
        self.known.insert(name, Rc::new(BTreeSet::from([at])));
    }

    /// Value first, then what of the target is read, then the definition. The parts of a node that
    /// are neither are visited in between, a body last.
    fn binding(&mut self, at: At, bind: Bind) -> Vec<Step> {
        let Bind {
            target,
            value,
            adds,
        } = bind;
        let mut steps: Vec<Step> = value.map(Step::Visit).into_iter().collect();
        for (target, value) in self.pairs(target, value) {
            steps.push(Step::Define {
                target,
                value,
                adds,
            });
        }
        let rest = self.program.children(at);
        let named = |at: &At| {
            Some(*at) != value && *at != target && self.program.nodes()[*at].field != Some("name")
        };
        steps.extend(rest.filter(named).map(Step::Visit));
        steps
    }

    /// Target and value side by side where both are lists of the same length.
    fn pairs(&self, target: At, value: Option<At>) -> Vec<(At, Option<At>)> {
        const LISTS: &[&str] = &[
            "pattern_list",
            "tuple_pattern",
            "expression_list",
            "tuple",
            "left_assignment_list",
            "right_assignment_list",
        ];
        let parts = |at: At| -> Vec<At> {
            let named = |at: &At| self.program.nodes()[*at].named;
            self.program.children(at).filter(named).collect()
        };
        let list = |at: At| is(self.program, at, LISTS);
        match value {
            Some(value) if list(target) && list(value) => {
                let (targets, values) = (parts(target), parts(value));
                if targets.len() == values.len() {
                    let values = values.into_iter().map(Some);
                    return targets.into_iter().zip(values).collect();
                }
                vec![(target, Some(value))]
            }
            _ => vec![(target, value)],
        }
    }

    fn define(&mut self, target: At, value: Option<At>, adds: bool) {
        let mut targets = names::variables(self.program, target);
        let partial = names::is_partial(self.program, target);
        if partial || adds {
            for at in &targets {
                self.used(*at);
            }
            targets.truncate(1);
        }
        let sources = value.map(|value| names::variables(self.program, value));
        let sources = sources.unwrap_or_default();
        self.spent += targets.len() * sources.len();
        for to in targets {
            for from in &sources {
                let (from, how) = (*from, How::Computed);
                self.edges.insert(Edge { to, from, how });
            }
            self.set(to);
        }
    }

    /// Names of arguments are defined; what stands in for those that are not given is used.
    fn parameters(&mut self, at: At) {
        const GIVEN: &[&str] = &["value", "default_value", "right"];
        let (mut next, end) = (at, self.program.end_of(at));
        while next < end {
            let given = self.program.nodes()[next].field;
            if given.is_some_and(|field| GIVEN.contains(&field)) {
                for at in names::variables(self.program, next) {
                    self.used(at);
                }
                next = self.program.end_of(next);
            } else if names::is_variable(self.program, next) {
                self.set(next);
                next = self.program.end_of(next);
            } else {
                next += 1;
            }
        }
    }

    fn fork(&mut self) {
        self.spent += self.known.len();
        self.forks.push(Fork {
            before: self.known.clone(),
            ends: Vec::new(),
        });
    }

    /// The condition comes before the fork, so that the sides begin with what it left.
    fn branch(&mut self, at: At) {
        const SIDES: &[&str] = &["consequence", "alternative", "body", "block"];
        let (program, facts) = (self.program, self.facts);
        let mut always = false;
        let (mut first, mut sides) = (Vec::new(), Vec::new());
        for child in program.children(at) {
            let field = program.nodes()[child].field;
            let case = is(program, child, facts.cases);
            let other = is(program, child, facts.further) || facts.is_otherwise(program, child);
            always |= facts.is_otherwise(program, child) || is(program, at, facts.ternaries);
            if is(program, at, facts.switches) && field == Some("body") {
                // Each case is a side.
                sides.extend(program.children(child));
            } else if case || other || field.is_some_and(|field| SIDES.contains(&field)) {
                sides.push(child);
            } else {
                first.push(Step::Visit(child));
            }
        }
        let mut steps = first;
        steps.push(Step::Fork);
        for side in sides {
            steps.extend([Step::Side, Step::Visit(side), Step::SideDone]);
        }
        steps.push(Step::Join { always });
        self.next(steps);
    }

    /// What is known around a loop is what was known before it or after any round.
    fn round(&mut self, at: At) {
        let bind = names::php_foreach(self.program, at).or_else(|| names::bind(self.program, at));
        let once = |walk: &mut Self| match &bind {
            Some(Bind {
                target,
                value,
                adds,
            }) => {
                let bind = Bind {
                    target: *target,
                    value: *value,
                    adds: *adds,
                };
                walk.binding(at, bind)
            }
            None => walk.parts(at),
        };
        let mut steps = vec![Step::Fork];
        if self.loops < LOOPS {
            steps.push(Step::Fork);
            steps.extend(once(self));
            steps.extend([Step::SideDone, Step::Join { always: false }]);
        }
        self.loops += 1;
        steps.extend(once(self));
        steps.extend([Step::SideDone, Step::Around]);
        self.next(steps);
    }

    fn join(&mut self, always: bool) {
        let Some(fork) = self.forks.pop() else {
            return;
        };
        let before = (!always || fork.ends.is_empty()).then_some(fork.before);
        let mut joined: Known<'t> = Known::new();
        for known in fork.ends.into_iter().chain(before) {
            self.spent += known.len();
            for (name, places) in known {
                match joined.get_mut(name) {
                    Some(there) if *there == places => {}
                    Some(there) => Rc::make_mut(there).extend(places.iter()),
                    None => {
                        joined.insert(name, places);
                    }
                }
            }
        }
        self.known = joined;
    }
}
