//! Watches a text grow, piece by piece, for stop strings that may straddle the pieces.
//!
//! It knows text only. What it lets through is final: text that might still turn out to be the
//! beginning of a stop string is held back.

/// Watches one text.
#[derive(Debug, Clone)]
pub struct StopWatch {
    stops: Vec<String>,
    /// Text that could be the beginning of a stop string.
    held: String,
}

/// What is known after a further piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// This much more is certain (possibly nothing).
    More(String),
    /// The text ends here: what is left of it before the stop string.
    Stopped(String),
}

impl StopWatch {
    /// Stop strings must not be empty.
    pub fn new(stops: &[String]) -> StopWatch {
        StopWatch {
            stops: stops.to_vec(),
            held: String::new(),
        }
    }

    /// Takes a further piece. Of several stop strings the one that begins first ends the text.
    pub fn hear(&mut self, piece: &str) -> Heard {
        self.held.push_str(piece);
        let first = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()))
            .min();
        if let Some(at) = first {
            self.held.truncate(at);
            return Heard::Stopped(std::mem::take(&mut self.held));
        }
        let open = self.open();
        let rest = self.held.split_off(self.held.len() - open);
        Heard::More(std::mem::replace(&mut self.held, rest))
    }

    /// The text ended by itself: what was held back belongs to it.
    pub fn finish(self) -> String {
        self.held
    }

    /// Bytes of the longest end of the held text that begins a stop string.
    fn open(&self) -> usize {
        let begins = |stop: &str| {
            (1..stop.len().min(self.held.len() + 1))
                .rev()
                .find(|bytes| {
                    self.held.as_bytes().ends_with(&stop.as_bytes()[..*bytes])
                        && stop.is_char_boundary(*bytes)
                })
        };
        self.stops
            .iter()
            .filter_map(|stop| begins(stop))
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[String], pieces: &[String]) -> (Vec<String>, bool) {
        let mut watch = StopWatch::new(stops);
        let mut texts = Vec::new();
        for piece in pieces {
            match watch.hear(piece) {
                Heard::More(text) => texts.push(text),
                Heard::Stopped(text) => {
                    texts.push(text);
                    return (texts, true);
                }
            }
        }
        texts.push(watch.finish());
        (texts, false)
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_stop_string_across_three_pieces_ends_the_text_before_it() {
        let (texts, stopped) = run(
            &owned(&["\n\nclass"]),
            &owned(&["x = 1\n", "\ncl", "ass A"]),
        );
        assert!(stopped);
        assert_eq!(texts, ["x = 1", "", ""]);
    }

    #[test]
    fn a_false_beginning_is_let_through_in_the_end() {
        let (texts, stopped) = run(&owned(&["aab"]), &owned(&["aa", "a", "c"]));
        assert!(!stopped);
        assert_eq!(texts, ["", "a", "aac", ""]);
        let (texts, _) = run(&owned(&["end"]), &owned(&["the en"]));
        assert_eq!(texts.concat(), "the en");
    }

    #[test]
    fn of_two_stop_strings_the_one_that_begins_first_counts() {
        let (texts, stopped) = run(&owned(&["cd", "bcde"]), &owned(&["abcdef"]));
        assert_eq!((texts.concat().as_str(), stopped), ("a", true));
    }

    #[test]
    fn characters_of_several_bytes_are_never_cut() {
        let (texts, stopped) = run(&owned(&["数é"]), &owned(&["x数", "数", "é"]));
        assert_eq!((texts, stopped), (owned(&["x", "数", ""]), true));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(pieces in prop::collection::vec("[abé]{0,3}", 0..8), stops in prop::collection::vec("[abé]{1,4}", 0..3)) {
            let whole = pieces.concat();
            // Piece by piece a shorter stop string may be complete before an earlier, longer one is.
            let single: Vec<String> = stops.into_iter().take(1).collect();
            let (texts, stopped) = run(&single, &pieces);
            let at = single.iter().filter_map(|stop| whole.find(stop.as_str())).min();
            prop_assert_eq!(stopped, at.is_some());
            prop_assert_eq!(texts.concat(), &whole[..at.unwrap_or(whole.len())]);
        }
    }
}
