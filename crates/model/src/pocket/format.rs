//! The form of a packed base: one file with the folder's texts, compressed, and its weights in eight
//! bits per number.
//!
//! A matrix is a scale per row and whole numbers from -127 to 127; a vector is kept in f32. Unpacked
//! and packed again it is the same file. In order: eight letters, the hash of all that follows, the
//! length of the card, the card (JSON), the texts (deflate), the numbers.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::Files;
use crate::Checkpoint;
use crate::checkpoint::write::{Stored, Tensor, safetensors_into};
use crate::error::{Error, Place, Result};

const LETTERS: &[u8; 8] = b"SKBPOCK1";
const HASH: usize = 32;
/// The largest whole number that stands for a weight.
const STEPS: f32 = 127.0;
/// Largest card, and all texts together.
const MAX_CARD: usize = 4 << 20;
const MAX_TEXTS: u64 = 64 << 20;
const WEIGHTS: &str = "model.safetensors";
/// The texts of a base that are packed, if it has them.
const TEXTS: [&str; 4] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
];

#[derive(Serialize, Deserialize)]
struct Card {
    /// Name and length of each text.
    texts: Vec<(String, u64)>,
    /// Bytes of the texts as they stand here.
    compressed: u64,
    /// Key and shape of each weight.
    weights: Vec<(String, Vec<usize>)>,
}

/// Packs a base of one file of weights. Matrices are rounded to eight bits per number.
pub fn pack(folder: &Path) -> Result<Vec<u8>> {
    let mut texts = Vec::new();
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    for name in TEXTS {
        let path = folder.join(name);
        if path.exists() || name == TEXTS[0] || name == TEXTS[1] {
            let text = fs_err::read(&path).map_err(|error| Error::io(&path, error))?;
            texts.push((name.to_owned(), text.len() as u64));
            encoder
                .write_all(&text)
                .map_err(|error| Error::io(&path, error))?;
        }
    }
    let compressed = encoder.finish().map_err(|error| Error::io(folder, error))?;
    let checkpoint = Checkpoint::open(folder)?;
    let mut weights = Vec::new();
    let mut numbers = Vec::new();
    for key in checkpoint.keys() {
        let shape = checkpoint.shape(key).unwrap_or_default().to_vec();
        let values = checkpoint.read_f32(key, &shape)?;
        match shape[..] {
            [_, cols] if cols > 0 => values
                .chunks_exact(cols)
                .for_each(|row| round(row, &mut numbers)),
            _ => numbers.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        }
        weights.push((key.to_owned(), shape));
    }
    let card = Card {
        texts,
        compressed: compressed.len() as u64,
        weights,
    };
    let card = serde_json::to_vec(&card).map_err(|error| Error::io(folder, error.into()))?;
    let length = (card.len() as u32).to_le_bytes();
    let rest = [&length[..], &card, &compressed, &numbers].concat();
    Ok([&LETTERS[..], blake3::hash(&rest).as_bytes(), &rest].concat())
}

/// A row as its scale and whole numbers; a row that is zero, or no number at all, has the scale 0.
fn round(row: &[f32], out: &mut Vec<u8>) {
    let largest = row.iter().fold(0f32, |most, value| most.max(value.abs()));
    let scale = match largest.is_finite() {
        true => largest / STEPS,
        false => 0.0,
    };
    out.extend(scale.to_le_bytes());
    let whole = |value: &f32| match scale > 0.0 {
        true => (value / scale).round().clamp(-STEPS, STEPS) as i8 as u8,
        false => 0,
    };
    out.extend(row.iter().map(whole));
}

