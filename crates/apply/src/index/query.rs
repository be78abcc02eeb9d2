//! What a person typed, as words and phrases to look up.
//!
//! It has no syntax that can be wrong: quotes make a phrase, everything else is words, and what is
//! neither is passed over. Words of prose that say nothing are left out where others remain.

use std::collections::BTreeSet;

use super::words::words;

/// Words of questions that stand in any text.
const SAYING_NOTHING: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "how",
    "i", "if", "in", "into", "is", "it", "its", "my", "of", "on", "or", "that", "the", "this",
    "to", "want", "what", "when", "where", "which", "will", "with", "you", "your",
];

/// More of them make a question no clearer, only slower.
const MOST_TERMS: usize = 64;

/// One thing to look up: a word, or several in a row.
pub type Term = Vec<String>;

/// What is looked up; any of it may be met, the more the better.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub terms: Vec<Term>,
}

impl Query {
    /// From what a person typed.
    pub fn parse(text: &str) -> Query {
        let mut terms: Vec<Term> = Vec::new();
        let quotes = text.matches('"').count();
        for (at, piece) in text.split('"').enumerate() {
            let found: Vec<String> = words(piece).collect();
            // Between quotes, if the quote is closed.
            let phrase = at % 2 == 1 && quotes > at;
            if phrase && found.len() > 1 {
                terms.push(found.clone());
            }
            terms.extend(found.into_iter().map(|word| vec![word]));
        }
        let telling = |term: &Term| term.len() > 1 || !SAYING_NOTHING.contains(&term[0].as_str());
        if terms.iter().any(telling) {
            terms.retain(telling);
        }
        let mut seen = BTreeSet::new();
        terms.retain(|term| seen.insert(term.clone()));
        terms.truncate(MOST_TERMS);
        Query { terms }
    }

    /// The words of a program, each once.
    pub fn of_words(found: impl IntoIterator<Item = String>) -> Query {
        let mut seen = BTreeSet::new();
        let terms = found.into_iter().filter(|word| seen.insert(word.clone()));
        Query {
            terms: terms.take(MOST_TERMS).map(|word| vec![word]).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// In the language of SQLite's full-text index: every term is quoted, so that none is an operator.
    pub fn fts5(&self) -> String {
        let quoted = self
            .terms
            .iter()
            .map(|term| format!("\"{}\"", term.join(" ")));
        quoted.collect::<Vec<_>>().join(" OR ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let query = Query::parse(text);
        query.terms.iter().map(|term| term.join(" ")).collect()
    }

    #[test]
    fn words_that_say_nothing_go_unless_nothing_else_is_there() {
        assert_eq!(terms("how to read the file"), ["read", "file"]);
        assert_eq!(terms("how to"), ["how", "to"]);
        assert_eq!(terms("?! --"), [""; 0]);
    }

    #[test]
    fn quotes_make_a_phrase_and_an_open_quote_none() {
        assert_eq!(
            terms("\"read file\" fast"),
            ["read file", "read", "file", "fast"]
        );
        assert_eq!(terms("fast \"read file"), ["fast", "read", "file"]);
        assert_eq!(terms("readLine line"), ["readline", "read", "line"]);
    }

    #[test]
    fn a_term_is_never_an_operator() {
        let query = Query::parse("a NOT b* NEAR(c, 2) col:x ^y -z {q}");
        assert_eq!(
            query.fts5(),
            "\"not\" OR \"b\" OR \"near\" OR \"c\" OR \"2\" OR \"col\" OR \"x\" OR \"y\" OR \"z\" OR \"q\""
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_query_of_at_most_so_many_quoted_words(text in "(?s).{0,400}") {
            let query = Query::parse(&text);
            prop_assert!(query.terms.len() <= MOST_TERMS);
            for term in &query.terms {
                prop_assert!(!term.is_empty());
                prop_assert!(term.iter().all(|word| word.chars().all(char::is_alphanumeric)));
            }
        }
    }
}
