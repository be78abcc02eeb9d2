//! Reading recipes: what is taken from where, and that a written recipe is the same recipe.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use skillbelt_train::recipe::resolve::resolve;
use skillbelt_train::recipe::{Override, Resolved, TaskType};

const SMALL: &str = "\
base: owner/name
tasks:
  first:
    preset: flaky
    train: data/train.jsonl
    fields: {text: body}
    max_length: 100
training:
  learning_rate: 1e-3
output: runs/first
";

fn flags(pairs: &[(&str, &str)]) -> Vec<Override> {
    let flag = |(key, value): &(&str, &str)| Override {
        key: (*key).into(),
        value: (*value).into(),
        flag: format!("--{key}"),
    };
    pairs.iter().map(flag).collect()
}

fn read(text: &str, pairs: &[(&str, &str)]) -> Resolved {
    resolve(Path::new("/work/some/recipe.yaml"), text, &flags(pairs)).unwrap()
}

#[test]
fn each_layer_lies_over_the_one_below_and_is_named() {
    let resolved = read(SMALL, &[("training.seed", "7"), ("belt", "dora")]);
    let recipe = &resolved.recipe;
    let task = &recipe.tasks["first"];
    assert_eq!(task.kind, Some(TaskType::Classify));
    assert_eq!(task.max_length, Some(100));
    assert_eq!(task.fields["text"], "body");
    assert_eq!(task.metric.as_deref(), Some("auc"));
    assert_eq!(task.weight, Some(1.0));
    assert_eq!(
        (recipe.training.seed, recipe.training.learning_rate),
        (7, 1e-3)
    );
    assert_eq!(
        (recipe.belt.lora_r, recipe.belt.lora_alpha),
        (Some(8), Some(16.0))
    );
    let origin = |path: &[&str]| resolved.origin(path).to_string();
    assert_eq!(
        origin(&["tasks", "first", "max_length"]),
        "/work/some/recipe.yaml:7"
    );
    assert_eq!(origin(&["tasks", "first", "metric"]), "preset flaky");
    assert_eq!(origin(&["training", "seed"]), "flag --training.seed");
    assert_eq!(origin(&["training", "batch_size"]), "default");
    assert_eq!(origin(&["belt", "kind"]), "flag --belt");
}

#[test]
fn paths_of_the_file_stand_in_its_folder_and_paths_of_flags_do_not() {
    let resolved = read(
        SMALL,
        &[
            ("tasks.first.valid", "here.jsonl"),
            ("tasks.first.test", "a,b"),
        ],
    );
    let task = &resolved.recipe.tasks["first"];
    let files = |split: &Option<_>| {
        let split: &skillbelt_train::recipe::SplitFiles = split.as_ref().unwrap();
        split.laid_out().files
    };
    assert_eq!(
        files(&task.train),
        [PathBuf::from("/work/some/data/train.jsonl")]
    );
    assert_eq!(files(&task.valid), [PathBuf::from("here.jsonl")]);
    assert_eq!(files(&task.test), [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(
        resolved.recipe.output,
        PathBuf::from("/work/some/runs/first")
    );
    assert_eq!(resolved.recipe.base.name, "owner/name");
}

#[test]
fn a_written_recipe_is_read_back_equal_and_says_every_origin() {
    let odd = "tasks.first.prompt_suffix";
    let resolved = read(
        SMALL,
        &[
            (odd, " : \"#\"\n\u{1F980}\u{7f}{[null\\"),
            ("belt.rank_pattern", "{a.b: 3, 'x: y': 4}"),
        ],
    );
    let written = resolved.to_yaml_with_origins().unwrap();
    for line in [
        "  learning_rate: 0.001  # recipe.yaml:9",
        "  weight_decay: 0.01  # default",
        "    metric: auc  # preset flaky",
        "  # target_modules: [what `peft` chooses for the family: query and value]",
    ] {
        assert!(
            written.lines().any(|found| found == line),
            "{line}\n{written}"
        );
    }
    let again = resolve(Path::new("/elsewhere/resolved.yaml"), &written, &[]).unwrap();
    assert_eq!(again.recipe, resolved.recipe);
    assert_eq!(again.hash().unwrap(), resolved.hash().unwrap());
}

#[test]
fn the_hash_is_of_what_determines_the_run_and_not_of_where_it_lies() {
    let hash = |pairs: &[(&str, &str)]| read(SMALL, pairs).hash().unwrap();
    let plain = hash(&[]);
    for same in [
        ("output", "there"),
        ("training.save_steps", "5"),
        ("tasks.first.train", "x/train.jsonl"),
    ] {
        assert_eq!(hash(&[same]), plain, "{same:?}");
    }
    for other in [
        ("training.seed", "1"),
        ("tasks.first.train", "other.jsonl"),
        ("base", "owner/else"),
    ] {
        assert_ne!(hash(&[other]), plain, "{other:?}");
    }
}

#[test]
fn files_of_any_kind_are_read_or_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.yaml");
    let read_bytes = |bytes: &[u8]| {
        fs_err::write(&path, bytes).unwrap();
        skillbelt_train::recipe::read(&path, &[])
    };
    let windows = format!("\u{feff}{}", SMALL.replace('\n', "\r\n"));
    let recipe = read_bytes(windows.as_bytes()).unwrap().recipe;
    assert_eq!(recipe.training.learning_rate, 1e-3);
    for (bytes, told) in [
        (b"base: b\noutput: \xff\n".as_slice(), "r.yaml:2: not UTF-8"),
        (b"", "r.yaml:1: the recipe is empty"),
        (
            &[b'#'; (1 << 20) + 1],
            "r.yaml:1: longer than 1048576 bytes",
        ),
    ] {
        let error = read_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let error = skillbelt_train::recipe::read(folder.path(), &[]).unwrap_err();
    assert!(error.to_string().contains("a folder"), "{error}");
    let missing = folder.path().join("none.yaml");
    let error = skillbelt_train::recipe::read(&missing, &[]).unwrap_err();
    assert!(error.to_string().contains("none.yaml"), "{error}");
}