/// The files of a packed base, each to the byte what it is everywhere.
pub fn unpack(packed: &[u8]) -> Result<Files> {
    let mut rest = whole(packed)?;
    let length = u32::from_le_bytes(
        take(&mut rest, 4, "the length of the card")?
            .try_into()
            .unwrap_or_default(),
    );
    if length as usize > MAX_CARD {
        return Err(damaged(
            "a card of a few kilobytes",
            format_args!("{length} bytes"),
        ));
    }
    let card = take(&mut rest, length as usize, "the card")?;
    let card: Card = serde_json::from_slice(card).map_err(|error| damaged("a card", error))?;
    let keys: BTreeSet<&String> = card.weights.iter().map(|(key, _)| key).collect();
    if keys.len() != card.weights.len() {
        return Err(damaged("weights, each once", "one twice"));
    }
    let compressed = take(&mut rest, card.compressed as usize, "the texts")?;
    let mut files = texts(&card, compressed)?;
    let mut all = Vec::with_capacity(card.weights.len());
    for (key, shape) in &card.weights {
        all.push(numbers(key, shape, &mut rest)?);
    }
    if !rest.is_empty() {
        return Err(damaged(
            "the end",
            format_args!("{} bytes more", rest.len()),
        ));
    }
    let tensors: Vec<Tensor<'_>> = card
        .weights
        .iter()
        .zip(&all)
        .map(|((key, shape), numbers)| Tensor {
            key,
            shape,
            numbers,
        })
        .collect();
    let mut weights = Vec::new();
    safetensors_into(&tensors, Stored::F32, &mut weights)
        .map_err(|error| damaged("weights", error))?;
    files.insert(WEIGHTS.to_owned(), weights);
    Ok(files)
}

/// What stands behind the letters and the hash, if it is what was hashed.
fn whole(packed: &[u8]) -> Result<&[u8]> {
    let mut rest = packed;
    let letters = take(&mut rest, LETTERS.len(), "the letters")?;
    if letters != LETTERS {
        return Err(damaged("a packed base", "another kind of file"));
    }
    let hash = take(&mut rest, HASH, "the hash")?;
    match blake3::hash(rest).as_bytes() == hash {
        true => Ok(rest),
        false => Err(damaged(
            "the bytes that were packed",
            "others, by their hash",
        )),
    }
}

fn texts(card: &Card, compressed: &[u8]) -> Result<Files> {
    let mut text = Vec::new();
    let mut decoder = DeflateDecoder::new(compressed).take(MAX_TEXTS);
    decoder
        .read_to_end(&mut text)
        .map_err(|error| damaged("compressed texts", error))?;
    let mut rest = &text[..];
    let mut files = Files::new();
    for (name, length) in &card.texts {
        if !TEXTS.contains(&name.as_str()) {
            return Err(damaged("the texts of a base", format_args!("{name:?}")));
        }
        let own = take(&mut rest, *length as usize, "a text")?;
        files.insert(name.clone(), own.to_vec());
    }
    Ok(files)
}

/// The numbers of one weight.
fn numbers(key: &str, shape: &[usize], rest: &mut &[u8]) -> Result<Vec<f32>> {
    let count = shape
        .iter()
        .try_fold(1usize, |all, size| all.checked_mul(*size));
    let count = count
        .filter(|count| *count <= rest.len())
        .ok_or_else(|| damaged("the numbers of a weight", key))?;
    let [rows, cols] = shape[..] else {
        let bytes = take(rest, count * 4, key)?;
        return Ok(bytes.chunks_exact(4).map(number).collect());
    };
    let mut all = Vec::with_capacity(count);
    for _ in 0..rows {
        let scale = number(take(rest, 4, key)?);
        let own = take(rest, cols, key)?;
        all.extend(own.iter().map(|whole| f32::from(*whole as i8) * scale));
    }
    Ok(all)
}

fn number(four: &[u8]) -> f32 {
    f32::from_le_bytes(four.try_into().unwrap_or_default())
}

fn take<'b>(rest: &mut &'b [u8], count: usize, what: &str) -> Result<&'b [u8]> {
    let (own, others) = rest
        .split_at_checked(count)
        .ok_or_else(|| damaged(what, format_args!("only {} of {count} bytes", rest.len())))?;
    *rest = others;
    Ok(own)
}

