//! Which keys a query sees: everything, what came before, a window, or a prefix that sees itself.
//!
//! The answer is a range of keys for each query row, never a matrix of a mask.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::spans::Spans;

/// The query at place `i` of its sequence sees the keys `i - left ..= i + right`; `None` means no
/// limit. A query span that is shorter than its keys stands at their end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Keys before its own place; a sliding window of `w` keys is `w - 1`.
    pub left: Option<usize>,
    /// Keys after its own place; causal is `Some(0)`.
    pub right: Option<usize>,
    /// For each span, how many of its first tokens see each other in both directions. Later ones
    /// are causal unless `right` says otherwise.
    pub prefix: Option<Arc<[usize]>>,
}

impl Reach {
    /// Every query sees every key of its span.
    pub fn everything() -> Reach {
        Reach::default()
    }

    /// Every query sees its own place and what came before.
    pub fn causal() -> Reach {
        Reach {
            right: Some(0),
            ..Reach::default()
        }
    }

    /// Causal, and no further back than `window` keys, its own among them.
    pub fn window(window: usize) -> Reach {
        Reach {
            left: Some(window.saturating_sub(1)),
            ..Reach::causal()
        }
    }

    /// The first so many tokens of each span see each other, later ones are causal.
    pub fn prefix(lengths: &[usize]) -> Reach {
        Reach {
            prefix: Some(lengths.into()),
            ..Reach::causal()
        }
    }

    /// Refuses spans for which some query would have no place among its keys.
    pub(crate) fn check(&self, op: &'static str, queries: &Spans, keys: &Spans) -> Result<()> {
        if queries.count() != keys.count() {
            let expected = format!("{} spans of keys, as of queries", queries.count());
            return Err(Error::shape(op, expected, keys.count()));
        }
        let limited = self.left.is_some() || self.right.is_some() || self.prefix.is_some();
        for span in 0..queries.count() {
            let (queries, keys) = (queries.length(span), keys.length(span));
            if limited && queries > keys {
                return Err(Error::shape(
                    op,
                    format_args!(
                        "at most {keys} queries in span {span}, each at the place of a key"
                    ),
                    queries,
                ));
            }
        }
        let Some(prefix) = &self.prefix else {
            return Ok(());
        };
        if prefix.len() != keys.count() {
            let expected = format!("{} prefixes, one for each span", keys.count());
            return Err(Error::shape(op, expected, prefix.len()));
        }
        match (0..keys.count()).find(|span| prefix[*span] > keys.length(*span)) {
            Some(span) => Err(Error::Index {
                op,
                what: "the length of a prefix,",
                index: prefix[span] as i64,
                bound: keys.length(span) + 1,
            }),
            None => Ok(()),
        }
    }

    /// For each query row of a span the keys it sees: from the first to before the second.
    pub(crate) fn seen(&self, span: usize, queries: usize, keys: usize) -> Vec<(usize, usize)> {
        let prefix = self.prefix.as_ref().map(|prefix| prefix[span]);
        let right = self.right.or(prefix.map(|_| 0));
        (0..queries)
            .map(|row| {
                if self.left.is_none() && right.is_none() {
                    return (0, keys);
                }
                let place = row + keys - queries;
                let first = self.left.map_or(0, |left| place.saturating_sub(left));
                let end = right.map_or(keys, |right| place.saturating_add(right).saturating_add(1));
                match prefix.filter(|prefix| place < *prefix) {
                    Some(prefix) => (0, end.max(prefix).min(keys)),
                    None => (first, end.min(keys)),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_reach_names_its_keys() {
        let seen = |reach: &Reach, queries, keys| reach.seen(0, queries, keys);
        assert_eq!(seen(&Reach::everything(), 2, 3), [(0, 3), (0, 3)]);
        assert_eq!(seen(&Reach::everything(), 3, 2), [(0, 2); 3]);
        assert_eq!(seen(&Reach::causal(), 3, 3), [(0, 1), (0, 2), (0, 3)]);
        assert_eq!(seen(&Reach::causal(), 1, 3), [(0, 3)]);
        assert_eq!(seen(&Reach::window(2), 3, 3), [(0, 1), (0, 2), (1, 3)]);
        let local = Reach {
            left: Some(1),
            right: Some(1),
            prefix: None,
        };
        assert_eq!(seen(&local, 3, 3), [(0, 2), (0, 3), (1, 3)]);
        let prefix = Reach {
            prefix: Some([2].into()),
            ..Reach::default()
        };
        assert_eq!(seen(&prefix, 4, 4), [(0, 2), (0, 2), (0, 3), (0, 4)]);
    }

    #[test]
    fn a_query_without_a_place_among_the_keys_is_refused() {
        let (long, short) = (Spans::single(3).unwrap(), Spans::single(2).unwrap());
        let two = Spans::from_lengths(&[1, 1]).unwrap();
        assert!(
            Reach::everything()
                .check("attention", &long, &short)
                .is_ok()
        );
        assert!(Reach::causal().check("attention", &long, &short).is_err());
        assert!(Reach::causal().check("attention", &short, &two).is_err());
        let prefix = Reach::prefix;
        assert!(prefix(&[3]).check("attention", &short, &short).is_err());
        assert!(prefix(&[2, 2]).check("attention", &short, &short).is_err());
        assert!(prefix(&[2]).check("attention", &short, &short).is_ok());
    }
}
