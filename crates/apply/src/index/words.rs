//! The words of programs and of prose, as they are looked up: a name whole and in its parts.
//!
//! It knows no language and no store. What is indexed and what is asked go through the same function,
//! so that `readLine`, `read_line` and "read line" meet; endings (`reads`, `reading`) are the
//! business of the store, whose stemmer sees both sides too.

/// A longer word is data, not a name.
const LONGEST: usize = 64;

/// The words of a text in small letters, in its order: of a name that is put together the whole
/// without `_`, and each part.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    runs.flat_map(spread)
}

/// The same as one text, for a store that splits at spaces.
pub fn spaced(texts: &[&str]) -> String {
    let mut all = String::new();
    for word in texts.iter().flat_map(|text| words(text)) {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&word);
    }
    all
}

/// A run of letters, digits and `_`: the whole, and its parts if there are several.
fn spread(run: &str) -> Vec<String> {
    if run.is_empty() || run.len() > LONGEST {
        return Vec::new();
    }
    let mut parts = parts(run);
    if parts.len() > 1 {
        parts.insert(0, parts.concat());
    }
    parts
}

/// Parted at `_`, before a capital that follows a small letter or a digit, and before the last capital
/// of several that a small letter follows (`HTTPServer` is `http` and `server`).
fn parts(run: &str) -> Vec<String> {
    let letters: Vec<char> = run.chars().collect();
    let mut parts = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if (begins || *letter == '_')
            && let Some(last) = parts.last()
            && !last.is_empty()
        {
            parts.push(String::new());
        }
        if *letter != '_'
            && let Some(last) = parts.last_mut()
        {
            last.extend(letter.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        words(text).collect()
    }

    #[test]
    fn names_are_words_whole_and_in_parts_however_they_are_put_together() {
        assert_eq!(all("readLine"), ["readline", "read", "line"]);
        assert_eq!(all("read_line"), ["readline", "read", "line"]);
        assert_eq!(all("READ_LINE"), ["readline", "read", "line"]);
        assert_eq!(all("HTTPServer"), ["httpserver", "http", "server"]);
        assert_eq!(all("__init__(self)"), ["init", "self"]);
        assert_eq!(all("utf8Error"), ["utf8error", "utf8", "error"]);
        assert_eq!(all("base64"), ["base64"]);
        assert_eq!(all("größeMessen"), ["größemessen", "größe", "messen"]);
        assert_eq!(all("a+b, _"), ["a", "b"]);
        assert_eq!(all(&"x".repeat(65)), [""; 0]);
        assert_eq!(spaced(&["readLine", "a"]), "readline read line a");
    }

    proptest! {
        #[test]
        fn every_word_is_letters_and_digits_in_small(text in ".{0,80}") {
            for word in words(&text) {
                prop_assert!(!word.is_empty());
                prop_assert!(!word.contains('_') && !word.contains(char::is_whitespace));
                prop_assert!(!word.contains('"'));
            }
        }

        #[test]
        fn a_name_in_camels_has_the_words_of_the_name_with_lines(
            parts in proptest::collection::vec("[a-z]{2,6}", 1..5)
        ) {
            let snake = parts.join("_");
            let camel: String = parts
                .iter()
                .enumerate()
                .map(|(at, part)| match at {
                    0 => part.clone(),
                    _ => part[..1].to_uppercase() + &part[1..],
                })
                .collect();
            prop_assert_eq!(all(&snake), all(&camel));
        }

        #[test]
        fn nothing_of_a_name_is_lost_but_its_lines(name in "[A-Za-z0-9_]{1,40}") {
            let whole: String = name.to_lowercase().replace('_', "");
            let found = all(&name);
            match whole.is_empty() {
                true => prop_assert!(found.is_empty()),
                false => prop_assert_eq!(&found[0], &whole),
            }
            if found.len() > 1 {
                prop_assert_eq!(found[1..].concat(), whole);
            }
        }
    }
}
