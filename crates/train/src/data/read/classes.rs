//! Pairs made from classes: for a task of type `pair` over rows that have a class (POJ-104).
//!
//! Each member stands first in two pairs: one with another member of its class, label `1`, and one
//! with a member of another class, label `0`. Partners are drawn by a fixed rule from the place of
//! the member, so the same files always give the same pairs. A member that is alone in its class
//! stands first in a negative pair only; where there is one class, there are no negative pairs.

use std::path::Path;

use indexmap::IndexMap;

use super::super::{Content, Place, Row};
use super::Sink;
use super::content::Meaning;
use super::texts::Texts;
use crate::error::Result;
use crate::recipe::{Format, TaskType};

struct Member {
    place: Place,
    id: Option<String>,
    /// Place of its class, and its own place in it.
    class: usize,
    within: usize,
}

pub fn pairs(files: &[(&Path, Format)], meaning: &Meaning<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let mut texts = Texts::default();
    let mut classes: IndexMap<String, Vec<usize>> = IndexMap::new();
    let mut members = Vec::new();
    let by_class = Meaning::of(
        meaning.task,
        TaskType::Retrieve,
        Format::Poj104,
        meaning.answers,
    );
    for (path, format) in files {
        super::records(path, *format, &mut |place, fields| {
            let read = fields.and_then(|fields| {
                Ok((
                    by_class.member(&fields)?,
                    by_class.names.word(&fields, "id"),
                ))
            });
            let (text, class, id) = match read {
                Ok((Content::Member { text, class }, id)) => (text, class, id),
                Ok(_) => return Ok(()),
                Err(defect) => return sink(Err(defect.at(place))),
            };
            let entry = classes.entry(class);
            let class = entry.index();
            let list = entry.or_default();
            list.push(texts.put(&text)?);
            members.push(Member {
                place,
                id,
                class,
                within: list.len() - 1,
            });
            Ok(())
        })?;
    }
    for (number, member) in members.iter().enumerate() {
        for same in [true, false] {
            let Some(partner) = partner(member, number, same, &classes, members.len()) else {
                continue;
            };
            sink(Ok(Row {
                place: member.place.clone(),
                id: member.id.clone(),
                group: None,
                content: Content::Pair {
                    first: texts.get(number)?,
                    second: texts.get(partner)?,
                    label: Some(if same { "1" } else { "0" }.to_owned()),
                },
            }))?;
        }
    }
    Ok(())
}

/// Another member of the class, or a member of another class; each is as likely as any other.
fn partner(
    member: &Member,
    number: usize,
    same: bool,
    classes: &IndexMap<String, Vec<usize>>,
    members: usize,
) -> Option<usize> {
    let own = &classes[member.class];
    let choices = if same {
        own.len() - 1
    } else {
        members - own.len()
    };
    if choices == 0 {
        return None;
    }
    let drawn = (scattered(2 * number as u64 + u64::from(same)) % choices as u64) as usize;
    if same {
        return own
            .get(drawn + usize::from(drawn >= member.within))
            .copied();
    }
    // Members of the own class are passed over; they stand in ascending order.
    let mut partner = drawn;
    for own in own {
        partner += usize::from(*own <= partner);
    }
    Some(partner)
}

/// A number that looks random, of a number (the finaliser of splitmix64).
fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
