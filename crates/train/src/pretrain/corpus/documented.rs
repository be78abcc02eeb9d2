//! Documented functions of texts, as pairs: what is written about a function, and the function without
//! it. Nothing is learnt here; a pair that says nothing of its function is left out.

use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::Path;

use rayon::prelude::*;
use serde_json::json;
use skillbelt_code::functions::functions;
use skillbelt_code::{Limits, parse::parse_within};

use super::Document;
use crate::error::{Error, Result};

/// Words of a documentation that is learnt.
const TOLD_WORDS: std::ops::RangeInclusive<usize> = 4..=80;
/// Bytes of a function that is learnt, without its documentation.
const FUNCTION_BYTES: std::ops::RangeInclusive<usize> = 60..=6000;
/// What one text may cost to parse.
const PARSE: Limits = Limits {
    bytes: 1 << 20,
    steps: 100,
    nodes: 600_000,
};
/// What documentation begins with that tells nothing of the function.
const MARKS: [&str; 8] = [
    "todo",
    "fixme",
    "xxx",
    "see ",
    "inheritdoc",
    "{@inheritdoc",
    "deprecated",
    "copyright",
];

/// A function and what is written about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub query: String,
    pub candidate: String,
}

/// Writes the pairs of texts, in their order, as JSON lines; says how many there were. What is written
/// about several functions alike would have several right answers, and stands for the first one.
pub fn write(path: &Path, documents: &[Document]) -> Result<usize> {
    let told = |error| Error::io(path, error);
    let file = fs_err::File::create(path).map_err(told)?;
    let mut out = BufWriter::new(file);
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    let mut count = 0;
    let found: Vec<Vec<Pair>> = documents.par_iter().map(pairs).collect();
    for pair in found.into_iter().flatten() {
        if !seen.insert(super::sift::key(&pair.query.to_lowercase())) {
            continue;
        }
        let row = json!({"query": pair.query, "candidate": pair.candidate});
        writeln!(out, "{row}").map_err(told)?;
        count += 1;
    }
    out.flush().map_err(told)?;
    Ok(count)
}

/// The documented functions of a text; none where it is of no language, or too deep to be read.
pub fn pairs(document: &Document) -> Vec<Pair> {
    let Some(language) = document.language else {
        return Vec::new();
    };
    let Ok(program) = parse_within(language, &document.text, PARSE) else {
        return Vec::new();
    };
    let found = functions(&program).into_iter();
    let kept = found.filter(|own| own.sound && own.body.is_some() && !own.nested);
    let pair = |own: skillbelt_code::functions::Function| {
        let query = own.documentation.as_ref()?.summary();
        let candidate = own.undocumented(&program).trim().to_owned();
        let tells = tells(&query) && !candidate.contains(&query);
        (tells && FUNCTION_BYTES.contains(&candidate.len())).then_some(Pair { query, candidate })
    };
    kept.filter_map(pair).collect()
}

/// Whether a documentation is of words, and not a mark for tools.
fn tells(query: &str) -> bool {
    let lowered = query.to_lowercase();
    let letters = query.chars().filter(|letter| letter.is_alphabetic());
    TOLD_WORDS.contains(&query.split_whitespace().count())
        && !MARKS.iter().any(|mark| lowered.starts_with(mark))
        && letters.count() * 2 >= query.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skillbelt_code::Language;

    fn found(language: Option<Language>, text: &str) -> Vec<Pair> {
        pairs(&Document {
            project: "one".into(),
            language,
            text: text.into(),
        })
    }

    const PYTHON: &str = "def area(width, height):\n    \"\"\"Gives the area of a flat rectangle.\n\n    More of it.\n    \"\"\"\n    return width * height + 0 * width * height\n\ndef bare(width):\n    return width + width + width + width + width + width + 1\n\ndef marked(width):\n    \"\"\"TODO say what this does here.\"\"\"\n    return width + width + width + width + width + width + 2\n";

    #[test]
    fn what_is_written_about_a_function_is_cut_out_of_it() {
        let found = found(Some(Language::Python), PYTHON);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].query, "Gives the area of a flat rectangle.");
        assert!(found[0].candidate.starts_with("def area("));
        assert!(!found[0].candidate.contains("rectangle") && !found[0].candidate.contains("More"));
    }

    #[test]
    fn comments_above_count_and_texts_of_no_language_or_broken_ones_give_nothing() {
        let c = "/* Adds two numbers and gives the sum. */\nint add(int first, int second) {\n    int sum = first + second;\n    return sum;\n}\n";
        assert_eq!(found(Some(Language::C), c).len(), 1);
        assert_eq!(found(None, c), []);
        assert_eq!(
            found(Some(Language::C), &c.replace("return sum;", "return (;")),
            []
        );
    }

    #[test]
    fn the_same_words_about_two_functions_stand_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.jsonl");
        let document = Document {
            project: "one".into(),
            language: Some(Language::Python),
            text: PYTHON.into(),
        };
        let other = Document {
            text: PYTHON
                .replace("area", "surface")
                .replace("Gives the surface", "Gives the area"),
            ..document.clone()
        };
        assert_eq!(write(&path, &[document, other]).unwrap(), 1);
        assert_eq!(fs_err::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
