//! `skillbelt prompt`: the tasks of a recipe asked in words, without a belt. It decides nothing about
//! prompts or measures.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use skillbelt_train::evaluate::{self, Draws};
use skillbelt_train::prompt::{self, Looked, Order, Prompted};
use skillbelt_train::recipe::check::check_prompting;
use skillbelt_train::recipe::{self, Override, Prompting, Recipe};

use super::eval::Rows;
use super::{Everywhere, choose_tasks, overrides, tell};
use crate::exit::{Failure, say};
use crate::heard::Heard;
use crate::locate;
use crate::output::Lines;
use crate::progress;

/// Ask the tasks of a recipe in words instead of training a belt: zero-shot or with examples, a local
/// base or an OpenAI-compatible endpoint.
///
/// The section `prompting` of the recipe says how; every key of it can be set with --set. Rows, names
/// and measures are those of `skillbelt eval`, so that both stand in one table. What cannot be read
/// as an answer counts as wrong and is told by reason. Stopped anywhere, an endpoint is not asked
/// again what it answered: the same command goes on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt prompt recipes/defect.yaml --out answers/zero-shot --set prompting.base=./qwen2.5-coder
  skillbelt prompt recipes/defect.yaml --out answers/four-shot --set prompting.shots=4 --set prompting.choose=bm25
  skillbelt prompt recipes/four-analysis-tasks.yaml --tasks flaky --check --set prompting.labels=generation \\
      --set prompting.endpoint.url=http://127.0.0.1:8080/v1 --set prompting.endpoint.model=qwen
  skillbelt eval --compare answers/four-shot/defect.test.jsonl answers/belt/defect.test.jsonl --measure accuracy")]
pub struct Prompt {
    /// The recipe, a YAML file (docs/recipes.md lists its keys, docs/prompting.md explains them)
    #[arg(value_name = "RECIPE")]
    recipe: PathBuf,
    /// Only these tasks of the recipe, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tasks: Vec<String>,
    /// The rows that are asked
    #[arg(long, value_enum, default_value_t = Rows::Test)]
    split: Rows,
    /// The folder for answers, summary.json and prompting.json [default: `prompted` in the recipe's output]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Set any key, as prompting.KEY=VALUE or tasks.NAME.KEY=VALUE; later ones win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = overrides::set)]
    set: Vec<Override>,
    /// Say what would be asked, with the first prompt of each task, and ask nothing
    #[arg(long)]
    check: bool,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = Draws::default().count, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    draws: u64,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = Draws::default().seed)]
    seed: u64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Prompt {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let mut resolved = recipe::read(&self.recipe, &self.set)?;
        choose_tasks(&mut resolved.recipe.tasks, &self.tasks)?;
        if let (false, Some(prompting)) = (self.tasks.is_empty(), &mut resolved.recipe.prompting) {
            let tasks = &self.tasks;
            prompting.tasks.retain(|name, _| tasks.contains(name));
        }
        tell(&check_prompting(&resolved), "recipe", everywhere)?;
        let recipe = &resolved.recipe;
        let settings = recipe.prompting.clone().unwrap_or_default();
        let asked_base = asked_base(recipe, &settings, everywhere)?;
        let rows_base = rows_base(recipe, &settings, asked_base.as_deref(), everywhere);
        let usual = || recipe.output.join("prompted");
        let out = self.out.clone().unwrap_or_else(usual);
        let heard = Heard::new(everywhere.quiet);
        let order = Order {
            recipe,
            split: self.split.into(),
            out: &out,
            rows_base: rows_base.as_deref(),
            asked_base: asked_base.as_deref(),
            draws: Draws {
                seed: self.seed,
                count: self.draws,
            },
            stop: std::sync::Arc::default(),
            heard: &|done, all| heard.tell(done, all),
        };
        match self.check {
            true => self.tell_looked(&prompt::look(&order)?, &settings),
            false => {
                let mut watcher = progress::watcher(everywhere.quiet);
                let prompted = prompt::prompt(&order, &mut *watcher)?;
                self.tell_prompted(&prompted, &out)
            }
        }
    }

    fn tell_prompted(&self, prompted: &Prompted, out: &Path) -> Result<(), Failure> {
        let Prompted {
            judgements,
            records,
            costs,
        } = prompted;
        let mut lines = Lines::new();
        if self.json {
            lines.object(&json!({"tasks": judgements, "prompting": records, "endpoint": costs}))?;
            return lines.flush();
        }
        let mut text = evaluate::table(judgements) + "\n";
        for record in records {
            let failed: u64 = record.failures.values().sum();
            text += &format!(
                "{}: {} prompts, {failed} without an answer ({:.1}%), {:.1} s\n",
                record.task,
                record.prompts,
                100.0 * record.failure_rate,
                record.seconds
            );
        }
        if let Some(costs) = costs {
            text += &format!(
                "endpoint: {} answers ({} from the cache), {} tokens read, {} written, cost {:.4}\n",
                costs.answers,
                costs.from_cache,
                costs.tokens_read,
                costs.tokens_written,
                costs.cost
            );
        }
        lines.text(&format!("{text}answers: {}\n", out.display()))?;
        lines.flush()
    }

    fn tell_looked(&self, looked: &[Looked], settings: &Prompting) -> Result<(), Failure> {
        let mut lines = Lines::new();
        if self.json {
            lines.object(&json!({ "tasks": looked }))?;
            return lines.flush();
        }
        let price = settings
            .endpoint
            .as_ref()
            .map_or(0.0, |endpoint| endpoint.price_in);
        for of in looked {
            let mut text = format!(
                "{} {}: {} rows, {} rejected, {} prompts",
                of.task, of.split, of.rows, of.rejected, of.prompts
            );
            if let Some(tokens) = of.tokens {
                text += &format!(", {tokens} tokens, the longest {}", of.longest);
                if price > 0.0 {
                    text += &format!(", {:.4} to read them", tokens as f64 * price / 1e6);
                }
            }
            if let Some(first) = &of.first {
                text += &format!("\n--- the first prompt\n{first}\n---");
            }
            lines.text(&(text + "\n"))?;
        }
        lines.flush()
    }
}

/// The folder of the base that is asked; none with an endpoint.
fn asked_base(
    recipe: &Recipe,
    settings: &Prompting,
    everywhere: &Everywhere,
) -> Result<Option<PathBuf>, Failure> {
    if settings.endpoint.is_some() {
        return Ok(None);
    }
    let (name, revision) = match &settings.base {
        Some(base) => (base, None),
        None => (&recipe.base.name, recipe.base.revision.as_deref()),
    };
    locate::folder(name, revision, everywhere).map(Some)
}

/// The folder of the recipe's base, which says which rows its belts are asked; it is not fetched.
fn rows_base(
    recipe: &Recipe,
    settings: &Prompting,
    asked: Option<&Path>,
    everywhere: &Everywhere,
) -> Option<PathBuf> {
    if settings.base.is_none() && asked.is_some() {
        return asked.map(Path::to_owned);
    }
    let here = Everywhere {
        offline: true,
        ..everywhere.clone()
    };
    let found = locate::folder(&recipe.base.name, recipe.base.revision.as_deref(), &here);
    if found.is_err() && !everywhere.quiet {
        say(format_args!(
            "warning: the recipe's base {} is not on this machine, so rows are refused only for having \
             no text; belts may be asked fewer",
            recipe.base.name
        ));
    }
    found.ok()
}
