//! Counting: of everything that was looked at, what was used and what was left out, and why.
//!
//! `all = used + left out`, always; a reason is a few words that never hold a name or a number.

use std::collections::BTreeMap;

use serde::Serialize;

/// Places that are shown for a reason.
const SHOWN: usize = 3;

/// What became of things of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    pub all: u64,
    pub used: u64,
    pub left_out: BTreeMap<&'static str, Left>,
    /// Every place is shown.
    #[serde(skip)]
    listed: bool,
}

/// Things that were left out for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    pub count: u64,
    /// The first few places.
    pub such_as: Vec<String>,
}

impl Census {
    /// One that shows every place.
    pub fn listed() -> Census {
        Census {
            listed: true,
            ..Census::default()
        }
    }

    pub fn used(&mut self, count: usize) {
        self.all += count as u64;
        self.used += count as u64;
    }

    pub fn left(&mut self, reason: &'static str, place: impl FnOnce() -> String) {
        self.all += 1;
        let left = self.left_out.entry(reason).or_default();
        left.count += 1;
        if self.listed || left.such_as.len() < SHOWN {
            left.such_as.push(place());
        }
    }

    /// So many things for one reason, none of them worth showing.
    pub fn left_many(&mut self, reason: &'static str, count: usize) {
        if count > 0 {
            self.all += count as u64;
            self.left_out.entry(reason).or_default().count += count as u64;
        }
    }

    /// Takes back things that were counted as used, because of something found later.
    pub fn unused(&mut self, reason: &'static str, place: impl FnOnce() -> String) {
        self.all -= 1;
        self.used -= 1;
        self.left(reason, place);
    }

    /// Counts what another one counted, after what is here.
    pub fn add(&mut self, other: Census) {
        self.all += other.all;
        self.used += other.used;
        for (reason, theirs) in other.left_out {
            let left = self.left_out.entry(reason).or_default();
            left.count += theirs.count;
            let room = SHOWN.saturating_sub(left.such_as.len());
            left.such_as.extend(theirs.such_as.into_iter().take(room));
        }
    }

    /// Whether everything is accounted for.
    pub fn closes(&self) -> bool {
        self.all == self.used + self.left_out.values().map(|left| left.count).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_what_was_used_and_what_was_left_out() {
        let mut census = Census::default();
        census.used(5);
        for number in 0..5 {
            census.left("too long", || format!("place {number}"));
        }
        census.unused("the same again", || "x".into());
        let mut other = Census::default();
        other.left("too long", || "elsewhere".into());
        other.left_many("too short", 2);
        census.add(other);
        assert_eq!((census.all, census.used), (13, 4));
        assert!(census.closes());
        assert_eq!(census.left_out["too long"].count, 6);
        assert_eq!(census.left_out["too long"].such_as.len(), SHOWN);
        census.all += 1;
        assert!(!census.closes());
    }
}
