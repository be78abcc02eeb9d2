//! Where the values of variables come from, over every way through a program.
//!
//! An edge leads from a place where a variable has a value to a place that has its value from there:
//! a use from the definitions that reach it, a definition from the variables of what is assigned.
//! Branches begin with what was known before them and are joined after; the body of a loop sees what
//! an earlier round left; functions see what is around them and keep to themselves what they define.
//! It knows names, not memory: two names of one thing, members of objects and calls are beyond it.

mod names;
mod walk;

use std::collections::HashMap;

use crate::{At, Program};

/// Why a place has its value from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// The same variable, unchanged since.
    Same,
    /// Something that was computed from the other.
    Computed,
}

/// From one place of a variable to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    pub to: At,
    pub from: At,
    pub how: How,
}

/// An edge with names made alike: numbers in the order in which names appear, sources first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Item {
    pub to: u32,
    pub from: u32,
    pub how: How,
}

/// All edges, each once, in the order of the places they lead to. A text that would take more than
/// [`walk::WORK`] steps has none: that is nonsense of hundreds of kilobytes, never a function.
pub fn edges(program: &Program<'_>) -> Vec<Edge> {
    walk::edges(program)
}

/// The edges with names made alike, so that programs which differ in names alone have the same.
pub fn items(program: &Program<'_>) -> Vec<Item> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut number = |at: At| {
        let next = numbers.len() as u32;
        *numbers.entry(program.text_of(at)).or_insert(next)
    };
    let item = |edge: Edge| {
        let from = number(edge.from);
        let to = number(edge.to);
        let how = edge.how;
        Item { to, from, how }
    };
    edges(program).into_iter().map(item).collect()
}

#[cfg(test)]
#[path = "dataflow_tests.rs"]
mod tests;
