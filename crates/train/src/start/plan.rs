//! From the belt section of a recipe to the plan of a belt: what is not given has the default of
//! the kind's own library.

use skillbelt_model::base::Network;
use skillbelt_model::belt::{
    BeltPlan, BottleneckConfig, LoraConfig, PrefixConfig, Targets, TaskLoraConfig,
};

use crate::error::Result;
use crate::recipe::belt::TargetModules;
use crate::recipe::{BeltKind, BeltSettings, Recipe};

/// Rank of low-rank belts, width over width of adapters, length of prefixes.
const RANK: usize = 8;
const REDUCTION: f64 = 16.0;
const PARALLEL_REDUCTION: f64 = 2.0;
const PREFIX: usize = 20;
const PROJECTIONS: usize = 2;

/// The belt that a recipe wants on a network.
pub fn plan(recipe: &Recipe, network: &dyn Network) -> Result<BeltPlan> {
    let belt = &recipe.belt;
    Ok(match belt.kind {
        BeltKind::Lora | BeltKind::Dora => BeltPlan::Lora(lora(recipe)),
        BeltKind::TaskLora => BeltPlan::TaskLora(task_lora(recipe)),
        BeltKind::SeqBn => BeltPlan::Bottleneck(bottleneck(
            belt,
            BottleneckConfig::seq_bn(belt.reduction_factor.unwrap_or(REDUCTION)),
        )),
        BeltKind::DoubleSeqBn => BeltPlan::Bottleneck(bottleneck(
            belt,
            BottleneckConfig::double_seq_bn(belt.reduction_factor.unwrap_or(REDUCTION)),
        )),
        BeltKind::ParBn => BeltPlan::Bottleneck(bottleneck(
            belt,
            BottleneckConfig::par_bn(belt.reduction_factor.unwrap_or(PARALLEL_REDUCTION)),
        )),
        BeltKind::Prefix => {
            let length = belt.num_virtual_tokens.unwrap_or(PREFIX);
            BeltPlan::Prefix(PrefixConfig::fitting(network, length))
        }
        BeltKind::Full => BeltPlan::Full,
    })
}

fn lora(recipe: &Recipe) -> LoraConfig {
    let belt = &recipe.belt;
    let rank = belt.lora_r.unwrap_or(RANK);
    LoraConfig {
        rank,
        alpha: belt.lora_alpha.unwrap_or(2.0 * rank as f64),
        rank_pattern: patterns(&belt.rank_pattern),
        alpha_pattern: patterns(&belt.alpha_pattern),
        rank_stabilised: belt.use_rslora.unwrap_or(false),
        dora: belt.kind == BeltKind::Dora,
        dropout: belt.lora_dropout.unwrap_or(0.0),
        targets: targets(belt),
        base_name: Some(recipe.base.name.clone()),
        ..LoraConfig::default()
    }
}

fn task_lora(recipe: &Recipe) -> TaskLoraConfig {
    let belt = &recipe.belt;
    let rank = belt.lora_r.unwrap_or(RANK);
    TaskLoraConfig {
        rank,
        alpha: belt.lora_alpha.unwrap_or(2.0 * rank as f64),
        rank_stabilised: belt.use_rslora.unwrap_or(false),
        dropout: belt.lora_dropout.unwrap_or(0.0),
        targets: targets(belt),
        tasks: recipe.tasks.keys().cloned().collect(),
        projections: belt.up_projections.unwrap_or(PROJECTIONS),
        base_name: Some(recipe.base.name.clone()),
        ..TaskLoraConfig::default()
    }
}

fn bottleneck(belt: &BeltSettings, usual: BottleneckConfig) -> BottleneckConfig {
    BottleneckConfig {
        activation: belt
            .non_linearity
            .clone()
            .unwrap_or(usual.activation.clone()),
        scale: belt.scaling.unwrap_or(usual.scale),
        ..usual
    }
}

/// Patterns in the order in which they were written: the first that fits counts.
fn patterns<N: Copy>(given: &Option<indexmap::IndexMap<String, N>>) -> Vec<(String, N)> {
    let pairs = given.iter().flatten();
    pairs
        .map(|(pattern, number)| (pattern.clone(), *number))
        .collect()
}

fn targets(belt: &BeltSettings) -> Targets {
    match &belt.target_modules {
        None => Targets::Default,
        Some(TargetModules::Word(word)) => match word.as_str() {
            "all-linear" => Targets::AllLinear,
            "attention" => Targets::Attention,
            pattern => Targets::Pattern(pattern.to_owned()),
        },
        Some(TargetModules::Names(names)) => Targets::Names(names.clone()),
    }
}
