//! What a person sees who made a mistake in a recipe; and that no text at all can do harm.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use proptest::prelude::*;
use skillbelt_train::Result;
use skillbelt_train::recipe::check::check;
use skillbelt_train::recipe::resolve::resolve;
use skillbelt_train::recipe::{Override, Resolved};

fn read(text: &str) -> Result<Resolved> {
    resolve(Path::new("r.yaml"), text, &[])
}

/// A recipe with one line more at its end, in the section `training`.
fn with(line: &str) -> String {
    let start = "base: b\noutput: o\ntasks:\n  t: {type: classify, train: t.jsonl}\ntraining:\n";
    format!("{start}  {line}\n")
}

/// Message and hint, as the program shows them.
fn refusal(text: &str) -> String {
    let error = read(text).unwrap_err();
    match error.hint() {
        Some(hint) => format!("{error} | {hint}"),
        None => error.to_string(),
    }
}

#[test]
fn typical_mistakes_are_told_with_place_and_way_out() {
    let top = |line: &str| format!("base: b\noutput: o\n{line}\n");
    for (text, told) in [
        (
            with("learnig_rate: 1"),
            "r.yaml:6: `training.learnig_rate`: `training` has no such key | did you mean `learning_rate`?",
        ),
        (
            with("lora_r: 8"),
            "r.yaml:6: `training.lora_r`: `training` has no such key | `lora_r` belongs in `belt`",
        ),
        (
            with("lr: 1e-3"),
            "r.yaml:6: `training.lr`: `training` has no such key | it is called `learning_rate` here",
        ),
        (
            with("rank: 4"),
            "r.yaml:6: `training.rank`: `training` has no such key | it is called `lora_r` here, and belongs in `belt`",
        ),
        (
            with("max_lenght: 4"),
            "r.yaml:6: `training.max_lenght`: `training` has no such key | did you mean `max_length`? It belongs in a task, as `tasks.NAME.max_length`",
        ),
        (
            with("output: x"),
            "r.yaml:6: `training.output`: `training` has no such key | `output` belongs in the recipe itself, at its left edge",
        ),
        (
            with("learning_rate: fast"),
            "r.yaml:6: `training.learning_rate`: expected a number, found `fast`",
        ),
        (
            with("learning_rate: .nan"),
            "r.yaml:6: `training.learning_rate`: expected a number, found `.nan`",
        ),
        (
            with("learning_rate:"),
            "r.yaml:6: `training.learning_rate`: expected a number, found nothing",
        ),
        (
            with("seed: -1"),
            "r.yaml:6: `training.seed`: expected a whole number, found `-1`",
        ),
        (
            with("seed: 1.5"),
            "r.yaml:6: `training.seed`: expected a whole number, found `1.5`",
        ),
        (
            with("seed: [1, 2]"),
            "r.yaml:6: `training.seed`: expected a whole number, found a list",
        ),
        (
            with("gradient_checkpointing: yes"),
            "r.yaml:6: `training.gradient_checkpointing`: expected `true` or `false`, found `yes`",
        ),
        (
            with("lr_scheduler_type: cosin"),
            "r.yaml:6: `training.lr_scheduler_type`: expected one of `constant`, `linear`, `cosine`, `warmup_stable_decay`, found `cosin` | did you mean `cosine`?",
        ),
        (
            with("seed: 1\n  seed: 2"),
            "r.yaml:7: `seed` is given twice, first in line 6",
        ),
        (
            with("<<: 1"),
            "r.yaml:6: merge keys (`<<`) are not read; write the keys out",
        ),
        (
            with("seed: !!int 3"),
            "r.yaml:6: a recipe has no tags (`!...`)",
        ),
        (
            top("tasks: {t: {preset: defekt, train: x}}"),
            "r.yaml:3: `tasks.t.preset`: no preset `defekt` | did you mean `defect`?",
        ),
        (
            top("tasks: {t: {preset: clone, type: retrieve}}"),
            "r.yaml:3: `tasks.t.preset`: preset `clone` is of type `pair`, not `retrieve` | leave out the preset, or the type",
        ),
        (
            top("tasks: {t: {train: x}}"),
            "r.yaml:3: `tasks.t.type`: is missing | say `type: classify`, `pair`, `retrieve` or `generate`, or name a `preset`",
        ),
        (
            top("belt: lora"),
            "r.yaml:1: `tasks`: is missing | name at least one, with `preset` or `type`, and `train`",
        ),
        (
            top("tasks: {t: {type: classify, train: {file: x}}}"),
            "r.yaml:3: `tasks.t.train.file`: `tasks.t.train` has no such key | did you mean `files`?",
        ),
        (String::new(), "r.yaml:1: the recipe is empty"),
        (
            "just words".into(),
            "r.yaml:1: `recipe`: expected the keys of a recipe, found `just words` | docs/recipes.md shows the keys",
        ),
        (
            top("--- \nbase: c"),
            "r.yaml:3: a second document; a recipe is one",
        ),
    ] {
        assert_eq!(refusal(&text), told, "in\n{text}");
    }
}

