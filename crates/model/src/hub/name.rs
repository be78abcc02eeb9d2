//! Names of bases and of their files. Whatever is turned into a path is checked here first: no part of a name can
//! leave the folder it is meant for.

use super::error::{Error, Result};

/// `owner/name` at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repo {
    pub id: String,
    pub revision: String,
}

const DEFAULT_REVISION: &str = "main";
const MAX_NAME_BYTES: usize = 200;

impl Repo {
    /// `owner/name`, `name`, either with `@revision`.
    pub(super) fn parse(text: &str) -> Result<Repo> {
        let (id, revision) = match text.split_once('@') {
            Some((id, revision)) => (id, revision),
            None => (text, DEFAULT_REVISION),
        };
        let parts: Vec<&str> = id.split('/').collect();
        let fits = parts.len() <= 2
            && text.len() <= MAX_NAME_BYTES
            && parts
                .iter()
                .all(|part| part_is_plain(part) && !part.contains("--"))
            && revision.split('/').all(part_is_plain);
        if !fits {
            return Err(Error::Name {
                name: text.to_owned(),
            });
        }
        Ok(Repo {
            id: id.to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// The folder's name in the cache.
    pub(super) fn folder(&self) -> String {
        format!("models--{}", self.id.replace('/', "--"))
    }
}

/// One part of a path: letters, digits, `.`, `_`, `-`; not hidden, not `..`.
pub(super) fn part_is_plain(part: &str) -> bool {
    let plain = |mark: u8| mark.is_ascii_alphanumeric() || matches!(mark, b'.' | b'_' | b'-');
    !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && part.bytes().all(plain)
}

/// A file's name as the server lists it: plain parts, none of which leaves the folder.
pub(super) fn file_is_plain(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES && name.split('/').all(part_is_plain)
}

/// Whether the revision names a commit outright.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|mark| mark.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_with_and_without_a_revision() {
        let repo = Repo::parse("owner/name").unwrap();
        assert_eq!(
            (repo.folder().as_str(), repo.revision.as_str()),
            ("models--owner--name", "main")
        );
        assert_eq!(Repo::parse("gpt2@refs/pr/1").unwrap().revision, "refs/pr/1");
        for wrong in [
            "", "a/b/c", "../x", "a/..", "/a", "a/b@", "a/b@../c", "a b", "a/b@x@y", "a\\b",
            "a--b/c",
        ] {
            assert!(Repo::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_accepted_file_leaves_its_folder(name in "[a-z./\\\\:~-]{0,12}") {
            if file_is_plain(&name) {
                let path = std::path::Path::new(&name);
                prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }
    }
}
