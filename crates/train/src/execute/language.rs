//! Languages that programs can be in, by their names in files. What runs them is in `toolchain.rs`.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    Python,
    JavaScript,
    Java,
    Cpp,
    Rust,
}

const NAMES: [(Language, &str); 5] = [
    (Language::Python, "python"),
    (Language::JavaScript, "javascript"),
    (Language::Java, "java"),
    (Language::Cpp, "cpp"),
    (Language::Rust, "rust"),
];

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().find(|(language, _)| language == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Language, String> {
        let named = NAMES.iter().find(|(_, name)| *name == word);
        named.map(|(language, _)| *language).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
            format!("no such language: `{word}`; there are {}", names.join(", "))
        })
    }
}
