//! The plan and the recipe that a quick start follows, as files that a person may change and give to
//! `skillbelt study` and `skillbelt train`. There is nothing that it does beside them.

use std::fmt::Write;
use std::path::Path;

use skillbelt_harvest::Task;

use super::effort::Effort;
use super::rows::Ready;

/// What the lexical baselines are called among the arms.
pub const WORDS: &str = "words";
/// What the belt is called.
pub const BELT: &str = "lora";

/// What is trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// A folder, or a name that is known.
    pub name: String,
    /// Tokens that it reads at once, where that is bounded.
    pub positions: Option<usize>,
}

/// What a base is called on the page: the end of its name or path.
pub fn called(name: &str) -> String {
    let end = Path::new(name).file_name();
    end.map_or(name.to_owned(), |end| end.to_string_lossy().into_owned())
}

const TRAINING: &str =
    "  learning_rate: 2.0e-3\n  lr_scheduler_type: cosine\n  logging_steps: 5\n  save_steps: 20\n";
const BELT_SETTINGS: &str = "lora_r: 16, lora_alpha: 32, target_modules: all-linear";

/// The plan: all tasks together, each alone, before the first step, and with words alone.
pub fn study(base: &Base, ready: &[Ready], effort: &Effort) -> String {
    let seeds: Vec<String> = effort.seeds.iter().map(u64::to_string).collect();
    let mut text = String::from(
        "# What `skillbelt quickstart` ran. Change it, and run it again as your own:\n\
         #\n#     skillbelt study quickstart.yaml --out my-study\n\n",
    );
    let _infallible = write!(
        text,
        "# In eight bits a base is read a quarter faster, and what is learnt is the same within noise.\n\
         bases:\n  {called}: {{name: {base}, precision: int8}}\n\
         belts:\n  {BELT}: {{{BELT_SETTINGS}}}\n\
         # One belt for all tasks, one for each, both before the first step, and no model at all.\n\
         arms: [single, multi, untrained, prompted]\n\
         prompts:\n  {WORDS}: {{answers: words}}\n\
         seeds: [{}]\n\
         tasks:\n{}\
         training:\n  max_steps: {}\n{TRAINING}\
         evaluation:\n{}\
         draws: {}\n",
        seeds.join(", "),
        tasks(ready, base.positions),
        steps(ready, effort),
        evaluation(ready, effort),
        effort.draws,
        called = quoted(&called(&base.name)),
        base = quoted(&base.name),
    );
    text
}

/// The recipe of the belt for all tasks, as the plan trains it with its first seed.
pub fn recipe(base: &Base, ready: &[Ready], effort: &Effort) -> String {
    format!(
        "# The belt that `skillbelt quickstart` ships. Change it, and train it again as your own:\n\
         #\n#     skillbelt train recipe.yaml\n\n\
         base: {{name: {}, precision: int8}}\n\
         belt: {{kind: {BELT}, {BELT_SETTINGS}}}\n\
         tasks:\n{}\
         training:\n  max_steps: {}\n{TRAINING}\
         \x20 # Every step holds one batch of every task.\n  tasks_per_step: 0\n  mixing: turns\n  seed: {}\n\
         evaluation:\n{}\
         output: my-run\n",
        quoted(&base.name),
        tasks(ready, base.positions),
        steps(ready, effort),
        effort.seeds.first().copied().unwrap_or_default(),
        evaluation(ready, effort),
    )
}

/// No more walks over the rows of the largest task than this: a small repository is known by heart
/// long before the steps of a large one are over.
const WALKS: usize = 20;

/// The steps of the effort, or fewer where there are few rows.
pub fn steps(ready: &[Ready], effort: &Effort) -> u64 {
    let walk = |ready: &Ready| ready.trained.div_ceil(batch(ready.task));
    let longest = ready.iter().map(walk).max().unwrap_or(1);
    effort.steps.min((WALKS * longest) as u64).max(1)
}

/// Once at the end, and the last step is shipped, so that no arm can gain by choosing.
fn evaluation(ready: &[Ready], effort: &Effort) -> String {
    let steps = steps(ready, effort);
    format!(
        "  # Every arm ships its last step, so none can gain by choosing; validation rows tell how sure\n\
         \x20 # the belt's classes are.\n  policy: last\n  eval_steps: {steps}\n  eval_before: false\n"
    )
}

