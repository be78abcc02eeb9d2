//! Paths as parts of URIs, there and back.

/// A path as a part of a URI: everything that is no plain letter of a path is spelt by its bytes.
pub fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The path that a URI spells.
pub fn decoded_uri(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, after @ ..] = rest {
        let spelt = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let spelt = spelt.and_then(|two| u8::from_str_radix(two, 16).ok());
        match spelt.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_path_is_spelt_in_plain_letters_and_read_back(path in "\\PC{0,60}") {
            let spelt = uri(&path);
            prop_assert!(spelt.is_ascii() && !spelt.contains([' ', ':', '?', '#']));
            prop_assert_eq!(decoded_uri(&spelt), path);
        }

        #[test]
        fn any_uri_is_read_without_an_error(uri in "[%a-f0-9/é]{0,40}") {
            decoded_uri(&uri);
        }
    }
}
