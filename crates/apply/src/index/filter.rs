//! Which files an answer may come from: languages, and patterns of paths. It opens none of them.

use std::collections::BTreeSet;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use skillbelt_code::Language;

use super::error::{Error, Result};

/// A filter that has been checked.
#[derive(Debug, Clone)]
pub struct Filter {
    /// None named means all.
    languages: BTreeSet<Language>,
    /// As if they were to be ignored: what is matched is wanted.
    globs: Gitignore,
    /// A folder below the root, with `/`; or a file. Empty means all.
    below: String,
}

impl Filter {
    /// All files.
    pub fn all() -> Filter {
        Filter {
            languages: BTreeSet::new(),
            globs: Gitignore::empty(),
            below: String::new(),
        }
    }

    /// Patterns are those of `.gitignore`, but name what is wanted; one that begins with `!` names what
    /// is not. Of several that fit the last counts.
    pub fn new(languages: &[Language], globs: &[String], below: &str) -> Result<Filter> {
        let mut builder = GitignoreBuilder::new("");
        for glob in globs {
            builder.add_line(None, glob).map_err(|error| {
                Error::told(format_args!("--glob `{glob}`: {error}"))
                    .with_hint("a pattern as in .gitignore, such as `src/**/*.py` or `!tests/`")
            })?;
        }
        let globs = builder.build();
        Ok(Filter {
            languages: languages.iter().copied().collect(),
            globs: globs.map_err(|error| Error::told(format_args!("--glob: {error}")))?,
            below: below.to_owned(),
        })
    }

    pub fn is_all(&self) -> bool {
        self.languages.is_empty() && self.globs.is_empty() && self.below.is_empty()
    }

    /// Whether a file may answer. Patterns see the whole path below the root.
    pub fn admits(&self, path: &str, language: Language) -> bool {
        let below = self.below.is_empty()
            || path
                .strip_prefix(self.below.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        below
            && (self.languages.is_empty() || self.languages.contains(&language))
            && (self.globs.is_empty() || self.admitted_by_globs(path))
    }

    /// A pattern may name the file or a folder above it; the nearest that is named counts.
    fn admitted_by_globs(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        match self.globs.matched_path_or_any_parents(path, false) {
            Match::Ignore(_) => true,
            Match::Whitelist(_) => false,
            Match::None => self.globs.num_ignores() == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(languages: &[Language], globs: &[&str], below: &str, path: &str) -> bool {
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let filter = Filter::new(languages, &globs, below).unwrap();
        filter.admits(path, Language::of_file(path).unwrap())
    }

    #[test]
    fn patterns_name_files_and_folders_and_what_is_not_wanted() {
        let path = "src/net/http.py";
        for globs in [
            &["*.py"][..],
            &["src/"],
            &["src/**/*.py"],
            &["net"],
            &["!tests/"],
            &["src/", "!*.rs"],
        ] {
            assert!(admits(&[], globs, "", path), "{globs:?}");
        }
        for globs in [
            &["*.rs"][..],
            &["lib/"],
            &["/net/"],
            &["src/", "!*.py"],
            &["!net/"],
        ] {
            assert!(!admits(&[], globs, "", path), "{globs:?}");
        }
    }

    #[test]
    fn languages_and_folders_narrow() {
        assert!(admits(&[Language::Python], &[], "src", "src/a.py"));
        assert!(!admits(&[Language::Rust], &[], "src", "src/a.py"));
        assert!(!admits(&[], &[], "sr", "src/a.py"));
        assert!(admits(&[], &[], "src/a.py", "src/a.py"));
        assert!(Filter::all().is_all() && !Filter::new(&[], &[], "src").unwrap().is_all());
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_by_name() {
        let error = Filter::new(&[], &["[z-a]".to_owned()], "").unwrap_err();
        assert!(error.to_string().contains("`[z-a]`"), "{error}");
        assert!(error.hint().is_some());
    }
}
