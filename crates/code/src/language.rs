//! The languages that are known: their names, their files, their grammars.
//!
//! It guesses no language from a text; who has a text says what it is written in.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A programming language that can be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    C,
    Cpp,
    CSharp,
    Go,
    Java,
    JavaScript,
    Php,
    Python,
    Ruby,
    Rust,
    TypeScript,
}

impl Language {
    pub const ALL: [Language; 11] = [
        Language::C,
        Language::Cpp,
        Language::CSharp,
        Language::Go,
        Language::Java,
        Language::JavaScript,
        Language::Php,
        Language::Python,
        Language::Ruby,
        Language::Rust,
        Language::TypeScript,
    ];

    /// The name in small letters, as it stands in configurations and results.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// Every name that is understood; the first is the one that is written.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Language::C => &["c"],
            Language::Cpp => &["cpp", "c++", "cxx"],
            Language::CSharp => &["csharp", "c#", "c_sharp", "c-sharp", "cs"],
            Language::Go => &["go", "golang"],
            Language::Java => &["java"],
            Language::JavaScript => &["javascript", "js"],
            Language::Php => &["php"],
            Language::Python => &["python", "py"],
            Language::Ruby => &["ruby", "rb"],
            Language::Rust => &["rust", "rs"],
            Language::TypeScript => &["typescript", "ts"],
        }
    }

    /// Endings of file names, without the dot; the first is the usual one. A `.h` is taken for C.
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Language::C => &["c", "h"],
            Language::Cpp => &["cpp", "cc", "cxx", "hpp", "hh", "hxx"],
            Language::CSharp => &["cs"],
            Language::Go => &["go"],
            Language::Java => &["java"],
            Language::JavaScript => &["js", "mjs", "cjs", "jsx"],
            Language::Php => &["php"],
            Language::Python => &["py", "pyi"],
            Language::Ruby => &["rb"],
            Language::Rust => &["rs"],
            Language::TypeScript => &["ts", "mts", "cts", "tsx"],
        }
    }

    /// The language of a file by the ending of its name, in any case.
    pub fn of_file(name: &str) -> Option<Language> {
        let (_, ending) = name.rsplit_once('.')?;
        let ending = ending.to_lowercase();
        Language::ALL
            .into_iter()
            .find(|language| language.endings().contains(&ending.as_str()))
    }

    /// The grammar for `text`. PHP has two: a text without an opening tag is all code.
    pub(crate) fn grammar(self, text: &str) -> tree_sitter::Language {
        match self {
            Language::C => tree_sitter_c::LANGUAGE,
            Language::Cpp => tree_sitter_cpp::LANGUAGE,
            Language::CSharp => tree_sitter_c_sharp::LANGUAGE,
            Language::Go => tree_sitter_go::LANGUAGE,
            Language::Java => tree_sitter_java::LANGUAGE,
            Language::JavaScript => tree_sitter_javascript::LANGUAGE,
            Language::Php if text.contains("<?") => tree_sitter_php::LANGUAGE_PHP,
            Language::Php => tree_sitter_php::LANGUAGE_PHP_ONLY,
            Language::Python => tree_sitter_python::LANGUAGE,
            Language::Ruby => tree_sitter_ruby::LANGUAGE,
            Language::Rust => tree_sitter_rust::LANGUAGE,
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        }
        .into()
    }

    /// Another grammar that reads a text better: TypeScript with elements in it (`.tsx`), which is a
    /// language of its own, for there `<T>x` opens an element and casts nothing.
    pub(crate) fn other_grammar(self, text: &str) -> Option<tree_sitter::Language> {
        let elements = text.contains("</") || text.contains("/>");
        (self == Language::TypeScript && elements)
            .then(|| tree_sitter_typescript::LANGUAGE_TSX.into())
    }

    /// The grammar of a PHP page, whatever the text: outside tags all is text.
    pub(crate) fn page_grammar(self, text: &str) -> tree_sitter::Language {
        match self {
            Language::Php => tree_sitter_php::LANGUAGE_PHP.into(),
            other => other.grammar(text),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no language's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a language that can be parsed")]
pub struct Unknown(pub String);

impl Unknown {
    /// What may be written instead.
    pub fn hint(&self) -> String {
        let names: Vec<_> = Language::ALL.iter().map(|known| known.name()).collect();
        format!("known: {}", names.join(", "))
    }
}

impl FromStr for Language {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Language, Unknown> {
        let lowered = name.trim().to_lowercase();
        Language::ALL
            .into_iter()
            .find(|language| language.names().contains(&lowered.as_str()))
            .ok_or_else(|| Unknown(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_every_ending_leads_to_its_language_alone() {
        for language in Language::ALL {
            for name in language.names() {
                assert_eq!(name.to_uppercase().parse::<Language>(), Ok(language));
            }
            for ending in language.endings() {
                assert_eq!(Language::of_file(&format!("a.b.{ending}")), Some(language));
            }
        }
        assert!("cobol".parse::<Language>().is_err());
        assert_eq!(Language::of_file("Makefile"), None);
    }
}
