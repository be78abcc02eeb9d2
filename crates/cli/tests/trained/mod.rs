//! Tiny runs of `skillbelt train` with the real program: a folder with data, a recipe for each run,
//! and all that a run leaves, for comparison. It trains nothing itself.

// What the tests of one file do not ask, those of another do.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What is trained: a base, a belt, and what else must be remembered over a kill.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// A family of the references.
    pub base: &'static str,
    pub precision: &'static str,
    /// The section `belt`, in one line.
    pub belt: &'static str,
    /// More of the section `training`, in one line.
    pub training: &'static str,
}

/// Every kind of belt, and over them every balancing, both optimisers and every way to hold a base.
pub const KINDS: [Kind; 10] = [
    kind("lora", "bert", "f32", "kind: lora", "balancing: fixed"),
    kind(
        "dora",
        "bert",
        "f32",
        "kind: dora, lora_dropout: 0.1",
        "balancing: uncertainty, optim: adamw_8bit",
    ),
    kind(
        "task_lora",
        "bert",
        "f32",
        "kind: task_lora, lora_r: 4",
        "balancing: coba, balancing_options: {every: 2, warmup: 3}",
    ),
    kind(
        "seq_bn",
        "bert",
        "f32",
        "kind: seq_bn",
        "balancing: pcgrad, tasks_per_step: 0",
    ),
    kind(
        "double_seq_bn",
        "t5",
        "f32",
        "kind: double_seq_bn",
        "freeze_after: 2",
    ),
    kind(
        "par_bn",
        "bert",
        "f32",
        "kind: par_bn",
        "balancing: study_softmax",
    ),
    kind(
        "prefix",
        "qwen2",
        "f32",
        "kind: prefix, num_virtual_tokens: 64",
        "gradient_accumulation_steps: 2",
    ),
    kind(
        "full",
        "bert",
        "f32",
        "kind: full",
        "optim: adamw_8bit, gradient_checkpointing: true",
    ),
    kind(
        "qlora",
        "qwen2",
        "nf4",
        "kind: lora, target_modules: all-linear",
        "optim: adamw_8bit",
    ),
    kind(
        "int8_lora",
        "bert",
        "int8",
        "kind: lora, use_rslora: true",
        "mixing: turns, half_activations: true",
    ),
];

const fn kind(
    name: &'static str,
    base: &'static str,
    precision: &'static str,
    belt: &'static str,
    training: &'static str,
) -> Kind {
    Kind {
        name,
        base,
        precision,
        belt,
        training,
    }
}

/// The kinds, or those that a variable of the environment names.
pub fn kinds(variable: &str) -> Vec<Kind> {
    let chosen = std::env::var(variable).ok();
    let wanted = |kind: &Kind| match &chosen {
        Some(names) => names.split(',').any(|name| name == kind.name),
        None => true,
    };
    let kinds: Vec<Kind> = KINDS.into_iter().filter(wanted).collect();
    assert!(!kinds.is_empty(), "{variable} names no kind");
    kinds
}

pub fn is_encoder(base: &str) -> bool {
    ["bert", "roberta", "modernbert"].contains(&base)
}

/// A folder with data, and with runs of one kind.
pub struct Bench {
    folder: tempfile::TempDir,
    kind: Kind,
    epochs: &'static str,
}

impl Bench {
    /// In memory where the system has such a place: runs flush hundreds of times.
    pub fn new(kind: Kind) -> Bench {
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.unwrap();
        for (split, rows) in [("train", 24), ("valid", 8), ("test", 6)] {
            for (task, row) in [("mark", mark as fn(usize) -> String), ("pair", pair)] {
                let text: String = (0..rows).map(row).collect();
                let path = folder.path().join(format!("{task}-{split}.jsonl"));
                fs_err::write(path, text).unwrap();
            }
        }
        Bench {
            folder,
            kind,
            epochs: "2",
        }
    }

