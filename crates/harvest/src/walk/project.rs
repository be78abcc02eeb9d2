//! To which project a file belongs: the outermost folder that is a repository or has a manifest, and
//! if there is none, the first folder below the path that was given.

/// Files that tell that a folder is a project.
pub const MANIFESTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "CMakeLists.txt",
    "configure.ac",
    "meson.build",
];

/// Where a folder stands among the given paths.
#[derive(Debug, Clone)]
pub struct Place {
    /// As it is told, beginning with the name of the given path.
    pub shown: String,
    project: String,
    /// The project is certain, and folders further in do not change it.
    settled: bool,
    depth: usize,
}

impl Place {
    pub fn root(name: String) -> Place {
        Place {
            project: name.clone(),
            shown: name,
            settled: false,
            depth: 0,
        }
    }

    /// This folder is a project, unless it lies in one.
    pub fn is_project(&mut self) {
        if !self.settled {
            self.project.clone_from(&self.shown);
            self.settled = true;
        }
    }

    /// The project is one that lies around the given path.
    pub fn belongs_to(&mut self, project: String) {
        self.project = project;
        self.settled = true;
    }

    pub fn project(&self) -> &str {
        &self.project
    }

    pub fn inside(&self, name: &str) -> Place {
        let shown = format!("{}/{name}", self.shown);
        let first = !self.settled && self.depth == 0;
        Place {
            project: if first {
                shown.clone()
            } else {
                self.project.clone()
            },
            shown,
            settled: self.settled,
            depth: self.depth + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_sign_of_a_project_counts() {
        let root = Place::root("src".into());
        let plain = root.inside("a").inside("b");
        assert_eq!(plain.project(), "src/a");
        let mut signed = root.inside("index").inside("crate-1.0");
        signed.is_project();
        let mut inner = signed.inside("fuzz");
        inner.is_project();
        assert_eq!(inner.inside("x").project(), "src/index/crate-1.0");
    }
}
