//! From the text of a file to its functions that are worth asking about; everything else is counted.
//!
//! It sees one file at a time and remembers nothing, so files are sifted side by side.

pub mod piece;
pub mod secrets;
pub mod shape;
pub mod summary;

use std::io::Read;
use std::path::Path;

use skillbelt_code::functions::{Function, functions};
use skillbelt_code::parse::parse_within;
use skillbelt_code::{Language, Program, near};

use crate::census::Census;
use crate::limits::{
    FILE_BYTES, FUNCTION_BYTES, FUNCTION_LINES, FUNCTION_WORDS, PARSE, SUMMARY_BYTES,
};
use piece::Piece;

/// What a file gave.
#[derive(Debug, Default)]
pub struct Sifted {
    /// In the order of the file.
    pub pieces: Vec<Piece>,
    /// Functions that are tests; they are asked about as tests alone.
    pub tests: Vec<Piece>,
    /// All functions of the file but the tests.
    pub census: Census,
}

/// The bytes of a file, one more than are taken if there are more.
pub fn bytes(path: &Path) -> Result<Vec<u8>, &'static str> {
    bytes_within(path, FILE_BYTES)
}

/// At most so many bytes of a file, and one more if there are more.
pub fn bytes_within(path: &Path, most: u64) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    let file = fs_err::File::open(path).map_err(|_| "cannot be read")?;
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|_| "cannot be read")?;
    Ok(bytes)
}

/// The text that bytes are, or why they are left out.
pub fn text(bytes: Vec<u8>) -> Result<String, &'static str> {
    if bytes.len() as u64 > FILE_BYTES {
        return Err("larger than 1 MiB");
    }
    let text = decoded(bytes)?;
    match shape::refusal(&text) {
        Some(reason) => Err(reason),
        None => Ok(text),
    }
}

/// The text that bytes are, whoever wrote it, with lines that end in a line feed alone.
pub fn decoded(bytes: Vec<u8>) -> Result<String, &'static str> {
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    if text.contains('\0') {
        return Err("not a text");
    }
    if text.trim().is_empty() {
        return Err("empty");
    }
    Ok(text.replace("\r\n", "\n"))
}

/// A header may be of C or of C++, which only its words tell.
pub fn spoken(language: Language, shown: &str, text: &str) -> Language {
    let header = language == Language::C && shown.ends_with(".h");
    let words = [
        "class ",
        "namespace ",
        "template <",
        "template<",
        "public:",
        "::",
    ];
    match header && words.iter().any(|word| text.contains(word)) {
        true => Language::Cpp,
        false => language,
    }
}

/// The functions of a text. `place` is how the file is told.
pub fn sift(language: Language, text: &str, place: &str) -> Result<Sifted, &'static str> {
    let program = parse_within(language, text, PARSE).map_err(|_| "too much to parse")?;
    let mut sifted = Sifted::default();
    for function in functions(&program) {
        let told = || format!("{place}:{} {}", function.lines(&program).0, function.name);
        let piece = match fitting(&program, &function) {
            Ok(piece) => piece,
            Err(reason) => {
                sifted.census.left(reason, told);
                continue;
            }
        };
        if function.is_test {
            sifted.tests.push(piece);
        } else {
            sifted.census.used(1);
            sifted.pieces.push(piece);
        }
    }
    Ok(sifted)
}

/// The function by itself, or why it is left out.
fn fitting(program: &Program<'_>, function: &Function) -> Result<Piece, &'static str> {
    if function.nested {
        return Err("inside of another function");
    }
    if !function.sound {
        return Err("does not parse");
    }
    let Some(body) = function.body else {
        return Err("without a body");
    };
    let bytes = function.bytes(program);
    // What is far beyond any limit is not copied to be measured.
    if bytes.len() > FUNCTION_BYTES + SUMMARY_BYTES * 10 {
        return Err("too long");
    }
    let piece = Piece::of(program, function, body);
    let lines = piece.code.lines().count();
    let words = near::words(&piece.code)
        .take(*FUNCTION_WORDS.end() + 1)
        .count();
    if lines < *FUNCTION_LINES.start() || words < *FUNCTION_WORDS.start() {
        return Err("too short");
    }
    if lines > *FUNCTION_LINES.end()
        || words > *FUNCTION_WORDS.end()
        || piece.code.len() > FUNCTION_BYTES
    {
        return Err("too long");
    }
    if secrets::any(&piece.code) || secrets::any(&piece.documentation) {
        return Err("may hold a secret");
    }
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_a_file_are_all_accounted_for() {
        let text = "def short(): pass\n\ndef fine(a, b):\n    \"\"\"Adds one number to another one.\"\"\"\n    total = a + b\n    print(total, a, b)\n    return total\n\ndef test_it():\n    assert fine(1, 2) == 3\n    assert fine(2, 2) == 4\n    assert fine(3, 2) == 5\n\ndef key():\n    token = 1\n    access = 'AKIAIOSFODNN7EXAMPLQ'\n    return connect(access, token)\n";
        let sifted = sift(Language::Python, text, "a.py").unwrap();
        assert!(sifted.census.closes());
        assert_eq!((sifted.census.all, sifted.census.used), (3, 1));
        assert_eq!(sifted.tests.len(), 1);
        assert_eq!(
            sifted.census.left_out["may hold a secret"].such_as,
            ["a.py:14 key"]
        );
        assert!(
            !sifted.pieces[0].code.contains("Adds"),
            "{}",
            sifted.pieces[0].code
        );
        assert_eq!(
            sifted.pieces[0].documentation,
            "Adds one number to another one."
        );
    }

    #[test]
    fn texts_that_are_none_are_refused_by_reason() {
        let refused = |bytes: &[u8]| text(bytes.to_vec()).unwrap_err();
        assert_eq!(refused(b"\xff\xfe\x00"), "not UTF-8");
        assert_eq!(refused(b"a\0b"), "not a text");
        assert_eq!(refused(b" \n"), "empty");
        assert_eq!(refused(&vec![b'a'; (1 << 20) + 1]), "larger than 1 MiB");
        assert_eq!(
            text(b"\xef\xbb\xbfint a;\r\nint b;".to_vec()).unwrap(),
            "int a;\nint b;"
        );
    }

    #[test]
    fn headers_are_read_in_the_language_they_speak() {
        assert_eq!(spoken(Language::C, "a.h", "namespace a {}"), Language::Cpp);
        assert_eq!(spoken(Language::C, "a.h", "int f(void);"), Language::C);
        assert_eq!(spoken(Language::C, "a.c", "int class = a::b"), Language::C);
    }
}
