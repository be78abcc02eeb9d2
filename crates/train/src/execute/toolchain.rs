//! The toolchains of this machine: what compiles, what runs, and which files that takes.
//!
//! Compilers read text that nobody trusts, so they run in the sandbox too. What is not installed is
//! named; nothing is installed or looked for elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use skillbelt_sandbox::{Error, Limits, Program, Python, Result, Sockets, View};

use super::Settings;
use super::language::Language;

/// Where the text of a program, or what was compiled from it, lies in the program's tree.
const GIVEN: &str = "/given";
const MIB: u64 = 1 << 20;
/// Of a compiled program.
const MOST_COMPILED: usize = 64 << 20;

/// The toolchains that some problems need.
#[derive(Debug)]
pub(super) struct Toolchains {
    python: Option<Python>,
    others: BTreeMap<Language, Toolchain>,
}

#[derive(Debug)]
struct Toolchain {
    /// Makes `/tmp/out` of the text.
    compile: Option<Program>,
    /// Without a compiler: runs the text.
    run: Program,
    /// What the file with the text is called.
    text: &'static str,
}

impl Toolchains {
    pub(super) fn find(
        languages: impl Iterator<Item = Language>,
        settings: &Settings,
    ) -> Result<Toolchains> {
        let mut toolchains = Toolchains {
            python: None,
            others: BTreeMap::new(),
        };
        for language in languages.collect::<BTreeSet<_>>() {
            let toolchain = match language {
                Language::Python => {
                    toolchains.python = Some(Python::find(settings.python.as_deref())?);
                    continue;
                }
                Language::JavaScript => javascript(&settings.limits)?,
                Language::Java => java(&settings.limits)?,
                Language::Cpp => cpp(&settings.limits)?,
                Language::Rust => rust(&settings.limits)?,
            };
            toolchains.others.insert(language, toolchain);
        }
        Ok(toolchains)
    }

    pub(super) fn python(&self) -> Result<&Python> {
        self.python.as_ref().ok_or_else(|| missing("python3"))
    }

    /// The languages but Python, which is asked where it lies and so is known to run.
    pub(super) fn others(&self) -> impl Iterator<Item = Language> {
        self.others.keys().copied()
    }

    /// The program that compiles a text, where the language has one.
    pub(super) fn compiler(&self, language: Language, source: &str) -> Result<Option<Program>> {
        let Some(toolchain) = self.others.get(&language) else {
            return Ok(None);
        };
        Ok(toolchain.compile.clone().map(|mut program| {
            program
                .files
                .push((given(toolchain.text), source.as_bytes().to_vec()));
            program
        }))
    }

    /// The program that runs a text, or what was compiled from it.
    pub(super) fn runner(
        &self,
        language: Language,
        source: &str,
        compiled: Option<Vec<u8>>,
        limits: &Limits,
    ) -> Result<Program> {
        if language == Language::Python {
            return Ok(self.python()?.program(source, limits.clone()));
        }
        let toolchain = self
            .others
            .get(&language)
            .ok_or_else(|| missing(&language.to_string()))?;
        let mut program = toolchain.run.clone();
        program.files.push(match compiled {
            Some(bytes) => (given("program"), bytes),
            None => (given(toolchain.text), source.as_bytes().to_vec()),
        });
        Ok(program)
    }
}

fn given(name: &str) -> PathBuf {
    Path::new(GIVEN).join(name)
}

fn missing(name: &str) -> Error {
    Error::toolchain(Path::new(name), "it is not on the search path")
}

/// Runtimes that reserve far more addresses than they use, start threads of their own, and try at
/// their start whether there is a network.
fn roomy(limits: &Limits) -> Limits {
    Limits {
        address_space: None,
        data: limits.data.max(2048 * MIB),
        processes: limits.processes.max(128),
        open_files: limits.open_files.max(256),
        sockets: Sockets::Refuse,
        ..limits.clone()
    }
}

/// Compilers start other programs and write larger files.
fn of_compilers(limits: &Limits) -> Limits {
    Limits {
        forks: true,
        sockets: Sockets::Pairs,
        file_bytes: MOST_COMPILED as u64,
        scratch_bytes: 512 * MIB,
        scratch_files: 4096,
        cpu_seconds: limits.cpu_seconds.max(60),
        wall: limits.wall.max(std::time::Duration::from_secs(300)),
        ..roomy(limits)
    }
}

fn javascript(limits: &Limits) -> Result<Toolchain> {
    let node = on_path("node")?;
    let mut view = View::new();
    show_with_libraries(&mut view, &node)?;
    let mut run = Program::new(node, view);
    run.arguments = vec![
        "--max-old-space-size=512".to_owned(),
        format!("{GIVEN}/main.js"),
    ];
    run.limits = roomy(limits);
    Ok(Toolchain {
        compile: None,
        run,
        text: "main.js",
    })
}

