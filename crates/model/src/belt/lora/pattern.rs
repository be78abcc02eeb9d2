//! The regular expressions of `peft`'s configurations, matched as that library matches them.
//!
//! They come from files, so they run on an engine that is linear in the text and bounded in size;
//! look-around and back references, which it does not have, are refused.

use regex::bytes::{Regex, RegexBuilder};

/// What a compiled pattern may occupy.
const MAX_BYTES: usize = 1 << 20;

/// A pattern over paths of modules.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// The whole path, as `re.fullmatch`.
    pub fn whole(text: &str) -> Result<Pattern, String> {
        Pattern::new(&format!("^(?:{text})$"))
    }

    /// The end of a path from a point on, or all of it: the keys of `rank_pattern`.
    pub fn ending(text: &str) -> Result<Pattern, String> {
        Pattern::new(&format!(r"^(?:.*\.)?(?:{text})$"))
    }

    /// The index of the layer that a path lies in: the first number after one of the names in
    /// `layers_pattern`, or after any name where there is none.
    pub fn layer(name: Option<&str>) -> Result<Pattern, String> {
        match name {
            None => Pattern::new(r"^.*?\.[^.]*\.(?P<index>[0-9]+)\."),
            Some(name) => Pattern::new(&format!(r"^(?:.*?\.)?(?:{name})\.(?P<index>[0-9]+)\.")),
        }
    }

    fn new(text: &str) -> Result<Pattern, String> {
        let built = RegexBuilder::new(text)
            .unicode(false)
            .size_limit(MAX_BYTES)
            .build();
        built
            .map(Pattern)
            .map_err(|error| one_line(&error.to_string()))
    }

    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path.as_bytes())
    }

    /// The number that the pattern finds in a path.
    pub fn index(&self, path: &str) -> Option<usize> {
        let found = self.0.captures(path.as_bytes())?;
        let digits = std::str::from_utf8(found.name("index")?.as_bytes()).ok()?;
        digits.parse().ok()
    }
}

/// The last line of the engine's message, which says what is wrong; the others draw an arrow.
fn one_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_begin_at_a_point() {
        let pattern = Pattern::ending("layer.0.query|value").unwrap();
        assert!(pattern.matches("encoder.layer.0.query"));
        assert!(pattern.matches("value"));
        assert!(!pattern.matches("encoder.layer.0.other_value"));
        assert!(!pattern.matches("value.more"));
    }

    #[test]
    fn layers_are_found_by_the_first_number() {
        let any = Pattern::layer(None).unwrap();
        assert_eq!(any.index("model.layers.12.experts.3.q_proj"), Some(12));
        assert_eq!(any.index("layers.12.q_proj"), None);
        let named = Pattern::layer(Some("h")).unwrap();
        assert_eq!(named.index("transformer.h.7.attn"), Some(7));
        assert_eq!(named.index("h.7.attn"), Some(7));
        assert_eq!(named.index("transformer.layers.7.attn"), None);
    }

    #[test]
    fn patterns_that_cannot_be_run_are_refused_in_a_line() {
        for text in ["(", "a(?=b)", r"(a)\1", "(((a{999}){999}){999})"] {
            let error = Pattern::whole(text).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{error:?}");
        }
    }
}
