//! How values travel between the process that runs a candidate and the one that judges, and the
//! check that what comes from the first is a value before the second sees it.
//!
//! A value is a tag and what it holds: `N T F` none and truths; `I-0x1f;` an integer; `D4:0x1p` a
//! float; `C` and two floats; `S3:abc` text (with single surrogates), `B` and `A` bytes; `L2:` and
//! its items, likewise `U` tuple, `E` set, `Z` frozen set, `Q` deque, `M2:` and pairs; `R` range of
//! three integers; `P` decimal; `H` fraction; `Ot4:name` what cannot be sent, with its truth.

/// Deeper values are no values. Above what the guest writes.
const MOST_DEPTH: usize = 260;
/// Of one answer.
pub(super) const MOST_BYTES: usize = 2 << 20;
/// Numbers longer than this are not compared but refused.
const MOST_DIGITS: usize = 1 << 18;

/// One message of the guest or of the judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub word: String,
    pub kind: char,
    pub body: Vec<u8>,
}

/// How long the first message in `bytes` is; nothing while it is not complete. A message that can
/// never be one is as long as what is there, so that it is taken and refused.
pub(super) fn complete(bytes: &[u8]) -> Option<usize> {
    const LONGEST_HEAD: usize = 80;
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return (bytes.len() > LONGEST_HEAD).then_some(bytes.len());
    };
    match head(bytes.get(..end)?) {
        Some((_, length)) => {
            let whole = end + 1 + length;
            (bytes.len() >= whole).then_some(whole)
        }
        None => Some(bytes.len()),
    }
}

/// Words before the last, and the length that the last one says.
fn head(line: &[u8]) -> Option<(Vec<&str>, usize)> {
    let mut words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let length = words.pop()?;
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length = length.parse().ok().filter(|length| *length <= MOST_BYTES)?;
    digits.then_some((words, length))
}

/// A message of the guest, `nonce kind length`, or of the judge, where either word stands alone.
pub(super) fn frame(bytes: &[u8]) -> Option<Frame> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (words, length) = head(bytes.get(..end)?)?;
    let body = bytes.get(end + 1..)?;
    if body.len() != length {
        return None;
    }
    let (word, kind) = match words.as_slice() {
        [word, kind] if kind.len() == 1 => (*word, kind.chars().next()?),
        [kind] if kind.len() == 1 => ("", kind.chars().next()?),
        [word] => (*word, ' '),
        _ => return None,
    };
    Some(Frame {
        word: word.to_owned(),
        kind,
        body: body.to_vec(),
    })
}

/// Whether `bytes` are one value and nothing else.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    let mut reader = Reader { bytes, at: 0 };
    reader.value(0, false).is_some() && reader.at == bytes.len()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Steps over one value. Members of sets and keys of dictionaries must stay what they are.
    fn value(&mut self, depth: usize, fixed: bool) -> Option<()> {
        if depth > MOST_DEPTH {
            return None;
        }
        let tag = self.byte()?;
        match tag {
            b'N' | b'T' | b'F' => Some(()),
            b'I' => self.integer(),
            b'D' => self.float(),
            b'C' => {
                for _ in 0..2 {
                    (self.byte()? == b'D').then_some(())?;
                    self.float()?;
                }
                Some(())
            }
            b'S' => wobbly_utf8(self.body()?).then_some(()),
            b'B' => self.body().map(drop),
            b'P' => decimal(self.body()?).then_some(()),
            b'R' | b'H' => self.integers(if tag == b'R' { 3 } else { 2 }),
            b'U' | b'Z' => self.many(depth, 1, fixed || tag == b'Z'),
            b'A' if !fixed => self.body().map(drop),
            b'L' | b'Q' if !fixed => self.many(depth, 1, false),
            b'E' if !fixed => self.many(depth, 1, true),
            b'M' if !fixed => self.many(depth, 2, false),
            b'O' if !fixed => {
                matches!(self.byte()?, b't' | b'f').then_some(())?;
                let name = self.body()?;
                (name.is_ascii() && name.len() <= 100).then_some(())
            }
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn until(&mut self, mark: u8) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|byte| *byte == mark)?;
        self.at += length + 1;
        rest.get(..length)
    }

    /// A count that no more than the bytes left could fill.
    fn count(&mut self) -> Option<usize> {
        let digits = self.until(b':')?;
        if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let count: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (count <= self.bytes.len() - self.at).then_some(count)
    }

    fn body(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        let body = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(body)
    }

    fn many(&mut self, depth: usize, each: usize, fixed: bool) -> Option<()> {
        for _ in 0..self.count()? {
            // The first of a pair is a key.
            self.value(depth + 1, fixed || each == 2)?;
            for _ in 1..each {
                self.value(depth + 1, fixed)?;
            }
        }
        Some(())
    }

    fn integers(&mut self, count: usize) -> Option<()> {
        let mut last: &[u8] = b"";
        for _ in 0..count {
            (self.byte()? == b'I').then_some(())?;
            let start = self.at;
            self.integer()?;
            last = self.bytes.get(start..self.at)?;
        }
        // Neither a step nor a denominator is zero.
        (last != b"0x0;" && last != b"-0x0;").then_some(())
    }

    fn integer(&mut self) -> Option<()> {
        let text = self.until(b';')?;
        let digits = text
            .strip_prefix(b"-")
            .unwrap_or(text)
            .strip_prefix(b"0x")?;
        let plain = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        (!digits.is_empty() && digits.len() <= MOST_DIGITS && digits.iter().all(plain))
            .then_some(())
    }

    fn float(&mut self) -> Option<()> {
        let text = self.body()?;
        let plain = text.strip_prefix(b"-").unwrap_or(text);
        if matches!(plain, b"inf" | b"nan") {
            return Some(());
        }
        let (digits, exponent) = std::str::from_utf8(plain)
            .ok()?
            .strip_prefix("0x")?
            .split_once('p')?;
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let power: i32 = exponent.parse().ok()?;
        let sound = matches!(whole, "0" | "1") && part.len() <= 13 && hex(part);
        (sound && (-1074..=1023).contains(&power)).then_some(())
    }
}