fn java(limits: &Limits) -> Result<Toolchain> {
    let java = on_path("java")?;
    let home = java
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| missing("java"))?;
    let mut view = View::new();
    view.show(home)?;
    show_linked(&mut view, home, 4)?;
    show_with_libraries(&mut view, &java)?;
    let machine = home.join("lib/server/libjvm.so");
    if machine.exists() {
        show_with_libraries(&mut view, &machine)?;
    }
    let libraries = beside(&home.join("lib"));
    let mut run = Program::new(java, view);
    let flags = [
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-XX:TieredStopAtLevel=1",
        "-Xmx512m",
        "-Xss8m",
    ];
    run.arguments = flags.map(str::to_owned).to_vec();
    run.arguments.push(format!("{GIVEN}/Main.java"));
    run.environment = vec![libraries];
    run.limits = Limits {
        // Most of these are for the compiler in front of the program.
        cpu_seconds: limits.cpu_seconds + 10,
        sockets: Sockets::Pairs,
        ..roomy(limits)
    };
    Ok(Toolchain {
        compile: None,
        run,
        text: "Main.java",
    })
}

fn cpp(limits: &Limits) -> Result<Toolchain> {
    let compiler = on_path("g++")?;
    let flags = ["-std=c++17", "-O1", "-static", "-o", "/tmp/out"];
    compiled(compiler, system_view()?, &flags, "main.cpp", limits)
}

fn rust(limits: &Limits) -> Result<Toolchain> {
    let said = ask(Command::new("rustc").args(["--print", "sysroot"]), "rustc")?;
    let root = PathBuf::from(said.trim());
    let compiler = root.join("bin/rustc");
    let mut view = system_view()?;
    view.show(&root.join("bin"))?;
    view.show(&root.join("lib"))?;
    let sysroot = format!("--sysroot={}", root.display());
    // Under its own name: the usual one is often a link through `/etc`, which is not shown.
    let linker = on_path("cc")?;
    view.show(&linker)?;
    let linker = format!("-Clinker={}", linker.display());
    let flags = [
        sysroot.as_str(),
        linker.as_str(),
        "--edition=2021",
        "-Copt-level=1",
        "-Ctarget-feature=+crt-static",
        "-o",
        "/tmp/out",
    ];
    let mut toolchain = compiled(compiler, view, &flags, "main.rs", limits)?;
    if let Some(compile) = &mut toolchain.compile {
        compile.environment.push(beside(&root.join("lib")));
    }
    Ok(toolchain)
}

/// Where the loader finds libraries that a program names by its own place: without `/proc` it cannot
/// know that place.
fn beside(folder: &Path) -> (String, String) {
    let name = "LD_LIBRARY_PATH".to_owned();
    (name, folder.display().to_string())
}

fn compiled(
    compiler: PathBuf,
    view: View,
    flags: &[&str],
    text: &'static str,
    limits: &Limits,
) -> Result<Toolchain> {
    let mut compile = Program::new(compiler, view);
    compile.arguments = flags.iter().map(|flag| (*flag).to_owned()).collect();
    compile.arguments.push(format!("{GIVEN}/{text}"));
    compile.environment = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    compile.limits = of_compilers(limits);
    compile.collect = Some((PathBuf::from("/tmp/out"), MOST_COMPILED));
    // What is compiled stands alone, so it sees no file at all.
    let mut run = Program::new(given("program"), View::new());
    run.limits = limits.clone();
    Ok(Toolchain {
        compile: Some(compile),
        run,
        text,
    })
}

/// Compilers, linkers and headers as distributions install them.
fn system_view() -> Result<View> {
    let mut view = View::new();
    for path in [
        "/usr/bin",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/include",
        "/bin",
        "/lib",
        "/lib64",
    ] {
        let path = Path::new(path);
        if path.exists() {
            view.show(path)?;
        }
    }
    Ok(view)
}

fn on_path(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    let file = found.ok_or_else(|| missing(name))?;
    file.canonicalize()
        .map_err(|error| Error::toolchain(&file, error.to_string()))
}

/// What a program of the toolchain says of itself.
fn ask(command: &mut Command, name: &str) -> Result<String> {
    let wrong = |reason: String| Error::toolchain(Path::new(name), reason);
    let output = command.output().map_err(|error| wrong(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(wrong(said.lines().next().unwrap_or("it failed").to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|_| wrong("its answer is not UTF-8".to_owned()))
}

/// A program or library of this machine and the shared libraries that the loader finds for it.
fn show_with_libraries(view: &mut View, file: &Path) -> Result<()> {
    view.show(file)?;
    let loader = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].map(Path::new);
    let Some(loader) = loader.into_iter().find(|loader| loader.exists()) else {
        return Ok(());
    };
    view.show(loader)?;
    let said = ask(Command::new(loader).arg("--list").arg(file), "ld.so")?;
    for word in said.split_whitespace().filter(|word| word.starts_with('/')) {
        view.show(Path::new(word))?;
    }
    Ok(())
}

/// What links inside of a folder lead to, such as settings under `/etc`.
fn show_linked(view: &mut View, folder: &Path, depth: usize) -> Result<()> {
    let system = |error| Error::system("the files of a runtime", error);
    for entry in fs_err::read_dir(folder).map_err(system)? {
        let path = entry.map_err(system)?.path();
        match fs_err::symlink_metadata(&path).map_err(system)? {
            about if about.is_symlink() && path.exists() => view.show(&path)?,
            about if about.is_dir() && depth > 0 => show_linked(view, &path, depth - 1)?,
            _ => {}
        }
    }
    Ok(())
}
