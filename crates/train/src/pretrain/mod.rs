//! Pretraining: from folders of programs to a base in the hub's layout, with the engine's own full
//! training.
//!
//! It has no loop of its own. Sources become tasks whose items are windows of text, and the run that
//! trains belts trains the network: the same checkpoints, the same schedule, the same promise that a
//! run which is killed and goes on makes the same base, to the byte.

pub mod causal;
pub mod compare;
pub mod corpus;
mod five;
pub mod fresh;
pub mod masked;
mod pieces;
pub mod plan;
pub mod read;
pub mod reference;
mod ship;
pub mod stock;
#[cfg(test)]
mod tests;
mod windows;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};
use skillbelt_model::base::{self, Base, Loader, Purpose};
use skillbelt_model::belt::Full;
use skillbelt_model::tokenizer::learn::byte_lengths;
use skillbelt_model::{Checkpoint, ConfigFile, Tokenizer, family};

use crate::data::Split;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::optimise::schedule::Rates;
use crate::recipe::{Evaluation, Policy, Schedule, TaskSettings};
use crate::run::{self, Finished, Papers, Prepared, RunOptions, Workshop};
use crate::task::{Given, Objective, Set, Task};
use crate::watch::Watch;

use causal::Causal;
use masked::Masked;
use pieces::Pieces;
use plan::{Aim, PlanFile};
use read::Plan;
use ship::Shipping;
use stock::{Part, Stock};
use windows::Windows;

/// Where the base is put in the run folder.
pub const PRODUCT: &str = "base";

/// Makes the stock of a plan in a run folder, if it is not there: the tokenizer, and all tokens.
pub fn stock(
    plan: &Plan,
    base: Option<&Path>,
    folder: &Path,
    options: &RunOptions,
    watch: &mut dyn Watch,
) -> Result<Stock> {
    let disk = Disk::new(Arc::clone(&options.faults));
    stock::open(&plan.file, base, folder, &disk, &mut |text| {
        watch.told(text)
    })
}

/// Trains what a plan says, until the end or until told to stop. `base` is the folder of the base to
/// go on from, where the plan names one.
pub fn pretrain(
    plan: &Plan,
    base: Option<&Path>,
    folder: &Path,
    options: &RunOptions,
    watch: &mut dyn Watch,
) -> Result<Finished> {
    let stock = stock(plan, base, folder, options, watch)?;
    let file = &plan.file;
    let opened = open(file, base, &stock.tokenizer)?;
    let full = Full::fresh(&*opened.network)?;
    let tasks = tasks(file, &stock, &opened, base)?;
    expect_same_past(file, folder)?;
    let shipping = Shipping::new(&full, &opened.config, &stock);
    let save = |folder: &Path, _note: &run::Note| shipping.save(folder);
    let papers = papers(plan, base, &stock, &tasks)?;
    let workshop = Workshop {
        network: &*opened.network,
        tokenizer: &stock.tokenizer,
        params: full.params.clone(),
        tasks,
        product: PRODUCT,
        save_belt: &save,
        papers,
    };
    let training = file.training.training();
    skillbelt_engine::product::rough(file.training.bf16);
    run::run(
        workshop,
        &training,
        &evaluation(file),
        folder,
        options,
        watch,
    )
}

/// The last step is what is shipped: nothing is learnt often enough to be learnt by heart.
fn evaluation(file: &PlanFile) -> Evaluation {
    let course = &file.training;
    Evaluation {
        eval_steps: match course.eval_steps {
            0 => course.max_steps,
            some => some,
        },
        policy: Policy::Last,
        eval_before: false,
        test_at_end: false,
        ..Evaluation::default()
    }
}

/// The network that is trained: that of a base, or a fresh one of the plan's sizes.
fn open(file: &PlanFile, base: Option<&Path>, tokenizer: &Tokenizer) -> Result<Base> {
    if let Some(folder) = base {
        return Ok(base::open(folder, Purpose::full())?);
    }
    let config = fresh::config(file.objective, &file.network, tokenizer);
    let Value::Object(config) = config else {
        return Err(Error::told("the network has no configuration"));
    };
    let config = ConfigFile::from_object(Path::new("config.json"), config);
    let weights = fresh::FreshWeights {
        seed: file.training.seed,
        layers: file.network.layers,
    };
    let network = family::load(Loader::new(&weights, Purpose::full()), &config)?;
    Ok(Base { network, config })
}

