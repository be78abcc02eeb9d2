//! Plans as people write them, and the mistakes that they make.

use std::path::Path;

use proptest::prelude::*;
use skillbelt_train::Result;
use skillbelt_train::recipe::BeltKind;
use skillbelt_train::study::plan::{Arm, Plan};
use skillbelt_train::study::read::plan;

const GOOD: &str = "arms: [single, multi]
belts: {lora: , wide: {kind: lora, lora_r: 64, learning_rate: 2.0e-4}, full: {learning_rate: 1.0e-4, arms: [full]}}
bases: [./some/minilm, other]
seeds: [0, 1]
tasks:
  a: {type: classify, train: a.jsonl, test: at.jsonl}
  b: {type: classify, train: b.jsonl, test: bt.jsonl}
training: {max_steps: 10}
";

fn read(text: &str) -> Result<Plan> {
    plan(Path::new("p.yaml"), text.to_owned())
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
fn short_forms_are_opened() {
    let plan = read(GOOD).unwrap();
    let belts = &plan.file.belts;
    assert_eq!(belts["lora"].settings.kind, BeltKind::Lora);
    assert_eq!(belts["wide"].settings.lora_r, Some(64));
    assert_eq!(belts["wide"].beside.learning_rate, Some(2e-4));
    assert_eq!(belts["full"].settings.kind, BeltKind::Full);
    assert_eq!(plan.arms_of(&belts["full"]), [Arm::Full]);
    assert_eq!(plan.arms(), [Arm::Single, Arm::Multi, Arm::Full]);
    let names: Vec<&String> = plan.file.bases.keys().collect();
    assert_eq!(names, ["minilm", "other"]);
    assert_eq!(plan.file.bases["minilm"].name, "./some/minilm");
    let one = GOOD.replace("[./some/minilm, other]", "./some/minilm");
    assert_eq!(read(&one).unwrap().file.bases.len(), 1);
}

#[test]
fn typical_mistakes_are_told_with_place_and_way_out() {
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replace(from, to)
    };
    let prompts = |entry: &str| {
        change("[single, multi]", "[single, multi, prompted]") + "prompts: {" + entry + "}\n"
    };
    for (text, told) in [
        (
            change("arms: [single, multi]", "arm: [single, multi]"),
            "the plan has 2 defects\n  p.yaml:1: `arm`: a plan has no such key\n    hint: did you mean `arms`?",
        ),
        (
            change("[single, multi]", "[single, mulit]"),
            "p.yaml:1: `arms`: expected one of `single`, `multi`, `pairs`, `leave_one_out`, `full`, `prompted`, `untrained`, found `mulit` | did you mean `multi`?",
        ),
        (
            change("lora_r: 64", "rank: 64"),
            "p.yaml:2: `belts.wide.rank`: `belts.wide` has no such key | it is called `lora_r` here",
        ),
        (
            change("kind: lora", "kind: lara"),
            "found `lara` | did you mean `lora`?",
        ),
        (
            change("full: {", "ful: {"),
            "p.yaml:2: `belts.ful.kind`: expected one of",
        ),
        (
            change("{max_steps: 10}", "{num_epochs: 2}"),
            "`training.max_steps`: is missing: arms are made equal by steps",
        ),
        (
            change("{max_steps: 10}", "{max_steps: 10, num_epochs: 2}"),
            "p.yaml:8: `training.num_epochs`: would give the arms different numbers of steps",
        ),
        (
            change("{max_steps: 10}", "{max_steps: 10, tasks_per_step: 1}"),
            "p.yaml:8: `training.tasks_per_step`: would give a task other steps in other arms",
        ),
        (
            change("{max_steps: 10}", "{max_steps: 10, mixing: weights}"),
            "p.yaml:8: `training.mixing`: would give a task other steps in other arms",
        ),
        (
            change("{max_steps: 10}", "{max_steps: 10, freeze_after: 2}"),
            "p.yaml:8: `training.freeze_after`: a task that leaves the mix has fewer steps",
        ),
        (
            change("{max_steps: 10}", "{max_steps: 10, seed: 2}"),
            "p.yaml:8: `training.seed`: the seeds of a study stand in `seeds`",
        ),
        (
            change("arms: [full]}", "arms: [full], bases: [minilm, othr]}"),
            "p.yaml:2: `belts.full.bases`: the plan has no base `othr` | name those of the section `bases`",
        ),
        (
            change("seeds: [0, 1]", "seeds: [1, 0, 1]"),
            "p.yaml:4: `seeds`: 1 is there twice",
        ),
        (
            change("seeds: [0, 1]", "seeds: [0, -1]"),
            "p.yaml:4: `seeds`: expected a whole number, found `-1`",
        ),
        (
            change(", test: bt.jsonl", ""),
            "p.yaml:7: `tasks.b.test`: is missing",
        ),
        (
            change(", full: {learning_rate: 1.0e-4, arms: [full]}", "")
                .replace("[single, multi]", "[single, full]"),
            "p.yaml:1: `arms`: the arm `full` needs a belt of kind `full` | add one with a learning rate of its own",
        ),
        (
            change("[single, multi]", "[single, prompted]"),
            "p.yaml:1: `arms`: the arm `prompted` and the section `prompts` go together",
        ),
        (
            change("[./some/minilm, other]", "[a/x, b/x]"),
            "p.yaml:3: `bases`: two are called `x` | give them names",
        ),
        (
            change("seeds: [0, 1]\n", ""),
            "`seeds`: is missing | name at least one: `seeds: [0, 1, 2]`",
        ),
        ("[1, 2]".into(), "expected the keys of a plan, found a list"),
        (
            prompts("full: {shots: 2}"),
            "`prompts.full`: a belt has the same name",
        ),
        (
            prompts("ask: {answers: there, shots: 2}"),
            "p.yaml:9: `prompts.ask.answers`: nothing is asked where answers are there",
        ),
        (
            prompts("ask: {base: other}"),
            "`prompts.ask.base`: the bases of a study stand in `bases`",
        ),
        (
            prompts("ask: {bases: [x/minilm]}"),
            "`prompts.ask.bases`: two are called `minilm`",
        ),
        (
            prompts("ask: {bases: [other], endpoint: {url: u, model: m, cache: c}}"),
            "the plan has 2 defects",
        ),
        (
            prompts("ask: {only: [c]}"),
            "`prompts.ask.only`: the plan has no task `c`",
        ),
        (
            prompts("ask: {tasks: {aa: {question: Why?}}}"),
            "`prompts.ask.tasks`: the plan has no task `aa`",
        ),
        (
            prompts("ask: {shot: 2}"),
            "`prompts.ask.shot`: `prompts.ask` has no such key | did you mean `shots`?",
        ),
    ] {
        let found = refusal(&text);
        assert!(found.contains(told), "{told}\nin\n{found}");
    }
}

#[test]
fn prompts_name_bases_of_the_plan_and_others() {
    let prompts = "prompts: {here: {bases: [minilm]}, there: {bases: [./models/qwen], shots: 3}}\n";
    let text = GOOD.replace("[single, multi]", "[single, prompted]") + prompts;
    let plan = read(&text).unwrap();
    let names: Vec<String> = plan.bases().into_keys().collect();
    assert_eq!(names, ["minilm", "other", "qwen"]);
    assert_eq!(plan.base("qwen").unwrap().name, "./models/qwen");
    assert_eq!(plan.base_called("./models/qwen"), "qwen");
    assert_eq!(plan.file.prompts["there"].settings.shots, 3);
    assert_eq!(plan.arms(), [Arm::Single, Arm::Full, Arm::Prompted]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever stands in a plan, it is read or refused.
    #[test]
    fn no_text_does_harm(at in 0usize..GOOD.len(), length in 0usize..40, put in "[ -~\n]{0,12}") {
        let mut text = GOOD.to_owned();
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &put);
        let _read_or_refused = read(&text);
    }
}
