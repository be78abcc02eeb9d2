//! How texts become ids: what the family puts around one text or between two, and how a text that
//! is too long is cut. Only texts are cut, never what stands around them.

use skillbelt_model::Tokenizer;

use crate::error::{Error, Result};

/// The special tokens around one text, and around and between two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    before: Vec<u32>,
    after: Vec<u32>,
    /// Before the first text, between the two, after the second.
    pair: [Vec<u32>; 3],
}

/// UniXcoder is told by a token what it is to be.
const ENCODER_MODE: &str = "<encoder-only>";

impl Frame {
    /// Reads the frame off the tokenizer: of a text in it, whatever is not the text.
    pub fn of(tokenizer: &Tokenizer) -> Result<Frame> {
        let (first, second) = ("x", "y");
        let (a, b) = (
            tokenizer.encode(first, false)?,
            tokenizer.encode(second, false)?,
        );
        let strange = || Error::told("the tokenizer changes a text when it puts it into its frame");
        let single = tokenizer.encode(first, true)?;
        let place = find(&single, &a).ok_or_else(strange)?;
        let (mut before, after) = (single[..place].to_vec(), single[place + a.len()..].to_vec());
        let both = tokenizer.encode_pair(first, second, true)?;
        let place = find(&both, &a).ok_or_else(strange)?;
        let rest = &both[place + a.len()..];
        let between = find(rest, &b).ok_or_else(strange)?;
        let mut pair = [
            both[..place].to_vec(),
            rest[..between].to_vec(),
            rest[between + b.len()..].to_vec(),
        ];
        let special = tokenizer.special();
        if let Some(mode) = tokenizer.token_id(ENCODER_MODE) {
            let sep = special.sep.ok_or_else(strange)?;
            before.extend([mode, sep]);
            pair = [before.clone(), vec![sep], vec![sep]];
        } else if pair[1].is_empty() {
            // A family without a form for pairs: its end token, else a line's end, tells where one
            // text ends and the other begins.
            let between = match special.sep.or(special.eos) {
                Some(token) => vec![token],
                None => tokenizer.encode("\n", false)?,
            };
            pair = [before.clone(), between, after.clone()];
        }
        Ok(Frame {
            before,
            after,
            pair,
        })
    }

    /// Tokens around one text.
    pub fn around(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Tokens around and between two texts.
    pub fn around_pair(&self) -> usize {
        self.pair.iter().map(Vec::len).sum()
    }

    /// What stands before a text that is to be continued.
    pub fn before(&self) -> &[u32] {
        &self.before
    }

    /// What stands after a text that is read whole.
    pub fn after(&self) -> &[u32] {
        &self.after
    }

    /// A text of at most `limit` tokens in all: the text loses its tail. A limit must leave room for
    /// one token of text.
    pub fn text(&self, body: &[u32], limit: usize) -> Vec<u32> {
        let body = &body[..body.len().min(limit.saturating_sub(self.around()))];
        [&self.before, body, &self.after].concat()
    }

    /// Two texts in one sequence of at most `limit` tokens: the longer one loses its tail first, so
    /// that neither is cut below half of the room while the other has more.
    pub fn pair(&self, first: &[u32], second: &[u32], limit: usize) -> Vec<u32> {
        let room = limit.saturating_sub(self.around_pair());
        let (a, b) = shares(first.len(), second.len(), room);
        let [before, between, after] = &self.pair;
        [before, &first[..a], between, &second[..b], after].concat()
    }
}

/// What two texts keep of a room.
pub fn shares(first: usize, second: usize, room: usize) -> (usize, usize) {
    if first + second <= room {
        return (first, second);
    }
    let half = room / 2;
    if second <= half {
        (room - second, second)
    } else if first <= room - half {
        (first, room - first)
    } else {
        (room - half, half)
    }
}

/// Where `part` stands in `whole`, first.
fn find(whole: &[u32], part: &[u32]) -> Option<usize> {
    whole
        .windows(part.len().max(1))
        .position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn two_texts_fill_the_room_and_the_longer_one_gives_way(
            first in 0usize..100,
            second in 0usize..100,
            room in 2usize..120,
        ) {
            let (a, b) = shares(first, second, room);
            prop_assert!(a <= first && b <= second);
            prop_assert_eq!(a + b, room.min(first + second));
            prop_assert!(a == first || a >= b || a >= room / 2);
            prop_assert!(b == second || b + 1 >= a || b >= room / 2);
        }
    }
}
