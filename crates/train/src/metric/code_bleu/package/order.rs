//! The order in which CPython 3.11 and later walks a set of texts when hashes are not randomised.
//!
//! The package puts the sources of a value through a set, so that its own numbers change from one
//! run to the next unless `PYTHONHASHSEED` is 0. With that, the order is a function of the texts
//! alone, and this is that function: SipHash-1-3 with a key of zeros over the text as Python stores
//! it, in a table of open addresses that looks nine places ahead and grows fourfold.

use std::mem::take;

/// The hash that Python gives a text.
pub fn hash(text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let widest = text.chars().max().map_or(0, u32::from);
    let width = match widest {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    };
    let bytes: Vec<u8> = text
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes().into_iter().take(width))
        .collect();
    match siphash(&bytes) {
        // Python keeps this one for errors.
        u64::MAX => u64::MAX - 1,
        hash => hash,
    }
}

/// SipHash-1-3 with a key of zeros.
fn siphash(bytes: &[u8]) -> u64 {
    let mut state = [
        0x736f_6d65_7073_6575_u64,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let word = u64::from_le_bytes(*block);
        state[3] ^= word;
        round(&mut state);
        state[0] ^= word;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    let word = u64::from_le_bytes(last);
    state[3] ^= word;
    round(&mut state);
    state[0] ^= word;
    state[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn round(state: &mut [u64; 4]) {
    let [a, b, c, d] = state;
    *a = a.wrapping_add(*b);
    *c = c.wrapping_add(*d);
    *b = b.rotate_left(13) ^ *a;
    *d = d.rotate_left(16) ^ *c;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*b);
    *a = a.wrapping_add(*d);
    *b = b.rotate_left(17) ^ *c;
    *d = d.rotate_left(21) ^ *a;
    *c = c.rotate_left(32);
}

/// Places that are looked at in a row before the next jump.
const AHEAD: usize = 9;

/// Things with their hashes, each once, in the order of a Python set to which they were added one
/// after the other.
pub fn of_set(things: impl IntoIterator<Item = (u32, u64)>) -> Vec<u32> {
    let mut table: Vec<Option<(u32, u64)>> = vec![None; 8];
    let mut used = 0;
    for thing in things {
        let Some(place) = free(&table, thing) else {
            continue;
        };
        table[place] = Some(thing);
        used += 1;
        if used * 5 >= (table.len() - 1) * 3 {
            table = grown(&mut table, if used > 50_000 { used * 2 } else { used * 4 });
        }
    }
    table
        .into_iter()
        .flatten()
        .map(|(thing, _)| thing)
        .collect()
}

fn grown(table: &mut Vec<Option<(u32, u64)>>, beyond: usize) -> Vec<Option<(u32, u64)>> {
    let mut size = 8;
    while size <= beyond {
        size *= 2;
    }
    let mut larger = vec![None; size];
    for thing in take(table).into_iter().flatten() {
        if let Some(place) = free(&larger, thing) {
            larger[place] = Some(thing);
        }
    }
    larger
}

/// Where a thing goes; nothing if it is there.
fn free(table: &[Option<(u32, u64)>], (thing, hash): (u32, u64)) -> Option<usize> {
    let mask = table.len() - 1;
    let mut at = hash as usize & mask;
    let mut rest = hash;
    loop {
        let ahead = if at + AHEAD <= mask { AHEAD } else { 0 };
        for (place, entry) in table.iter().enumerate().skip(at).take(ahead + 1) {
            match entry {
                None => return Some(place),
                Some((there, _)) if *there == thing => return None,
                Some(_) => {}
            }
        }
        rest >>= 5;
        at = (at
            .wrapping_mul(5)
            .wrapping_add(1)
            .wrapping_add(rest as usize))
            & mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_orders_are_those_of_python_without_randomised_hashes() {
        // From `PYTHONHASHSEED=0 python3.11 -c "print(hash('a'), ...)"`, as numbers without sign.
        let hashes = [
            ("a", 4644417185603328019_u64),
            ("count", 9635912569362833451_u64),
            ("x1", 14822618318687327092_u64),
            ("naïve", 7682306841811832039_u64),
            ("名前", 5846359833960850913_u64),
            ("🙂", 14865981032922530630_u64),
            ("", 0_u64),
            ("self.items_of", 16638259030705075906_u64),
        ];
        for (text, expected) in hashes {
            assert_eq!(hash(text), expected, "{text}");
        }
        // From `list(set(["v0", "v1", ...]))` in the same way.
        let orders: [(u32, Vec<u32>); 4] = [
            (3, vec![2, 1, 0]),
            (5, vec![3, 2, 1, 0, 4]),
            (9, vec![8, 3, 2, 6, 1, 0, 4, 5, 7]),
            (
                40,
                vec![
                    32, 13, 10, 39, 21, 3, 12, 6, 30, 31, 5, 9, 15, 34, 25, 20, 1, 7, 27, 24, 28,
                    19, 22, 2, 37, 4, 16, 29, 33, 14, 35, 17, 11, 18, 36, 38, 26, 0, 8, 23,
                ],
            ),
        ];
        for (count, expected) in orders {
            let things = (0..count).chain(0..count);
            let found = of_set(things.map(|at| (at, hash(&format!("v{at}")))));
            assert_eq!(found, expected);
        }
    }
}
