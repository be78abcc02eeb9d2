//! Subtrees as numbers: two subtrees have the same number exactly if they look the same.
//!
//! Looking the same is about kinds of nodes, never about names or values in the text. Numbers are
//! given by one [`Shapes`] and mean nothing beside another.

use std::collections::HashMap;

use crate::{At, Program};

/// What of a tree is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The written form of a tree, as `tree-sitter` prints it: named nodes with their leaves, what
    /// each is to its parent, what is missing and what was unexpected.
    Printed,
    /// Only the frame: named nodes that have children, without leaves and without what they are to
    /// their parent.
    Frame,
}

/// Gives numbers to shapes, the same to the same.
#[derive(Debug, Default)]
pub struct Shapes {
    /// A shape is its label, then field and shape of each child.
    known: HashMap<Vec<usize>, usize>,
    words: HashMap<String, usize>,
}

impl Shapes {
    /// The shape of every subtree of more than one node, in the order of the program. The root
    /// counts even if it stands alone.
    pub fn of(&mut self, program: &Program<'_>, view: View) -> Vec<usize> {
        let count = program.nodes().len();
        let mut shapes = vec![0; count];
        // What nodes that are not printed hold; they show as if it were their parent's.
        let mut through: HashMap<At, Vec<(usize, usize)>> = HashMap::new();
        for at in (0..count).rev() {
            let inner = self.inner(program, at, view, &shapes, &mut through);
            if !program.is_leaf(at) && !shown(program, at, view) {
                through.insert(at, inner.clone());
            }
            let printed = program.printed(at).filter(|_| view == View::Printed);
            let mut shape = vec![self.word(printed.unwrap_or(program.kind(at)))];
            if printed.is_none() {
                shape.extend(inner.into_iter().flat_map(|(field, shape)| [field, shape]));
            }
            let next = self.known.len();
            shapes[at] = *self.known.entry(shape).or_insert(next);
        }
        let subtree = |at: &At| match view {
            View::Printed => *at == 0 || !program.is_leaf(*at),
            View::Frame => *at == 0 || shown(program, *at, view),
        };
        (0..count).filter(subtree).map(|at| shapes[at]).collect()
    }

    /// Field and shape of what is shown directly under a node.
    fn inner(
        &mut self,
        program: &Program<'_>,
        at: At,
        view: View,
        shapes: &[usize],
        through: &mut HashMap<At, Vec<(usize, usize)>>,
    ) -> Vec<(usize, usize)> {
        let mut inner = Vec::new();
        for child in program.children(at) {
            let field = match (view, program.nodes()[child].field) {
                (View::Printed, Some(field)) => self.word(field) + 1,
                _ => 0,
            };
            if shown(program, child, view) {
                inner.push((field, shapes[child]));
            } else if let Some(held) = through.remove(&child) {
                let own = |(of, shape)| (if of == 0 { field } else { of }, shape);
                inner.extend(held.into_iter().map(own));
            }
        }
        inner
    }

    fn word(&mut self, word: &str) -> usize {
        let next = self.words.len();
        match self.words.get(word) {
            Some(number) => *number,
            None => {
                self.words.insert(word.to_owned(), next);
                next
            }
        }
    }
}

fn shown(program: &Program<'_>, at: At, view: View) -> bool {
    let node = &program.nodes()[at];
    match view {
        View::Printed => node.named || node.missing,
        View::Frame => node.named && !program.is_leaf(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, parse};

    fn shapes(view: View, texts: &[&str]) -> Vec<Vec<usize>> {
        let mut known = Shapes::default();
        let of = |text: &&str| known.of(&parse(Language::Java, text).unwrap(), view);
        texts.iter().map(of).collect()
    }

    #[test]
    fn names_and_values_are_not_seen_and_kinds_are() {
        for view in [View::Printed, View::Frame] {
            let found = shapes(view, &["int a = b + 1;", "int x = y + 2;", "int x = f(y);"]);
            assert_eq!(found[0], found[1]);
            assert_ne!(found[0], found[2]);
        }
    }

    #[test]
    fn a_frame_does_not_see_its_leaves() {
        let printed = shapes(View::Printed, &["int a = b;", "int a = 1;"]);
        assert_ne!(printed[0], printed[1]);
        let frames = shapes(View::Frame, &["int a = b;", "int a = 1;"]);
        assert_eq!(frames[0], frames[1]);
    }

    #[test]
    fn what_is_missing_is_seen() {
        let found = shapes(View::Printed, &["int a = b", "int a = b;"]);
        assert_ne!(found[0], found[1]);
    }
}