/// One task for each source, and one for each set of pairs.
fn tasks(
    file: &PlanFile,
    stock: &Stock,
    opened: &Base,
    base: Option<&Path>,
) -> Result<Vec<Prepared>> {
    let mut tasks = Vec::new();
    let lengths = byte_lengths(&stock.tokenizer);
    let windows = windows(file, &stock.tokenizer)?;
    let seed = file.training.seed;
    let batch_size = file.training.training().batch_size;
    for (place, (name, source)) in file.sources.iter().enumerate() {
        if file.objective == Aim::Contrastive {
            break;
        }
        let train = stock.tokens(place, Part::Train)?;
        let held = stock.held_tokens(place, file.held_out.max_bytes, &lengths)?;
        let valid = windows.set(&held, seed, name)?;
        let bytes = stock
            .sources
            .get(name)
            .map_or(0, |counts| counts.train.bytes);
        let (objective, metric) = objective(file, &stock.tokenizer, &lengths)?;
        tasks.push(Prepared {
            name: name.clone(),
            weight: stock::weight(source.weight, bytes),
            batch_size,
            metric: Some(metric.to_owned()),
            rises: false,
            objective,
            train: windows.set(&train, seed, name)?,
            valid: (!valid.items.is_empty()).then_some(valid),
            test: None,
        });
    }
    let pairs = pairs(file, stock);
    if !pairs.is_empty() {
        contrast(file, &pairs, stock, opened, base, &mut tasks)?;
    }
    match tasks.is_empty() {
        true => Err(Error::told(
            "no source has a documented function to learn from",
        )),
        false => Ok(tasks),
    }
}

/// Sets of pairs: of the documented functions of each source, and of other files.
fn pairs(file: &PlanFile, stock: &Stock) -> IndexMap<String, TaskSettings> {
    let mut all = IndexMap::new();
    for (place, (name, source)) in file.sources.iter().enumerate() {
        let Some(how) = file.pairs() else { break };
        let Some(train) = stock.pairs(place, Part::Train) else {
            continue;
        };
        let bytes = stock
            .sources
            .get(name)
            .map_or(0, |counts| counts.train.bytes);
        let own = stock::weight(source.weight, bytes);
        let beside = match file.objective {
            Aim::Contrastive => 1.0,
            _ => how.share / (1.0 - how.share),
        };
        let settings = TaskSettings {
            weight: Some(own * beside),
            batch_size: Some(how.batch_size),
            ..how.settings(train, stock.pairs(place, Part::HeldOut))
        };
        all.insert(format!("{name}-documented"), settings);
    }
    let others = file.contrast.iter();
    all.extend(others.map(|(name, settings)| (name.clone(), settings.clone())));
    all
}

/// Pairs that are to lie close together, as the objective `retrieve` learns them.
fn contrast(
    file: &PlanFile,
    pairs: &IndexMap<String, TaskSettings>,
    stock: &Stock,
    opened: &Base,
    base: Option<&Path>,
    tasks: &mut Vec<Prepared>,
) -> Result<()> {
    let folder = base.unwrap_or(Path::new(""));
    let given = Given::of_folder(folder, &opened.config, &*opened.network, &stock.tokenizer)?;
    let seed = file.training.seed;
    for (name, settings) in pairs {
        let task = Task::of_files(name, settings, tasks.len(), &given, seed)?;
        let train = task.load(Split::Train, &stock.tokenizer, seed)?;
        tasks.push(Prepared {
            weight: settings.weight.unwrap_or(1.0),
            batch_size: settings.batch_size.unwrap_or(64),
            metric: settings.metric.clone(),
            rises: true,
            train: train.unwrap_or_default(),
            valid: task.load(Split::Valid, &stock.tokenizer, seed)?,
            test: None,
            name: task.name,
            objective: task.objective,
        });
    }
    Ok(())
}

fn objective(
    file: &PlanFile,
    tokenizer: &Tokenizer,
    lengths: &[u32],
) -> Result<(Box<dyn Objective>, &'static str)> {
    let pieces = Pieces {
        bytes: lengths.to_vec(),
    };
    Ok(match file.objective {
        Aim::Causal | Aim::Contrastive => (Box::new(Causal { pieces }), causal::BITS),
        Aim::Masked => {
            let mask = tokenizer.special().mask;
            let mask =
                mask.ok_or_else(|| Error::told("the tokenizer has no mask to hide tokens behind"))?;
            let share = file.training.masked_share;
            (
                Box::new(Masked {
                    pieces,
                    mask,
                    share,
                }),
                masked::BITS,
            )
        }
    })
}