fn batch(task: Task) -> usize {
    match task {
        // More candidates in a batch are more wrong answers to learn from.
        Task::Search => 32,
        _ => 16,
    }
}

fn tasks(ready: &[Ready], positions: Option<usize>) -> String {
    let mut text = String::new();
    for Ready { task, valid, .. } in ready {
        let _infallible = write!(
            text,
            "  {task}:\n    preset: {}\n    train: data/{task}.train.jsonl\n",
            task.preset()
        );
        if *valid > 0 {
            let _infallible = writeln!(text, "    valid: asked/{task}.valid.jsonl");
        }
        let _infallible = write!(
            text,
            "    test: asked/{task}.test.jsonl\n    batch_size: {}\n{}",
            batch(*task),
            settings(*task, positions)
        );
    }
    text
}

/// Measures that a poor answer does not make zero, and lengths that a small base reads quickly, or
/// fewer where the base has not as many positions.
fn settings(task: Task, positions: Option<usize>) -> String {
    let bound = positions.unwrap_or(usize::MAX);
    // One length for all, so that a scan and a search read a function once for all tasks.
    let read = bound.min(128);
    match task {
        Task::Search => format!(
            "    max_length: {read}\n    max_query_length: {}\n    metric: mrr\n",
            bound.min(48)
        ),
        Task::Clone => format!("    encoding: separate\n    max_length: {read}\n    metric: auc\n"),
        Task::DefectMutated | Task::DefectHistory | Task::Flaky => {
            format!("    max_length: {read}\n    metric: auc\n")
        }
        Task::Summarize => written(bound, 128, 32, "bleu_codexglue_smooth"),
        Task::Generate => written(bound, 96, 64, "chrf"),
    }
}

/// Source and answer stand in one sequence.
fn written(bound: usize, source: usize, answer: usize, measure: &str) -> String {
    let answer = answer.min(bound / 3);
    let source = source.min(bound - answer);
    format!("    max_length: {source}\n    max_target_length: {answer}\n    metric: {measure}\n")
}

/// A text of YAML whatever it looks like, without quotes where it needs none.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    match text.chars().all(plain) && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Ready> {
        let ready = |task| Ready {
            task,
            trained: 100,
            valid: 10,
            asked: 10,
        };
        Task::ALL.into_iter().map(ready).collect()
    }

    #[test]
    fn plan_and_recipe_are_read_and_say_the_same() {
        let effort = Effort::full();
        let base = Base {
            name: "a \"strange\": base".into(),
            positions: Some(100),
        };
        let plan = study(&base, &all(), &effort);
        let plan = skillbelt_train::study::read::plan(Path::new("quickstart.yaml"), plan).unwrap();
        assert_eq!(plan.file.seeds, [0, 1, 2]);
        let recipe = recipe(&base, &all(), &effort);
        let recipe =
            skillbelt_train::recipe::resolve::resolve(Path::new("recipe.yaml"), &recipe, &[])
                .unwrap()
                .recipe;
        assert_eq!(recipe.base.name, base.name);
        let held = plan.file.bases.values().next().unwrap();
        assert_eq!(recipe.base.precision, held.precision);
        for task in recipe.tasks.values() {
            let answer = task.max_target_length.unwrap_or(0);
            assert!(task.max_length.unwrap() + answer <= 100);
        }
        assert_eq!(recipe.tasks.len(), plan.file.tasks.len());
        assert_eq!(recipe.training.max_steps, Some(plan.steps()));
        let planned = plan.file.belts[BELT].settings.clone();
        assert_eq!(
            serde_json::to_value(recipe.belt.lora_r).unwrap(),
            serde_json::to_value(planned.lora_r).unwrap()
        );
    }

    #[test]
    fn few_rows_are_not_walked_over_for_ever() {
        let mut ready = all();
        ready.iter_mut().for_each(|ready| ready.trained = 16);
        assert_eq!(steps(&ready, &Effort::full()), 20);
        assert_eq!(steps(&all(), &Effort::quick()), 100);
    }
}
