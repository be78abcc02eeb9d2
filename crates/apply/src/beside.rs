//! The folder of a repository for what can be made again: `.skillbelt/`, which keeps itself out of the
//! history. It knows nothing of what is kept there.
//!
//! A repository is somebody else's work, and may hold such a folder already. One that leads elsewhere by
//! a symbolic link is refused: nothing is written outside of the repository.

use std::io;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".skillbelt";

/// The folder of a repository, made if it is not there.
///
/// # Errors
/// It cannot be written, or is or holds a symbolic link.
pub fn folder(root: &Path) -> io::Result<PathBuf> {
    let folder = root.join(FOLDER);
    let is_link = |path: &Path| fs_err::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    let refused = |path: &Path| {
        let told = format!("{}: a symbolic link, which is not followed", path.display());
        Err(io::Error::other(told))
    };
    if is_link(&folder) {
        return refused(&folder);
    }
    make(&folder)?;
    for entry in fs_err::read_dir(&folder)? {
        let path = entry?.path();
        if is_link(&path) {
            return refused(&path);
        }
    }
    Ok(folder)
}

/// Makes a folder that somebody named for the same.
pub fn make(folder: &Path) -> io::Result<()> {
    fs_err::create_dir_all(folder)?;
    let ignore = folder.join(".gitignore");
    match fs_err::symlink_metadata(&ignore) {
        Ok(_) => Ok(()),
        Err(_) => fs_err::write(ignore, "*\n"),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_written_where_a_link_leads() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = folder(root.path()).unwrap();
        let ignored = fs_err::read_to_string(made.join(".gitignore")).unwrap();
        assert_eq!(ignored, "*\n");
        assert!(folder(root.path()).is_ok());
        symlink(other.path().join("taken"), made.join("scan.sqlite")).unwrap();
        assert!(
            folder(root.path())
                .unwrap_err()
                .to_string()
                .contains("scan.sqlite")
        );
        fs_err::remove_dir_all(&made).unwrap();
        symlink(other.path(), &made).unwrap();
        assert!(folder(root.path()).is_err());
        assert_eq!(fs_err::read_dir(other.path()).unwrap().count(), 0);
    }
}
