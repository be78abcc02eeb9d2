//! Files and folders that nobody of the project wrote, by their names: vendored, generated, built.
//! What only the text of a file tells stands in `sift/`.

/// The folder of git itself, which is neither source nor left out.
pub const OWN: &str = "git's own";

/// Reasons that are told, and asked for where somebody wants such files after all.
pub const VENDORED_FOLDER: &str = "vendored folder, by its name";
pub const BUILT_FOLDER: &str = "built or generated folder, by its name";
pub const WRITTEN_FILE: &str = "generated, by its name";
pub const OTHER_LANGUAGE: &str = "of no language that is asked for";

const VENDORED: &[&str] = &[
    "vendor",
    "vendored",
    "third_party",
    "third-party",
    "thirdparty",
    "3rdparty",
    "node_modules",
    "bower_components",
    "jspm_packages",
    "external",
    "externals",
    "extern",
    "Godeps",
    "Pods",
    "Carthage",
    "site-packages",
    "dist-packages",
    "venv",
    "virtualenv",
];

const BUILT: &[&str] = &[
    "target",
    "build",
    "dist",
    "out",
    "obj",
    "__pycache__",
    "generated",
    "gen",
    "autogen",
];

/// Endings of names that tools give to what they write.
const WRITTEN: &[&str] = &[
    ".pb.go",
    ".pb.cc",
    ".pb.h",
    "_pb2.py",
    "_pb2_grpc.py",
    "_grpc.pb.go",
    "_generated.go",
    "_gen.go",
    "_string.go",
    ".g.cs",
    ".g.i.cs",
    ".designer.cs",
    ".generated.cs",
    ".min.js",
    ".bundle.js",
    ".chunk.js",
    ".d.ts",
    ".d.mts",
    ".d.cts",
    ".pyi",
    "_wrap.c",
    "_wrap.cxx",
    ".tab.c",
    ".tab.h",
    ".yy.c",
];

/// Why a folder is left out by its name.
pub fn folder(name: &str) -> Option<&'static str> {
    if VENDORED.contains(&name) {
        return Some(VENDORED_FOLDER);
    }
    if BUILT.contains(&name) {
        return Some(BUILT_FOLDER);
    }
    name.starts_with('.').then_some("hidden folder")
}

/// Why a file is left out by its name.
pub fn file(name: &str) -> Option<&'static str> {
    let lowered = name.to_lowercase();
    let by_tool = WRITTEN.iter().any(|end| lowered.ends_with(end));
    let told = lowered.contains(".generated.") || lowered.contains("_generated.");
    let of_qt =
        lowered.starts_with("moc_") || lowered.starts_with("ui_") || lowered.starts_with("qrc_");
    (by_tool || told || of_qt).then_some(WRITTEN_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_nobody_wrote() {
        for name in [
            "a.pb.go",
            "Form.Designer.cs",
            "x.min.js",
            "schema.generated.ts",
            "moc_a.cpp",
            "a.d.ts",
        ] {
            assert!(file(name).is_some(), "{name}");
        }
        for name in ["generator.py", "minjs.js", "builder.rs", "a.ts"] {
            assert!(file(name).is_none(), "{name}");
        }
        assert!(folder("node_modules").is_some() && folder(".venv").is_some());
        assert!(folder("src").is_none() && folder("builder").is_none());
    }
}
