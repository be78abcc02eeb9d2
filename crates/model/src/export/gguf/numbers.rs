//! The kinds of numbers that are written and read: f32, f16, bf16, and blocks of 32 whole numbers
//! with a common scale (`q8_0`).

use half::{bf16, f16};

/// Numbers per block of `q8_0`.
const BLOCK: usize = 32;
/// Bytes of such a block: an f16 and the whole numbers.
const BLOCK_BYTES: usize = 2 + BLOCK;

/// How a tensor's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    Bf16,
    Q8,
}

impl Kind {
    /// The file's number for the kind.
    pub fn id(self) -> u32 {
        match self {
            Kind::F32 => 0,
            Kind::F16 => 1,
            Kind::Q8 => 8,
            Kind::Bf16 => 30,
        }
    }

    pub fn from_id(id: u32) -> Option<Kind> {
        [Kind::F32, Kind::F16, Kind::Q8, Kind::Bf16]
            .into_iter()
            .find(|kind| kind.id() == id)
    }

    /// What llama.cpp calls a file whose large tensors are of this kind.
    pub fn file_type(self) -> u32 {
        match self {
            Kind::F32 => 0,
            Kind::F16 => 1,
            Kind::Q8 => 7,
            Kind::Bf16 => 32,
        }
    }

    /// Bytes of a tensor, if it has a form of this kind: a row of blocks must be whole.
    pub fn bytes(self, shape: &[usize]) -> Option<usize> {
        let count = shape
            .iter()
            .try_fold(1usize, |all, n| all.checked_mul(*n))?;
        match self {
            Kind::F32 => count.checked_mul(4),
            Kind::F16 | Kind::Bf16 => count.checked_mul(2),
            Kind::Q8 => match shape.last() {
                Some(row) if row.is_multiple_of(BLOCK) => (count / BLOCK).checked_mul(BLOCK_BYTES),
                _ => None,
            },
        }
    }

    /// The numbers as they are stored.
    pub fn encode(self, numbers: &[f32]) -> Vec<u8> {
        match self {
            Kind::F32 => numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Kind::F16 => each(numbers, |n| f16::from_f32(n).to_le_bytes()),
            Kind::Bf16 => each(numbers, |n| bf16::from_f32(n).to_le_bytes()),
            Kind::Q8 => {
                let mut bytes = Vec::with_capacity(numbers.len() / BLOCK * BLOCK_BYTES);
                for block in numbers.chunks(BLOCK) {
                    encode_block(block, &mut bytes);
                }
                bytes
            }
        }
    }

    /// The numbers that stored bytes stand for.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let pairs = |number: fn([u8; 2]) -> f32| -> Vec<f32> {
            bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|pair| number(*pair))
                .collect()
        };
        match self {
            Kind::F32 => {
                let words = bytes.as_chunks::<4>().0.iter();
                words.map(|word| f32::from_le_bytes(*word)).collect()
            }
            Kind::F16 => pairs(|pair| f16::from_le_bytes(pair).to_f32()),
            Kind::Bf16 => pairs(|pair| bf16::from_le_bytes(pair).to_f32()),
            Kind::Q8 => bytes
                .as_chunks::<BLOCK_BYTES>()
                .0
                .iter()
                .flat_map(|block| {
                    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
                    block[2..].iter().map(move |n| scale * f32::from(*n as i8))
                })
                .collect(),
        }
    }

    /// How far storing may move the number at `place` of a tensor.
    pub fn rounding(self, numbers: &[f32], place: usize) -> f32 {
        let number = numbers[place].abs();
        match self {
            Kind::F32 => 0.0,
            // Half a unit of eleven significant bits, and of the smallest number.
            Kind::F16 => number / 2048.0 + 3e-8,
            Kind::Bf16 => number / 256.0 + 1e-38,
            Kind::Q8 => {
                let first = place / BLOCK * BLOCK;
                let block = &numbers[first..numbers.len().min(first + BLOCK)];
                // Half a step, and what the scale itself lost in its f16.
                largest(block) * (0.5 / 127.0 + 1.0 / 1024.0) + 1e-5
            }
        }
    }
}

fn each(numbers: &[f32], store: impl Fn(f32) -> [u8; 2]) -> Vec<u8> {
    numbers.iter().flat_map(|number| store(*number)).collect()
}

fn largest(numbers: &[f32]) -> f32 {
    numbers
        .iter()
        .fold(0.0, |most, number| number.abs().max(most))
}

/// The scale makes the largest number of the block 127 steps.
fn encode_block(block: &[f32], bytes: &mut Vec<u8>) {
    let scale = largest(block) / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    bytes.extend(f16::from_f32(scale).to_le_bytes());
    bytes.extend(
        block
            .iter()
            .map(|number| (number * inverse).round() as i8 as u8),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_gives_its_numbers_back_within_its_rounding() {
        let numbers: Vec<f32> = (0..96)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) * 0.013)
            .collect();
        for kind in [Kind::F32, Kind::F16, Kind::Bf16, Kind::Q8] {
            let bytes = kind.encode(&numbers);
            assert_eq!(Some(bytes.len()), kind.bytes(&[3, 32]));
            let back = kind.decode(&bytes);
            for (place, (a, b)) in numbers.iter().zip(&back).enumerate() {
                assert!(
                    (a - b).abs() <= kind.rounding(&numbers, place),
                    "{kind:?} {a} {b}"
                );
            }
            assert_eq!(kind == Kind::F32, back == numbers);
        }
    }

    #[test]
    fn a_row_that_is_no_multiple_of_a_block_has_no_form_in_blocks() {
        assert_eq!(Kind::Q8.bytes(&[64, 33]), None);
        assert_eq!(Kind::F16.bytes(&[usize::MAX, 2]), None);
    }
}