#[test]
fn all_mistakes_of_a_recipe_are_told_at_once() {
    let told = refusal(&with("sede: 1\n  learning_rate: x\n  optim: adam"));
    for line in [
        "3 defects",
        "r.yaml:6: `training.sede`",
        "r.yaml:7: `training.learning_rate`",
        "r.yaml:8: `training.optim`",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
}

#[test]
fn a_mistake_in_a_flag_names_the_flag() {
    let set = |key: &str, value: &str| {
        let flag = Override {
            key: key.into(),
            value: value.into(),
            flag: format!("--set {key}"),
        };
        resolve(Path::new("r.yaml"), &with("seed: 1"), &[flag])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        set("training.seed", "x"),
        "flag --set training.seed: `training.seed`: expected a whole number, found `x`"
    );
    assert_eq!(
        set("tasks.t.wieght", "1"),
        "flag --set tasks.t.wieght: `tasks.t.wieght`: `tasks.t` has no such key"
    );
    assert!(set("training..seed", "1").contains("not a path of keys"));
    assert!(set("output.x", "1").contains("`output` holds `o`, no keys"));
    assert!(set("belt.rank_pattern", "{a").contains("not YAML"));
}

#[test]
fn what_does_not_fit_together_is_told_all_at_once() {
    let text = "\
base: {name: no-such/base, precision: int4}
belt: {kind: prefix, lora_r: 0, num_virtual_tokens: 0}
output: o
tasks:
  t: {type: classify, train: none.jsonl, labels: [a, a], metric: acuracy, pooling: max, temperature: 1}
training: {learning_rate: 0, adam_beta1: 1, warmup_ratio: 2, batch_size: 0, balancing: study_softmax}
";
    let problems = check(&read(text).unwrap());
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for (place, part) in [
        ("r.yaml:1: `base.precision`", "`int4` is not one of"),
        (
            "r.yaml:2: `belt.lora_r`",
            "means nothing for `kind: prefix`",
        ),
        ("r.yaml:2: `belt.num_virtual_tokens`", "must be at least 1"),
        ("r.yaml:5: `tasks.t.train`", "there is no file none.jsonl"),
        ("r.yaml:5: `tasks.t.labels`", "`a` is given twice"),
        ("r.yaml:5: `tasks.t.metric`", "`acuracy` is not one of"),
        ("r.yaml:5: `tasks.t.pooling`", "`max` is not one of"),
        (
            "r.yaml:5: `tasks.t.temperature`",
            "means nothing for `type: classify`",
        ),
        ("r.yaml:6: `training.learning_rate`", "must be above 0"),
        ("r.yaml:6: `training.adam_beta1`", "below 1"),
        ("r.yaml:6: `training.warmup_ratio`", "from 0 to 1"),
        ("r.yaml:6: `training.batch_size`", "at least 1"),
        ("r.yaml:6: `training.balancing`", "collapses"),
    ] {
        let found = told
            .iter()
            .any(|line| line.starts_with(place) && line.contains(part));
        assert!(found, "{place} {part} in {told:#?}");
    }
    let study = problems
        .iter()
        .find(|p| p.key == "training.balancing")
        .unwrap();
    assert!(study.warning, "the study may be reproduced");
}

#[test]
fn small_texts_cannot_become_large_trees() {
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let below = level - 1;
        text + &format!("a{level}: &a{level} [*a{below}, *a{below}, *a{below}]\n")
    });
    let told = refusal(&bomb);
    assert!(
        told.contains("more than 20000 values") || told.contains("deeper"),
        "{told}"
    );
    for deep in ["[", "{a: ", "- ", "? ", "a:\n "] {
        let told = refusal(&deep.repeat(20_000));
        assert!(told.starts_with("r.yaml:"), "{told}");
    }
    assert!(refusal("a: &a [*a]").contains("r.yaml:1:"));
    assert!(refusal(&format!("x: {}", "[1],".repeat(30_000))).starts_with("r.yaml:"));
}

/// Every way of refusing begins with the file and a line.
fn has_a_place(text: &str) -> std::result::Result<(), TestCaseError> {
    let read = read(text);
    if let Ok(resolved) = &read {
        // Whatever was read can be checked.
        let _problems = check(resolved);
    }
    if let Err(error) = read {
        let told = error.to_string();
        let place = told
            .lines()
            .filter_map(|line| line.trim().strip_prefix("r.yaml:"));
        let numbered = |rest: &str| {
            rest.split(':')
                .next()
                .is_some_and(|n| n.parse::<u64>().is_ok())
        };
        prop_assert!(place.into_iter().any(numbered), "{}", told);
    }
    Ok(())
}

const WHOLE: &str = include_str!("../../../recipes/four-analysis-tasks.yaml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_damaged_recipe_is_read_or_refused_with_its_place(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "[ -~\n\t]{0,4}|[&*!<>{}\\[\\]:,#|?'\"-]"), 1..5)
    ) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        for (place, length, insert) in cuts {
            let start = place.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, insert.chars());
        }
        has_a_place(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_text_is_read_or_refused_with_its_place(text in any::<String>()) {
        has_a_place(&text)?;
    }

    #[test]
    fn any_word_is_written_so_that_it_reads_back(word in any::<String>()) {
        let flag = Override { key: "tasks.t.prompt_prefix".into(), value: format!("x{word}"), flag: "--set".into() };
        let resolved = resolve(Path::new("/r.yaml"), &with("seed: 1"), &[flag]).unwrap();
        let written = resolved.to_yaml_with_origins().unwrap();
        let again = resolve(Path::new("/r.yaml"), &written, &[]).unwrap();
        prop_assert_eq!(&again.recipe.tasks["t"].prompt_prefix, &Some(format!("x{word}")));
    }
}
