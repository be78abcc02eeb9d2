//! Texts that may hold a secret: keys and tokens by their published forms, and unlike letters behind
//! a word such as `password`. A function with one is left out whole; better one too many.

/// Beginnings of tokens, how many signs follow at least, and which.
const TOKENS: &[(&str, usize, Signs)] = &[
    ("AKIA", 16, Signs::Upper),
    ("ASIA", 16, Signs::Upper),
    ("ghp_", 30, Signs::Word),
    ("gho_", 30, Signs::Word),
    ("ghs_", 30, Signs::Word),
    ("ghr_", 30, Signs::Word),
    ("github_pat_", 30, Signs::Word),
    ("glpat-", 20, Signs::Word),
    ("xoxb-", 20, Signs::Word),
    ("xoxp-", 20, Signs::Word),
    ("xoxa-", 20, Signs::Word),
    ("AIza", 35, Signs::Word),
    ("sk_live_", 20, Signs::Word),
    ("rk_live_", 20, Signs::Word),
    ("sk-ant-", 20, Signs::Word),
    ("npm_", 36, Signs::Word),
    ("pypi-", 50, Signs::Word),
    ("SG.", 40, Signs::Dotted),
    ("eyJ", 40, Signs::Dotted),
];

/// What a secret is called, in small letters.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "private_key",
    "access_key",
    "credential",
];

/// Signs of a value behind a name that are a secret rather than a word.
const VALUE: usize = 16;

#[derive(Clone, Copy)]
enum Signs {
    Upper,
    Word,
    Dotted,
}

impl Signs {
    fn has(self, sign: u8) -> bool {
        match self {
            Signs::Upper => sign.is_ascii_uppercase() || sign.is_ascii_digit(),
            Signs::Word => sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-'),
            Signs::Dotted => sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-' | b'.'),
        }
    }
}

/// Whether a text may hold a secret.
pub fn any(text: &str) -> bool {
    text.contains("PRIVATE KEY-----") || token(text) || text.lines().any(named)
}

fn token(text: &str) -> bool {
    TOKENS.iter().any(|(begins, least, signs)| {
        text.match_indices(begins).any(|(at, _)| {
            let before = text[..at].bytes().next_back();
            let alone = before.is_none_or(|sign| !sign.is_ascii_alphanumeric());
            let rest = &text.as_bytes()[at + begins.len()..];
            let length = rest.iter().take_while(|sign| signs.has(**sign)).count();
            alone && length >= *least && unlike(&text[at + begins.len()..][..length])
        })
    })
}

/// A line in which a secret's name is followed by a text of unlike signs.
fn named(line: &str) -> bool {
    if !line.contains(['"', '\'', '`']) {
        return false;
    }
    let lowered = line.to_lowercase();
    let Some(at) = NAMES.iter().filter_map(|name| lowered.find(name)).min() else {
        return false;
    };
    let behind = lowered.len() == line.len();
    let rest = line.get(if behind { at } else { 0 }..).unwrap_or("");
    rest.split(['"', '\'', '`']).skip(1).any(|value| {
        let signs = value.bytes().all(|sign| sign.is_ascii_graphic());
        value.len() >= VALUE && signs && unlike(value)
    })
}

/// Letters and digits mixed as in nothing that is read: both kinds, and few of them twice.
fn unlike(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let mut seen = [false; 256];
    value
        .bytes()
        .for_each(|sign| seen[usize::from(sign)] = true);
    let distinct = seen.iter().filter(|seen| **seen).count();
    let code = value.contains(['(', '{', '<', '%', '/', ' ', '[']);
    let upper = value.bytes().any(|sign| sign.is_ascii_uppercase());
    !code && (digits >= 2 || upper) && letters >= 4 && distinct >= 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tokens_are_seen_and_plain_code_is_not() {
        for secret in [
            "k = 'AKIAIOSFODNN7EXAMPLQ'",
            "-----BEGIN RSA PRIVATE KEY-----",
            "t := \"ghp_a8B3k29dKx0pQw7ZrT5yUi1oPl4mNb6vCxzA\"",
            "password = \"hunter2Xk9pQ74zLm\"",
            "{\"api_key\": \"9f8e7d6c5b4a39281706f5e4\"}",
        ] {
            assert!(any(secret), "{secret}");
        }
        for plain in [
            "password = input(\"Enter your password please\")",
            "token = \"expected_identifier_here\"",
            "let token = next(\"a\");",
            "secret: \"${{ secrets.NAME }}\"",
            "AKIA is a prefix of keys",
            "raise TokenError(\"password_must_not_be_empty\")",
        ] {
            assert!(!any(plain), "{plain}");
        }
    }
}
