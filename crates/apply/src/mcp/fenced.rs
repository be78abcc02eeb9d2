//! Paths that an agent names, kept inside of the folder that is served. It reads no file.

use std::path::{Component, Path, PathBuf};

use super::desk::Refusal;

/// The folder that is served.
#[derive(Debug, Clone)]
pub struct Fence {
    /// Without links.
    root: PathBuf,
}

impl Fence {
    pub fn new(root: PathBuf) -> Fence {
        Fence { root }
    }

    /// A path below the folder, without links, as it is called below it. What lies outside is refused in
    /// the same words whether it is there or not.
    pub fn inside(&self, path: &str) -> Result<PathBuf, Refusal> {
        let outside = || {
            Refusal::new(format_args!("{path}: outside of the folder that is served"))
                .with_hint("paths are relative to the root of the repository")
        };
        let given = Path::new(path);
        let climbs = given
            .components()
            .any(|part| matches!(part, Component::ParentDir));
        if path.contains('\0') || climbs {
            return Err(outside());
        }
        let whole = self.root.join(given);
        if !whole.starts_with(&self.root) {
            return Err(outside());
        }
        let real = fs_err::canonicalize(&whole).map_err(|_| {
            Refusal::new(format_args!("{path}: there is no such file"))
                .with_hint("paths are relative to the root of the repository, with `/`")
        })?;
        match real.strip_prefix(&self.root) {
            Ok(rest) => Ok(rest.to_owned()),
            Err(_) => Err(outside()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        fs_err::create_dir_all(root.join("served/src")).unwrap();
        fs_err::write(root.join("served/src/a.py"), "").unwrap();
        fs_err::write(root.join("secret.py"), "").unwrap();
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink(root.join("secret.py"), root.join("served/link.py")).unwrap();
        let fence = Fence::new(root.join("served"));
        assert_eq!(fence.inside("src/a.py").unwrap(), Path::new("src/a.py"));
        assert_eq!(fence.inside("./src//a.py").unwrap(), Path::new("src/a.py"));
        let whole = root.join("served/src/a.py");
        assert_eq!(
            fence.inside(&whole.to_string_lossy()).unwrap(),
            Path::new("src/a.py")
        );
        let secret = root.join("secret.py").to_string_lossy().into_owned();
        for path in [
            "../secret.py",
            "src/../../secret.py",
            secret.as_str(),
            "link.py",
            "/etc/passwd",
            "a\0b",
        ] {
            let told = fence.inside(path).unwrap_err().to_string();
            assert!(
                told.contains("outside") || (cfg!(windows) && path == "link.py"),
                "{told}"
            );
        }
        assert!(
            fence
                .inside("none.py")
                .unwrap_err()
                .to_string()
                .contains("no such file")
        );
    }
}
