//! The code that is learnt from where nobody names any: the crates that this program itself is built
//! of, as the build has put them on the machine. The same `Cargo.lock` names the same files.
//!
//! Only the crates that the workspace's own manifests ask for in every build are taken: what comes with
//! tests, or with one operating system, would make the data depend on what else was built. It looks
//! for folders and opens none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};

const LOCK: &str = include_str!("../../../../Cargo.lock");
/// Of all crates of the workspace; a test compares with the folders.
const MANIFESTS: [&str; 8] = [
    include_str!("../../../apply/Cargo.toml"),
    include_str!("../../../cli/Cargo.toml"),
    include_str!("../../../code/Cargo.toml"),
    include_str!("../../../engine/Cargo.toml"),
    include_str!("../../../harvest/Cargo.toml"),
    include_str!("../../../model/Cargo.toml"),
    include_str!("../../../sandbox/Cargo.toml"),
    include_str!("../../../train/Cargo.toml"),
];

/// `name-version` of every crate that is learnt from, in their order.
pub fn own() -> Vec<String> {
    chosen(&MANIFESTS, LOCK)
}

/// Their folders, or which of them are not on this machine. `cargo` is the folder that cargo keeps
/// its downloads in.
pub fn folders(cargo: Option<&Path>) -> Result<Vec<PathBuf>> {
    let Some(cargo) = cargo else {
        return Err(missing("nobody knows where cargo keeps its downloads"));
    };
    let sources = cargo.join("registry").join("src");
    let mut registries: Vec<PathBuf> = fs_err::read_dir(&sources)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    registries.sort();
    let own = own();
    let mut found = Vec::new();
    let mut lacking = Vec::new();
    for name in &own {
        let mut places = registries.iter().map(|registry| registry.join(name));
        match places.find(|place| place.is_dir()) {
            Some(place) => found.push(place),
            None => lacking.push(name.as_str()),
        }
    }
    if lacking.is_empty() {
        return Ok(found);
    }
    let such = lacking.iter().take(3).copied().collect::<Vec<_>>();
    Err(missing(&format!(
        "{} of the {} crates that skillbelt is built of are not in {} (such as {})",
        lacking.len(),
        own.len(),
        sources.display(),
        such.join(", ")
    )))
}

fn missing(why: &str) -> Error {
    Error::told(format_args!("no code to learn from: {why}")).with_hint(
        "name a folder of sources: `skillbelt quickstart PATH`; in a clone of skillbelt `cargo fetch --locked` brings the crates",
    )
}

fn chosen(manifests: &[&str], lock: &str) -> Vec<String> {
    let wanted: BTreeSet<&str> = manifests.iter().flat_map(|text| asked_for(text)).collect();
    let packages: Vec<Package<'_>> = lock.split("[[package]]").map(package).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    // A name with several versions is written with its version where one of the workspace asks for it.
    let of_workspace = packages.iter().filter(|package| !package.downloaded);
    let asked = of_workspace.flat_map(|package| &package.dependencies);
    for asked in asked {
        let (name, version) = asked.split_once(' ').unwrap_or((asked, ""));
        if !wanted.contains(name) {
            continue;
        }
        let downloaded = packages.iter().filter(|package| package.downloaded);
        let mut same = downloaded.filter(|package| {
            package.name == name && (version.is_empty() || package.version == version)
        });
        names.extend(same.next().map(|it| format!("{}-{}", it.name, it.version)));
    }
    names.into_iter().collect()
}

/// Names in the section `dependencies` of a manifest, whatever system it is built for.
fn asked_for(manifest: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && !line.starts_with('#') && line.contains('=') {
            names.extend(line.split(['.', ' ', '=']).next());
        }
    }
    names
}

#[derive(Default)]
struct Package<'l> {
    name: &'l str,
    version: &'l str,
    downloaded: bool,
    dependencies: Vec<&'l str>,
}

fn package(block: &str) -> Package<'_> {
    let mut package = Package::default();
    for line in block.lines().map(str::trim) {
        match line.split_once(" = ") {
            Some(("name", value)) => package.name = value.trim_matches('"'),
            Some(("version", value)) => package.version = value.trim_matches('"'),
            Some(("source", _)) => package.downloaded = true,
            _ if line.starts_with('"') => package
                .dependencies
                .push(line.trim_end_matches(',').trim_matches('"')),
            _ => {}
        }
    }
    package
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crates_of_every_build_are_named_with_the_versions_of_the_lock_file() {
        let manifest = "[package]\nname = \"skillbelt-x\"\n[dependencies]\nskillbelt-y.workspace = true\nalpha.workspace = true\nbeta = { version = \"2\" }\n# gamma = \"1\"\n[target.'cfg(unix)'.dependencies]\ndelta = \"1\"\n[dev-dependencies]\nepsilon = \"1\"\n";
        let lock = "version = 4\n\n[[package]]\nname = \"alpha\"\nversion = \"1.0.0\"\nsource = \"r\"\n\n[[package]]\nname = \"alpha\"\nversion = \"2.0.0\"\nsource = \"r\"\n\n[[package]]\nname = \"beta\"\nversion = \"2.1.0\"\nsource = \"r\"\ndependencies = [\n \"delta\",\n]\n\n[[package]]\nname = \"delta\"\nversion = \"1.1.0\"\nsource = \"r\"\n\n[[package]]\nname = \"epsilon\"\nversion = \"1.2.0\"\nsource = \"r\"\n\n[[package]]\nname = \"skillbelt-x\"\nversion = \"0.1.0\"\ndependencies = [\n \"alpha 2.0.0\",\n \"beta\",\n \"delta\",\n \"epsilon\",\n \"skillbelt-y\",\n]\n";
        assert_eq!(chosen(&[manifest], lock), ["alpha-2.0.0", "beta-2.1.0"]);
    }

    #[test]
    fn the_manifests_are_those_of_the_workspace_and_every_name_has_a_version() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let count = fs_err::read_dir(crates).unwrap().count();
        assert_eq!(
            count,
            MANIFESTS.len(),
            "a crate of the workspace is not in MANIFESTS"
        );
        let wanted: BTreeSet<&str> = MANIFESTS.iter().flat_map(|text| asked_for(text)).collect();
        let outside = wanted
            .iter()
            .filter(|name| !name.starts_with("skillbelt"))
            .count();
        assert_eq!(own().len(), outside);
        assert!(own().iter().any(|name| name.starts_with("serde-1.")));
    }

    #[test]
    fn crates_that_are_not_there_are_told_with_a_way_out() {
        let empty = tempfile::tempdir().unwrap();
        for cargo in [None, Some(empty.path())] {
            let error = folders(cargo).unwrap_err();
            assert!(error.to_string().contains("no code to learn from"));
            assert!(error.hint().unwrap().contains("quickstart PATH"));
        }
        for name in own() {
            let folder = empty.path().join("registry/src/index-1").join(name);
            fs_err::create_dir_all(folder).unwrap();
        }
        let found = folders(Some(empty.path())).unwrap();
        assert_eq!(found.len(), own().len());
        fs_err::remove_dir(&found[3]).unwrap();
        let error = folders(Some(empty.path())).unwrap_err().to_string();
        assert!(error.contains("1 of the"), "{error}");
    }
}
