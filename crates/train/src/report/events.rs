//! Event files as TensorBoard reads them: records of protocol buffers, framed with checksums. Only
//! scalars are written.

/// The name of a run's event file: readers look for `tfevents` in it.
pub const FILE: &str = "events.out.tfevents.0000000000.skillbelt";

/// The record that every event file begins with.
pub fn opening(seconds: f64) -> Vec<u8> {
    let mut event = Vec::new();
    fixed64(&mut event, 1, seconds);
    bytes(&mut event, 3, b"brain.Event:2");
    record(&event)
}

/// One number under a tag.
pub fn scalar(seconds: f64, step: u64, tag: &str, number: f32) -> Vec<u8> {
    let mut value = Vec::new();
    bytes(&mut value, 1, tag.as_bytes());
    key(&mut value, 2, 5);
    value.extend(number.to_le_bytes());
    let mut summary = Vec::new();
    bytes(&mut summary, 1, &value);
    let mut event = Vec::new();
    fixed64(&mut event, 1, seconds);
    key(&mut event, 2, 0);
    varint(&mut event, step);
    bytes(&mut event, 5, &summary);
    record(&event)
}

/// Length, its checksum, data, their checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked(data).to_le_bytes());
    record
}

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, (field << 3) | wire);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn fixed64(out: &mut Vec<u8>, field: u64, number: f64) {
    key(out, field, 1);
    out.extend(number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    key(out, field, 2);
    varint(out, content.len() as u64);
    out.extend(content);
}

/// The checksum as the framing holds it: turned, and moved away from what it sums.
fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Castagnoli's, bit by bit: event files are small.
fn crc32c(data: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut sum = !0u32;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (POLYNOMIAL & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_published_vectors() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn a_record_of_one_scalar_has_the_bytes_of_the_format() {
        let record = scalar(1.5, 300, "a/b", 0.25);
        let data = [
            0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, // 1: 1.5
            0x10, 0xac, 0x02, // 2: 300
            0x2a, 0x0c, // 5: a summary of 12 bytes
            0x0a, 0x0a, // 1: a value of 10 bytes
            0x0a, 0x03, b'a', b'/', b'b', // 1: its tag
            0x15, 0, 0, 0x80, 0x3e, // 2: 0.25
        ];
        assert_eq!(record[..8], (data.len() as u64).to_le_bytes());
        assert_eq!(record[8..12], masked(&record[..8]).to_le_bytes());
        assert_eq!(record[12..record.len() - 4], data);
        assert_eq!(record[record.len() - 4..], masked(&data).to_le_bytes());
        assert!(
            opening(0.0)
                .windows(13)
                .any(|part| part == b"brain.Event:2")
        );
    }
}