/// What stands around a piece of text, by the tokenizer's own roles.
fn windows(file: &PlanFile, tokenizer: &Tokenizer) -> Result<Windows> {
    let special = tokenizer.special();
    let (begin, end) = match file.objective {
        Aim::Causal | Aim::Contrastive => (special.bos.or(special.eos), special.eos),
        Aim::Masked => (special.cls.or(special.bos), special.sep.or(special.eos)),
    };
    let (Some(begin), Some(end)) = (begin, end) else {
        return Err(Error::told(
            "the tokenizer has no tokens to begin and end a text with",
        ));
    };
    Ok(Windows {
        length: file.training.window,
        begin,
        end,
        every: file.objective == Aim::Masked,
        told_last: file.objective != Aim::Masked,
    })
}

/// What the run folder says of where the run came from.
fn papers(plan: &Plan, base: Option<&Path>, stock: &Stock, tasks: &[Prepared]) -> Result<Papers> {
    let mut identity = crate::recipe::identity::flat(&json!(plan.file));
    // Where the files lie changes no number; what was in them is in the hashes below.
    identity.retain(|key, _| !key.ends_with(".files") && key != "training.save_steps");
    if !plan.file.training.bf16 {
        // What no run asked for before there was the key changes no number of such a run.
        identity.remove("training.bf16");
    }
    if open_ended(&plan.file) {
        identity.remove("training.max_steps");
        identity.remove("training.decay_steps");
    }
    if let Some(folder) = base {
        identity.insert(
            "base weights".into(),
            Checkpoint::open(folder)?.content_hash(),
        );
    }
    let recipe = stock.tokenizer.recipe()?.to_string();
    let recipe = blake3::hash(recipe.as_bytes()).to_hex().to_string();
    identity.insert("tokenizer".into(), recipe);
    let hash = |set: &Option<Set>| set.as_ref().map_or(String::new(), |set| set.hash.clone());
    for task in tasks {
        identity.insert(format!("texts of {}", task.name), task.train.hash.clone());
        identity.insert(
            format!("held-out texts of {}", task.name),
            hash(&task.valid),
        );
    }
    let facts: BTreeMap<&str, Value> = BTreeMap::from([
        ("sources", json!(stock.sources)),
        ("decay_begins", json!(decay_begins(&plan.file))),
        ("max_steps", json!(plan.file.training.max_steps)),
    ]);
    let facts = facts
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    Ok(Papers {
        recipe: plan.text()?,
        identity,
        facts: facts.collect(),
    })
}

/// Whether the end may be moved while the rate still stays.
fn open_ended(file: &PlanFile) -> bool {
    file.training.lr_scheduler_type == Schedule::WarmupStableDecay
}

/// The first step at which the rate is lower than before.
fn decay_begins(file: &PlanFile) -> u64 {
    let total = file.training.max_steps;
    let rates = Rates::new(&file.training.training(), total);
    let first = (file.training.warmup_steps..total).find(|step| rates.factor(*step) < 1.0);
    first.unwrap_or(total)
}

/// Refuses to move the end of a run that has begun to decay: its last steps would have been others.
fn expect_same_past(file: &PlanFile, folder: &Path) -> Result<()> {
    let Ok(text) = fs_err::read(folder.join("run.json")) else {
        return Ok(());
    };
    let facts: Value = serde_json::from_slice(&text).unwrap_or_default();
    let Some(before) = facts["decay_begins"].as_u64() else {
        return Ok(());
    };
    let now = decay_begins(file);
    let unmoved = before == now
        && facts["max_steps"]
            .as_u64()
            .is_none_or(|steps| steps == file.training.max_steps);
    let done = run::newest_step(folder)?;
    match unmoved || !open_ended(file) || done <= before.min(now) {
        true => Ok(()),
        false => Err(Error::told(format_args!(
            "{}: step {done} is done, the rate fell from step {before} on, and would fall from step {now} on",
            folder.display()
        ))
        .with_hint("the end of a run can be moved only while its rate stays; go on under the old `max_steps` and `decay_steps`")),
    }
}
