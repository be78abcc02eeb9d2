//! A tiny study: three tasks of a few rows on a base of a few thousand weights. It runs the program,
//! and knows nothing of what is tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use skillbelt_train::study::results::Results;

pub const PLAN: &str = "bases: {tiny: BASE}
belts:
  lora: {lora_r: 4}
  full: {learning_rate: 1.0e-3, arms: [full]}
arms: [single, multi, pairs, leave_one_out, untrained]
seeds: [0, 1]
tasks:
  mark: {type: classify, train: mark-train.jsonl, valid: mark-valid.jsonl, test: mark-test.jsonl, max_length: 32, metric: auc}
  tone: {type: classify, train: tone-train.jsonl, valid: tone-valid.jsonl, test: tone-test.jsonl, max_length: 32, metric: auc}
  find: {type: retrieve, fields: {query: a, candidate: b}, max_query_length: 16, train: find-train.jsonl, valid: find-valid.jsonl, test: find-test.jsonl, max_length: 32}
training: {max_steps: 8, batch_size: 6, learning_rate: 5.0e-3, save_steps: 3, logging_steps: 2}
evaluation: {eval_steps: 4}
draws: 200
";

/// Two tasks alone and together, and nothing else.
pub const SMALL: &str = "bases: {tiny: BASE}
belts: [lora]
arms: [single, multi]
seeds: [0]
tasks:
  mark: {type: classify, train: mark-train.jsonl, test: mark-test.jsonl, max_length: 32, metric: auc}
  tone: {type: classify, train: tone-train.jsonl, test: tone-test.jsonl, max_length: 32, metric: auc}
training: {max_steps: 6, batch_size: 6, learning_rate: 5.0e-3, save_steps: 2, logging_steps: 2}
evaluation: {policy: last}
draws: 100
";

/// A folder with data and a plan.
pub struct Tiny {
    folder: tempfile::TempDir,
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Tiny {
    pub fn new(plan: &str) -> Tiny {
        // Runs flush hundreds of times; in memory where the system has such a place.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let tiny = Tiny {
            folder: folder.unwrap(),
        };
        for (split, rows, from) in [("train", 36, 0), ("valid", 12, 100), ("test", 24, 200)] {
            for (task, words) in [("mark", ["alpha", "omega"]), ("tone", ["low", "high"])] {
                let text: String = (0..rows).map(|row| classed(row, from, words)).collect();
                tiny.write(&format!("{task}-{split}.jsonl"), &text);
            }
            let text: String = (0..rows).map(|row| found(row, from)).collect();
            tiny.write(&format!("find-{split}.jsonl"), &text);
        }
        tiny.plan(plan);
        tiny
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    /// Another plan in the same place.
    pub fn plan(&self, text: &str) {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/bert");
        let base = golden.canonicalize().unwrap();
        self.write("plan.yaml", &text.replace("BASE", base.to_str().unwrap()));
    }

    pub fn command(&self, out: &str, flags: &[&str]) -> Command {
        let program = std::env::var_os("SKILLBELT_PROGRAM");
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_skillbelt").into());
        let mut command = Command::new(program);
        command
            .args(["--offline", "--threads", "1", "study", "plan.yaml", "--out"])
            .arg(out)
            .args(flags)
            .current_dir(self.folder.path())
            .env_remove("SKILLBELT_KERNEL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs without an estimate, to the end.
    pub fn run(&self, out: &str, flags: &[&str]) -> Ended {
        let all = [&["--no-estimate"], flags].concat();
        Ended::from(self.command(out, &all).output().unwrap())
    }

    /// Runs to a good end; what was found.
    pub fn finds(&self, out: &str, flags: &[&str]) -> Results {
        let ended = self.run(out, flags);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.results(out)
    }

    pub fn results(&self, out: &str) -> Results {
        let text = fs_err::read(self.path(out).join("results.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// By cell and number: how each claim of a study ended.
    pub fn claims(&self, out: &str) -> BTreeMap<String, Vec<Option<Value>>> {
        let mut claims: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
        for entry in fs_err::read_dir(self.path(out).join("claims")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with('.') {
                continue;
            }
            let key = name.split('.').next().unwrap().to_owned();
            let ended = fs_err::read(path.join("ended.json")).ok();
            let ended = ended.map(|text| serde_json::from_slice(&text).unwrap());
            claims.entry(key).or_default().push(ended);
        }
        claims
    }

    /// Every cell was brought to its end exactly once, and nothing is left lying about.
    pub fn assert_each_once(&self, out: &str, cells: usize) {
        let claims = self.claims(out);
        assert_eq!(claims.len(), cells);
        for (key, ends) in claims {
            let published = ends.iter().flatten().filter(|end| **end == json!("done"));
            // Killed between publishing a cell and saying so, a claim has no end.
            assert!(published.count() <= 1, "{key}: {ends:?}");
            let done = self.path(out).join("cells").join(&key).join("done.json");
            assert!(done.is_file(), "{key}");
        }
        let left = fs_err::read_dir(self.path(out).join("work")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
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

/// What two studies must agree on: everything but times and machines.
pub fn comparable(results: &Results) -> Value {
    let mut value = serde_json::to_value(results).unwrap();
    for cell in value["cells"].as_array_mut().unwrap() {
        if let Some(outcome) = cell["outcome"].as_object_mut() {
            outcome.remove("machine");
            without_times(&mut outcome["cost"]);
        }
    }
    for row in value["tables"]["groupings"].as_array_mut().unwrap() {
        without_times(&mut row["cost"]);
    }
    value
}

fn without_times(cost: &mut Value) {
    for key in ["seconds", "peak_memory_kib", "joules"] {
        cost.as_object_mut().unwrap().remove(key);
    }
}

/// Two classes that a word decides.
fn classed(row: usize, from: usize, words: [&str; 2]) -> String {
    let class = row * 5 / 3 % 2;
    let (word, label) = (words[class], ["no", "yes"][class]);
    let number = row + from;
    format!("{{\"text\": \"{word} number {number} of all\", \"label\": \"{label}\"}}\n")
}

/// A text and what belongs to it.
fn found(row: usize, from: usize) -> String {
    let letter = char::from(b'a' + (row % 26) as u8);
    let number = row + from;
    format!("{{\"a\": \"add {letter}{number}\", \"b\": \"{letter} + {number}\"}}\n")
}
