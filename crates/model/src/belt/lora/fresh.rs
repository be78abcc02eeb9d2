//! A new LoRA on a base: which sites, and what its numbers are before any step.

use skillbelt_engine::ops::{LowRank, Magnitude};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Mat, Param};

use super::{DOWN, Lora, LoraConfig, MAGNITUDE, PEFT_ROOT, Targets, UP, names_of, sites};
use crate::base::Network;
use crate::error::Result;

pub(super) fn fresh(network: &mut dyn Network, mut config: LoraConfig, seed: u64) -> Result<Lora> {
    config.check()?;
    let (family, lacking) = (network.family(), network.lacking());
    let linears = network.linears_mut()?;
    // As the checkpoint spells them, and so `peft` on a model of the checkpoint's own class.
    let spelled = |name: &String| name.strip_prefix(lacking).unwrap_or(name).to_owned();
    let names = linears.iter().map(|linear| &linear.name);
    let paths: Vec<String> = names.map(spelled).collect();
    let sites = sites(&config, family, &paths)?;
    let sizes = config.sizes()?;
    let mut params = Vec::new();
    for (linear, path) in linears.into_iter().zip(&paths) {
        if !sites.contains(path) {
            continue;
        }
        let (rank, n, k) = (sizes.rank(path), linear.outputs(), linear.inputs());
        let name = |part: &str| format!("{PEFT_ROOT}{path}{part}");
        let magnitude = config.dora.then(|| {
            let lengths = Param::trained(name(MAGNITUDE), Magnitude::of_rows(&linear.map));
            Magnitude::new(lengths, &linear.map)
        });
        let down = Param::trained(name(DOWN), drawn_down(&name(DOWN), rank, k, seed));
        let up = Param::trained(name(UP), Mat::zeros(n, rank));
        let scale = sizes.scale(path);
        let low_rank = LowRank {
            magnitude,
            ..LowRank::plain(down, up, scale, config.dropout as f32)
        };
        params.extend(low_rank.params());
        linear.attach(low_rank)?;
    }
    drop(sizes);
    // What was chosen, as names: "the usual ones" may mean other maps to another reader.
    if !matches!(config.targets, Targets::Pattern(_)) {
        config.targets = Targets::Names(names_of(&sites, &paths));
        (config.layers, config.layers_pattern, config.exclude) = (None, Vec::new(), None);
    }
    Ok(Lora { config, params })
}

/// `A [R x K]`, uniform within one over the root of `K`, from the seed and the parameter's name.
pub(crate) fn drawn_down(name: &str, rank: usize, k: usize, seed: u64) -> Mat {
    let stream = Stream::new(seed, 0, name);
    let bound = 1.0 / (k as f32).sqrt();
    let drawn = (0..(rank * k) as u64).map(|i| (2.0 * stream.uniform(i) - 1.0) * bound);
    Mat::from_vec(rank, k, drawn.collect())
}