/// UTF-8 in which halves of pairs may stand alone, as they may in texts of Python.
fn wobbly_utf8(mut bytes: &[u8]) -> bool {
    loop {
        let Err(error) = std::str::from_utf8(bytes) else {
            return true;
        };
        let half = |rest: &[u8]| matches!(rest, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..]);
        match bytes.get(error.valid_up_to()..) {
            Some(rest) if half(rest) => bytes = rest.get(3..).unwrap_or_default(),
            _ => return false,
        }
    }
}

fn decimal(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let words = matches!(
        text.strip_prefix(b"-").unwrap_or(text),
        b"NaN" | b"sNaN" | b"Infinity"
    );
    let numeric = text.len() <= 400
        && text.iter().all(plain)
        && std::str::from_utf8(text)
            .is_ok_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite));
    words || numeric
}

/// Text as a value.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut bytes = format!("S{}:", text.len()).into_bytes();
    bytes.extend(text.as_bytes());
    bytes
}

/// A list of values as a value.
pub(super) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("L{}:", items.len()).into_bytes();
    bytes.extend(items.concat());
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: [&str; 16] = [
        "N",
        "I-0x1f;",
        "D6:0x1p+0",
        "D4:-inf",
        "CD6:0x1p+0D3:nan",
        "S3:a:b",
        "L2:NT",
        "U0:",
        "E1:U1:I0x2;",
        "M1:S1:aL0:",
        "RI0x0;I0x5;I-0x1;",
        "HI0x1;I0x3;",
        "P4:-1.5",
        "Ot5:Match",
        "Q1:Z1:B1:x",
        "A2:xx",
    ];

    #[test]
    fn values_are_known_as_such_and_never_by_half() {
        for value in VALUES {
            assert!(is_value(value.as_bytes()), "{value}");
            assert!(!is_value(format!("{value}N").as_bytes()), "{value}");
            for length in 0..value.len() {
                assert!(
                    !is_value(&value.as_bytes()[..length]),
                    "{value} to {length}"
                );
            }
        }
    }

    #[test]
    fn what_would_harm_a_reader_is_no_value() {
        let deep = "L1:".repeat(10_000) + "N";
        let bad = [
            "I;",
            "I0xg;",
            "I0x;",
            "L99:N",
            "E1:L0:",
            "M1:M0:N",
            "E1:Ot1:x",
            "Z1:A0:",
            "RI0x0;I0x5;I0x0;",
            "HI0x1;I0x0;",
            "S1:\u{e9}",
            "D3:1e5",
            "P3:1/2",
            "L-1:",
            "L+1:N",
            &deep,
        ];
        for value in bad {
            assert!(
                !is_value(value.as_bytes()),
                "{}",
                &value[..value.len().min(20)]
            );
        }
        assert!(is_value(b"S3:\xed\xa0\x80"));
        assert!(!is_value(b"S3:\xed\x20\x80"));
    }

    #[test]
    fn a_message_is_taken_when_it_is_whole_and_refused_when_it_never_will_be() {
        assert_eq!(complete(b"ab V 3\nxy"), None);
        assert_eq!(complete(b"ab V 3\nxyzrest"), Some(10));
        assert_eq!(complete(b"nonsense\nmore"), Some(13));
        assert_eq!(complete(&[b'x'; 200]), Some(200));
        let whole = frame(b"ab V 3\nxyz").unwrap();
        assert_eq!(
            (whole.word.as_str(), whole.kind, whole.body.as_slice()),
            ("ab", 'V', &b"xyz"[..])
        );
        assert_eq!(frame(b"ab V 4\nxyz"), None);
        assert_eq!(frame(b"ab V +3\nxyz"), None);
        assert_eq!(frame(b"V 99999999999999999999\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_readers(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            is_value(&bytes);
            complete(&bytes);
            frame(&bytes);
        }

        #[test]
        fn changed_values_stop_no_reader(which in 0..VALUES.len(), at in 0usize..20, byte in any::<u8>()) {
            let mut bytes = VALUES[which].as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            is_value(&bytes);
        }
    }
}