    /// With other lengths than the usual two epochs.
    pub fn epochs(mut self, epochs: &'static str) -> Bench {
        self.epochs = epochs;
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn output(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn base(&self) -> PathBuf {
        golden(self.kind.base)
    }

    /// The recipe of a run.
    pub fn recipe(&self, name: &str) -> PathBuf {
        let Kind {
            base,
            precision,
            belt,
            training,
            ..
        } = self.kind;
        let mut text = format!(
            "base: {{name: {}, precision: {precision}}}\nbelt: {{{belt}}}\ntasks:\n",
            golden(base).display()
        );
        let mut task = |name: &str, files: &str, rest: &str| {
            let _infallible = writeln!(
                text,
                "  {name}: {{{rest}, train: {files}-train.jsonl, valid: {files}-valid.jsonl, \
                 test: {files}-test.jsonl, max_length: 32}}"
            );
        };
        if base.starts_with("t5") {
            task("rise", "mark", WRITE_WORD);
        } else {
            task("mark", "mark", "type: classify");
        }
        match is_encoder(base) {
            true => task("find", "pair", FIND),
            false => task("write", "pair", WRITE),
        }
        let epochs = self.epochs;
        let _infallible = write!(
            text,
            "training: {{num_epochs: {epochs}, batch_size: 6, learning_rate: 5e-3, save_steps: 3, \
             logging_steps: 2, {training}}}\n\
             evaluation: {{eval_steps: 7, per_task_snapshots: true}}\noutput: {name}\n"
        );
        let path = self.path().join(format!("{name}.yaml"));
        fs_err::write(&path, text).unwrap();
        path
    }

    /// The program, about to begin the run of this name or to go on with it.
    pub fn command(&self, name: &str) -> Command {
        let program = std::env::var_os("SKILLBELT_PROGRAM");
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_skillbelt").into());
        let mut command = Command::new(program);
        command
            .args(["train", "--resume", "--offline", "--threads", "2"])
            .arg(self.recipe(name))
            .env_remove("SKILLBELT_KERNEL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end, whatever that is.
    pub fn run(&self, name: &str, change: impl FnOnce(&mut Command)) -> Ended {
        let mut command = self.command(name);
        change(&mut command);
        Ended::from(command.output().unwrap())
    }

    /// The same with another line of `training`.
    pub fn run_with(&mut self, name: &str, training: &'static str) -> Ended {
        self.kind.training = training;
        self.run(name, |_| ())
    }

    /// Runs to a good end.
    pub fn ends_well(&self, name: &str, when: &str) {
        let ended = self.run(name, |_| ());
        assert_eq!(
            ended.code,
            Some(0),
            "{} {when}: {}",
            self.kind.name,
            ended.err
        );
    }

    /// All that a run leaves, but for times, costs and where it stands.
    pub fn outcome(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let run = self.output(name);
        let mut files = BTreeMap::new();
        for folder in ["belt", "best"] {
            gather(&run.join(folder), folder, &mut files);
        }
        assert!(files.keys().any(|name| name.starts_with("belt/")));
        let log = fs_err::read_to_string(run.join("metrics.jsonl")).unwrap();
        let lines = log.lines().map(|line| without(line, "seconds") + "\n");
        files.insert(
            "metrics.jsonl".into(),
            lines.collect::<String>().into_bytes(),
        );
        let report = fs_err::read_to_string(run.join("report.json")).unwrap();
        files.insert("report.json".into(), without(&report, "costs").into_bytes());
        let mut leftovers = Vec::new();
        let half = |name: &str| name.ends_with(".writing") || name.ends_with(".old");
        for entry in fs_err::read_dir(&run).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            leftovers.extend(half(&name).then_some(name));
        }
        assert!(leftovers.is_empty(), "{leftovers:?}");
        files
    }

    /// Fails, naming the first file that differs.
    pub fn assert_same(&self, found: &str, expected: &BTreeMap<String, Vec<u8>>, when: &str) {
        let found = self.outcome(found);
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        let kind = self.kind.name;
        assert_eq!(names(&found), names(expected), "{kind} {when}");
        for (name, bytes) in &found {
            let expected = &expected[name];
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let text = name.ends_with("json") || name.ends_with("jsonl");
            assert!(
                bytes == expected,
                "{kind} {when}: {name} differs{}",
                match text {
                    true => format!("\n{}\n{}", shown(bytes), shown(expected)),
                    false => String::new(),
                }
            );
        }
    }

    pub fn remove(&self, name: &str) {
        fs_err::remove_dir_all(self.output(name)).unwrap();
    }
}

/// How the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

const FIND: &str = "type: retrieve, fields: {query: a, candidate: b}, max_query_length: 16";
const WRITE: &str = "type: generate, fields: {source: a, target: b}, max_target_length: 12";
const WRITE_WORD: &str =
    "type: generate, fields: {source: text, target: label}, max_target_length: 6";

pub fn golden(family: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    folder.canonicalize().unwrap().join(family)
}

/// Two classes that a word decides.
fn mark(row: usize) -> String {
    let label = row * 5 / 3 % 2;
    let word = ["alpha", "omega"][label];
    let label = ["no", "yes"][label];
    format!("{{\"text\": \"{word} number {row} of all\", \"label\": \"{label}\"}}\n")
}

/// A text and what belongs to it.
fn pair(row: usize) -> String {
    let letter = char::from(b'a' + (row % 26) as u8);
    format!("{{\"a\": \"add {letter}{row}\", \"b\": \"{letter} + {row}\"}}\n")
}

fn gather(folder: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        match entry.path().is_dir() {
            true => gather(&entry.path(), &name, files),
            false => {
                let bytes = fs_err::read(entry.path()).unwrap();
                files.insert(name, bytes);
            }
        }
    }
}

fn without(text: &str, key: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    value.as_object_mut().unwrap().remove(key).unwrap();
    value.to_string()
}
