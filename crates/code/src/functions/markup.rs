//! The markup of documentation: what is read of `<summary>`, `{@link X}`, `\brief`, back quotes.
//!
//! It takes any text and never looks far for the end of a tag, so that tags which do not end cost
//! nothing.

/// Bytes after which a tag that did not end is none.
const TAG_BYTES: usize = 2_000;

/// A line without the word that says that the summary begins.
pub fn untagged(line: &str) -> &str {
    let mut line = line.trim();
    for word in ["@brief", "\\brief", "@summary", "@description", "@desc"] {
        if let Some(rest) = line.strip_prefix(word) {
            line = rest.trim_start();
        }
    }
    line
}

/// A text without markup: `<summary>`, `{@link X}`, `\brief`, back quotes.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = untagged(text);
    while let Some(at) = rest.find(['<', '{']) {
        out.push_str(&rest[..at]);
        let here = &rest[at..];
        let read = match inline(here) {
            Some((read, length)) => Some((read, length)),
            None => markup(here).map(|length| (named(&here[..length]), length)),
        };
        match read {
            Some((read, length)) => {
                out.push_str(&read);
                rest = &here[length..];
            }
            None => {
                out.push_str(&here[..1]);
                rest = &here[1..];
            }
        }
    }
    out.push_str(rest);
    out.replace('`', "")
}

/// What a tag of C# names, which is a word of the sentence.
fn named(tag: &str) -> String {
    let words = [
        "cref=\"",
        "paramref name=\"",
        "typeparamref name=\"",
        "langword=\"",
    ];
    let found = words.iter().find_map(|word| tag.split_once(word));
    let name = found.and_then(|(_, rest)| rest.split_once('"'));
    name.map_or(String::new(), |(name, _)| {
        name.rsplit(['.', ':']).next().unwrap_or(name).to_owned()
    })
}

/// What is read of a tag such as `{@link Target shown}` or `{@code text}`, and how long the tag is.
fn inline(text: &str) -> Option<(String, usize)> {
    text.strip_prefix("{@")?;
    let mut depth = 0;
    // Of one that does not end nothing is known.
    let end = text.bytes().take(TAG_BYTES).position(|sign| {
        depth += i32::from(sign == b'{') - i32::from(sign == b'}');
        depth == 0
    })?;
    let (kind, rest) = text[2..end].split_once(' ').unwrap_or((&text[2..end], ""));
    let read = match kind {
        "link" | "linkplain" | "value" => linked(rest.trim()),
        "code" | "literal" => rest.trim().to_owned(),
        // Whole examples are no words of a sentence.
        "snippet" => String::new(),
        // What is read elsewhere has nothing here to be read.
        "inheritDoc" | "inheritdoc" => return None,
        _ => rest.trim().to_owned(),
    };
    Some((read, end + 1))
}

/// What is shown for a target, or the target itself without the types of its parameters.
fn linked(link: &str) -> String {
    let mut depth = 0;
    let end = link.bytes().position(|sign| {
        depth += i32::from(sign == b'(') - i32::from(sign == b')');
        depth == 0 && matches!(sign, b' ' | b'|')
    });
    match end {
        Some(end) => link[end + 1..].trim().to_owned(),
        None => {
            let (target, called) = match link.split_once('(') {
                Some((target, _)) => (target, "()"),
                None => (link, ""),
            };
            format!(
                "{}{called}",
                target.trim_start_matches('#').replace('#', ".")
            )
        }
    }
}

/// The length of a tag at the beginning of a text.
fn markup(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let named = inner.strip_prefix('/').unwrap_or(inner);
    let end = text.bytes().take(300).position(|sign| sign == b'>')?;
    let opens = named.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (opens && !text[1..end].contains('<')).then_some(end + 1)
}