fn damaged(expected: &str, found: impl std::fmt::Display) -> Error {
    Error::bad_file(Path::new("packed base"), Place::Whole, expected, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_to_half_a_step_and_its_largest_number_exactly() {
        let row = [0.5f32, -1.0, 0.013, 0.0, 0.999];
        let mut bytes = Vec::new();
        round(&row, &mut bytes);
        let kept = numbers("w", &[1, 5], &mut &bytes[..]).unwrap();
        for (kept, value) in kept.iter().zip(row) {
            assert!((kept - value).abs() <= 0.5 / 127.0 + 1e-7);
        }
        assert_eq!(kept[1], -1.0);
        let mut again = Vec::new();
        round(&kept, &mut again);
        assert_eq!(again, bytes);
    }

    fn sealed(rest: &[u8]) -> Vec<u8> {
        [&LETTERS[..], blake3::hash(rest).as_bytes(), rest].concat()
    }

    /// A packed base of a few hundred bytes: a matrix, a vector, and a text.
    fn tiny() -> Vec<u8> {
        let text = br#"{"model_type": "none"}"#;
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        let compressed = encoder.finish().unwrap();
        let card = Card {
            texts: vec![("config.json".into(), text.len() as u64)],
            compressed: compressed.len() as u64,
            weights: vec![("map".into(), vec![2, 3]), ("norm".into(), vec![3])],
        };
        let card = serde_json::to_vec(&card).unwrap();
        let mut numbers = Vec::new();
        round(&[0.5, -1.0, 0.25], &mut numbers);
        round(&[0.0, 0.0, 0.0], &mut numbers);
        numbers.extend([1f32, 2.0, 3.0].iter().flat_map(|n| n.to_le_bytes()));
        let length = (card.len() as u32).to_le_bytes();
        sealed(&[&length[..], &card, &compressed, &numbers].concat())
    }

    fn is_typed(result: Result<Files>) -> bool {
        matches!(result, Err(Error::BadFile { .. }))
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_refused_with_a_typed_error() {
        let whole = tiny();
        assert_eq!(unpack(&whole).unwrap().len(), 2);
        for cut in 0..whole.len() {
            assert!(is_typed(unpack(&whole[..cut])), "cut at {cut}");
        }
        let mut bytes = whole.clone();
        for bit in 0..8 * whole.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(is_typed(unpack(&bytes)), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.push(0);
        assert!(is_typed(unpack(&bytes)));
    }

    /// Whoever makes a damaged file may make its hash too.
    #[test]
    fn a_cut_or_flipped_content_under_a_right_hash_is_refused_or_read_without_a_panic() {
        let whole = tiny();
        let rest = &whole[LETTERS.len() + HASH..];
        for cut in 0..rest.len() {
            assert!(is_typed(unpack(&sealed(&rest[..cut]))), "cut at {cut}");
        }
        let (mut bytes, mut refused) = (rest.to_vec(), 0);
        for bit in 0..8 * rest.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Err(error) = unpack(&sealed(&bytes)) {
                assert!(is_typed(Err(error)), "bit {bit}");
                refused += 1;
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        // A flipped number is another number; a flipped card or text is none.
        assert!(refused > 8 * 4 && refused < 8 * rest.len(), "{refused}");
    }

    #[test]
    fn cuts_and_changed_bytes_of_the_base_that_is_built_in_are_refused() {
        let packed = super::super::packed();
        let last = packed.len() - 1;
        for cut in [0, 7, 8, 39, 40, 44, 1000, last / 2, last] {
            assert!(is_typed(unpack(&packed[..cut])), "cut at {cut}");
        }
        let mut bytes = packed.to_vec();
        for place in [0, 8, 40, 43, 500, last / 2, last] {
            bytes[place] ^= 1;
            assert!(is_typed(unpack(&bytes)), "byte {place}");
            bytes[place] ^= 1;
        }
    }

    #[test]
    fn a_file_with_a_right_hash_and_wrong_content_is_refused_without_a_panic() {
        let card = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
        let cases = [
            "{}",
            r#"{"texts": [], "compressed": 9999999999, "weights": []}"#,
            r#"{"texts": [], "compressed": 0, "weights": [["w", [18446744073709551615, 3]]]}"#,
            r#"{"texts": [], "compressed": 0, "weights": [["w", [18446744073709551615, 0]]]}"#,
            r#"{"texts": [], "compressed": 0, "weights": [["w", [0]], ["w", [0]]]}"#,
            r#"{"texts": [["../x", 0]], "compressed": 0, "weights": []}"#,
            r#"{"texts": [["config.json", 7]], "compressed": 0, "weights": []}"#,
        ];
        for case in cases {
            assert!(is_typed(unpack(&sealed(&card(case)))), "{case}");
        }
        assert!(is_typed(unpack(&sealed(&u32::MAX.to_le_bytes()))));
    }
}
