//! Which function of the sources a test case is: by its name, and by its class or module where the
//! name alone does not tell.

use std::collections::HashMap;

use crate::stock::{Item, Source};

/// Tests by name.
pub struct Tests<'t> {
    tests: &'t [Item],
    sources: &'t [Source],
    by_name: HashMap<&'t str, Vec<usize>>,
    /// Tests that go by a title, by it and by it with the titles around it.
    by_title: HashMap<String, Vec<usize>>,
}

impl<'t> Tests<'t> {
    pub fn of(tests: &'t [Item], sources: &'t [Source]) -> Tests<'t> {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_title: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, test) in tests.iter().enumerate() {
            by_name.entry(&test.piece.name).or_default().push(at);
            if titled(test) {
                let title = &test.piece.name;
                if let Some(within) = &test.piece.within {
                    by_title
                        .entry(format!("{within} {title}"))
                        .or_default()
                        .push(at);
                }
                by_title.entry(title.clone()).or_default().push(at);
            }
        }
        Tests {
            tests,
            sources,
            by_name,
            by_title,
        }
    }

    /// The one test that a case can be, or why none is.
    pub fn named(&self, class: &str, name: &str) -> Result<usize, &'static str> {
        if let Some(found) = self.by_full_title(class, name) {
            return found;
        }
        let bare = bare(name);
        let last = class.rsplit(['.', '/', '$', ':']).next().unwrap_or(class);
        let joined = format!("{last}.{bare}");
        let found = [joined.as_str(), bare]
            .into_iter()
            .find_map(|name| self.by_name.get(name));
        let all = found.ok_or("no test of that name in the sources")?;
        let fitting: Vec<usize> = match all.as_slice() {
            [one] => vec![*one],
            several => {
                let of_class = several
                    .iter()
                    .copied()
                    .filter(|at| self.is_of(*at, class, last));
                of_class.collect()
            }
        };
        match fitting.as_slice() {
            [one] => Ok(*one),
            [] => Err("several tests of that name, none of that class"),
            _ => Err("several tests of that name and class"),
        }
    }

    /// The test of a title. Runners write the titles around it before it, with `>` or spaces between, or
    /// as the class; some write the file as the class.
    fn by_full_title(&self, class: &str, name: &str) -> Option<Result<usize, &'static str>> {
        let plain = |text: &str| {
            let words = text.split_whitespace();
            let words: Vec<&str> = words
                .filter(|word| !matches!(*word, ">" | "\u{203a}"))
                .collect();
            words.join(" ")
        };
        let (class, name) = (plain(class), plain(name));
        let all = [format!("{class} {name}"), name]
            .iter()
            .find_map(|title| self.by_title.get(title))?;
        let of_file = |at: &usize| self.sources[self.tests[*at].source].shown.ends_with(&class);
        let fitting: Vec<usize> = match all.as_slice() {
            [one] => vec![*one],
            several => several.iter().copied().filter(of_file).collect(),
        };
        Some(match fitting.as_slice() {
            [one] => Ok(*one),
            [] => Err("several tests of that name, none of that class"),
            _ => Err("several tests of that name and class"),
        })
    }

    /// Whether a test is a member of a class, or stands in the module that is called so.
    fn is_of(&self, at: usize, class: &str, last: &str) -> bool {
        let test = &self.tests[at];
        let source = &self.sources[test.source];
        let stem = source
            .shown
            .rsplit_once('.')
            .map_or(&*source.shown, |(stem, _)| stem);
        let module: String = class.replace("::", "/").replace(['.', '$'], "/");
        let ends = |module: &str| {
            !module.is_empty()
                && stem.ends_with(module)
                && matches!(
                    stem[..stem.len() - module.len()].chars().next_back(),
                    None | Some('/')
                )
        };
        match &test.piece.within {
            Some(within) => {
                let outer = module.rsplit_once('/').map_or("", |(outer, _)| outer);
                within == last
                    && (ends(&module)
                        || outer.is_empty()
                        || ends(outer)
                        || self.alone(test, within))
            }
            None => ends(&module),
        }
    }

    /// Whether no other class of that name has a test of that name.
    fn alone(&self, test: &Item, within: &str) -> bool {
        let all = self.by_name.get(test.piece.name.as_str()).map_or(0, |all| {
            let same = all
                .iter()
                .filter(|at| self.tests[**at].piece.within.as_deref() == Some(within));
            same.count()
        });
        all == 1
    }
}

/// Whether a test goes by a title and not by a name.
fn titled(test: &Item) -> bool {
    use skillbelt_code::Language::{JavaScript, TypeScript};
    matches!(test.piece.language, JavaScript | TypeScript)
}

/// The name of the function: without parameters, cases below it, and what stands before it.
fn bare(name: &str) -> &str {
    let end = name.find(['[', '(', '{', '/', ' ']).unwrap_or(name.len());
    let name = &name[..end];
    name.rsplit([':', '.', '$']).next().unwrap_or(name)
}
