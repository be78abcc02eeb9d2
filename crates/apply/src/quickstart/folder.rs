//! The folder of a quick start: which names it holds, and whether a call may write there. A call with
//! the same order goes on with what lies there; any other is refused, so that no result ever mixes two
//! orders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use skillbelt_train::disk::Disk;
use skillbelt_train::disk::faults::Faults;

use super::effort::Effort;
use super::error::{Error, Result};

/// What a folder is known by.
const FORMAT: &str = "skillbelt quickstart 1";
/// The file that holds the order; the first that is written.
const ORDER: &str = "quickstart.json";
/// Everything that a quick start writes; nothing else is ever removed.
const NAMES: [&str; 10] = [
    "report.html",
    "results.json",
    "belt",
    "study",
    "words",
    "asked",
    "recipe.yaml",
    "quickstart.yaml",
    "data",
    ORDER,
];

/// All that results depend on, as it is written down.
#[derive(Debug, Serialize)]
pub struct Ordered<'o> {
    pub format: &'static str,
    pub program: &'static str,
    /// The paths that were given; none for the crates of the program.
    pub paths: Vec<String>,
    pub junit: Vec<String>,
    pub crates: Vec<String>,
    pub base: &'o str,
    pub effort: &'o Effort,
}

impl<'o> Ordered<'o> {
    pub fn new(
        paths: &[PathBuf],
        junit: &[PathBuf],
        crates: Vec<String>,
        base: &'o str,
        effort: &'o Effort,
    ) -> Ordered<'o> {
        let shown = |paths: &[PathBuf]| {
            let shown = paths.iter().map(|path| path.display().to_string());
            shown.collect()
        };
        Ordered {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION"),
            paths: shown(paths),
            junit: shown(junit),
            crates,
            base,
            effort,
        }
    }
}

/// The folder, ours to write in.
pub struct Folder {
    root: PathBuf,
    disk: Disk,
}

impl Folder {
    /// Opens the folder for an order. `anew` removes what an earlier quick start left, and nothing
    /// that it did not write. The answer is whether an earlier call is gone on with.
    pub fn open(
        root: &Path,
        order: &Ordered<'_>,
        anew: bool,
        faults: Arc<Faults>,
    ) -> Result<(Folder, bool)> {
        let root = std::path::absolute(root).map_err(|error| Error::io(root, error))?;
        let folder = Folder {
            disk: Disk::new(faults),
            root,
        };
        let known = folder.known()?;
        if known.is_some() && anew {
            folder.clear()?;
        }
        let wanted = serde_json::to_value(order).map_err(Error::told)?;
        match known.filter(|_| !anew) {
            Some(known) if known == wanted => {
                folder.sweep()?;
                return Ok((folder, true));
            }
            Some(known) => return Err(folder.other(&known, &wanted)),
            None => {}
        }
        fs_err::create_dir_all(&folder.root).map_err(|error| Error::io(&folder.root, error))?;
        let text = serde_json::to_string_pretty(&wanted).map_err(Error::told)? + "\n";
        folder.write(ORDER, &text)?;
        Ok((folder, false))
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// A file, whole or as it was before.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(self.disk.replace(&self.at(name), text.as_bytes())?)
    }

    /// The order of an earlier call. A folder with anything else in it is not ours.
    fn known(&self) -> Result<Option<Value>> {
        let shown = self.root.display();
        let entries = match fs_err::read_dir(&self.root) {
            Ok(entries) => entries.count(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::told(error).with_hint("give another --out")),
        };
        if entries == 0 {
            return Ok(None);
        }
        let text = fs_err::read_to_string(self.at(ORDER)).unwrap_or_default();
        let known: Option<Value> = serde_json::from_str(&text).ok();
        match known {
            Some(known) if known["format"] == FORMAT => Ok(Some(known)),
            _ => Err(Error::told(format_args!(
                "{shown} is not empty, and no quick start wrote it"
            ))
            .with_hint("give another --out")),
        }
    }

    fn other(&self, known: &Value, wanted: &Value) -> Error {
        let differ = |key: &&String| known[key.as_str()] != wanted[key.as_str()];
        let keys: Vec<&str> = wanted
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().filter(differ))
            .map(String::as_str)
            .collect();
        Error::told(format_args!(
            "{} holds a quick start with other settings ({})",
            self.root.display(),
            keys.join(", ")
        ))
        .with_hint("give --force to begin anew, or another --out")
    }

    fn clear(&self) -> Result<()> {
        self.sweep()?;
        for name in NAMES {
            let place = self.at(name);
            match place.is_dir() {
                true => self.disk.remove_folder(&place)?,
                false if place.exists() => {
                    fs_err::remove_file(&place).map_err(|error| Error::io(&place, error))?;
                }
                false => {}
            }
        }
        Ok(())
    }

    /// Removes what a harvest that was killed has left aside.
    fn sweep(&self) -> Result<()> {
        let entries = fs_err::read_dir(&self.root).map_err(|error| Error::io(&self.root, error))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(".harvest-") {
                self.disk.remove_folder(&entry.path())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(root: &Path, base: &str, anew: bool) -> Result<bool> {
        let effort = Effort::quick();
        let order = Ordered::new(&[], &[], vec![], base, &effort);
        Folder::open(root, &order, anew, Arc::default()).map(|(_, again)| again)
    }

    #[test]
    fn the_same_order_goes_on_another_is_refused_and_force_removes_only_what_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        assert!(!open(&root, "pocket", false).unwrap());
        assert!(open(&root, "pocket", false).unwrap());
        let error = open(&root, "other", false).unwrap_err();
        assert!(error.to_string().contains("(base)"), "{error}");
        assert!(error.hint().unwrap().contains("--force"));
        for name in ["mine.txt", "report.html", ".harvest-x/part"] {
            let path = root.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "text").unwrap();
        }
        assert!(!open(&root, "other", true).unwrap());
        assert!(root.join("mine.txt").exists());
        assert!(!root.join("report.html").exists() && !root.join(".harvest-x").exists());
    }

    #[test]
    fn a_folder_of_somebody_else_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("report.html"), "mine").unwrap();
        for anew in [false, true] {
            let error = open(folder.path(), "pocket", anew).unwrap_err();
            assert!(error.to_string().contains("no quick start wrote it"));
        }
        let text = fs_err::read_to_string(folder.path().join("report.html")).unwrap();
        assert_eq!(text, "mine");
    }
}
