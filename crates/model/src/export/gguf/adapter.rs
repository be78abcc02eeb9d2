//! A LoRA alone as a GGUF file, to be put on a GGUF of its base by llama.cpp (`--lora`).
//!
//! llama.cpp multiplies `B A` by alpha over the rank of each pair. Where that cannot give the scale
//! of a site (stabilised ranks, patterns of alpha), the rest is multiplied into `B`.

use std::collections::BTreeMap;
use std::path::Path;

use skillbelt_engine::ops::{Linear, LowRank};
use skillbelt_engine::{Mat, Param, Precision};

use super::plan::Shaping;
use super::read::File;
use super::restore;
use super::settings::Description;
use super::value::Value;
use super::write::{self, Entry};
use crate::base::{self, Network, Purpose};
use crate::error::Error as ModelError;
use crate::export::compare::Weights;
use crate::export::error::{Error, GGUF, Result};
use crate::export::merge::Changes;
use crate::export::{Report, Work};

const DOWN: &str = ".lora_a";
const UP: &str = ".lora_b";
const ALPHA: &str = "adapter.lora.alpha";

/// The two halves of one site in llama.cpp's form.
struct Pair {
    /// The tensor of the base that it changes.
    name: String,
    /// `A [R x K]`
    down: Mat,
    /// `B [N x R]`, its rows in llama.cpp's order.
    up: Mat,
}

/// Writes a LoRA, puts what was written on its base again, and compares.
pub(crate) fn write_lora(work: Work<'_>, changes: &Changes, path: &Path) -> Result<Report> {
    if changes.is_empty() {
        return Err(Error::no_form(
            "a base without a belt",
            GGUF,
            "there is no LoRA to write",
        ));
    }
    let about = Description::of(work.config)?;
    let alpha = common_alpha(changes);
    let (pairs, left_out) = pairs(&about, changes, alpha)?;
    let kind = work.order.dtype.kind();
    let mut entries = Vec::new();
    for pair in &pairs {
        for (end, half) in [(DOWN, &pair.down), (UP, &pair.up)] {
            let shape = vec![half.rows(), half.cols()];
            entries.push(Entry::new(format!("{}{end}", pair.name), shape, kind));
        }
    }
    write::expect_distinct(path, &entries)?;
    let half = |place: usize| match place % 2 {
        0 => pairs[place / 2].down.data(),
        _ => pairs[place / 2].up.data(),
    };
    let settings = settings(&about, alpha, kind.file_type());
    write::file(path, &settings, &entries, |place| Ok(half(place).to_vec()))?;
    (work.between)(path);
    let file = File::open(path)?;
    let mut weights = Weights::default();
    for (place, entry) in entries.iter().enumerate() {
        let found = file.read_f32(&entry.name, &entry.shape)?;
        let allowed = |_: &str, numbers: &[f32], place: usize| entry.kind.rounding(numbers, place);
        weights.add(&entry.name, half(place), &found, &allowed);
    }
    let mut network = base::open(&work.order.base, Purpose::frozen(Precision::F32))?.network;
    attach(&file, &about, &mut *network)?;
    let found = work.expected.again(&*network)?;
    let mut notes = about.notes;
    if left_out > 0 {
        notes.push(format!(
            "{left_out} sites are left out: they stand in a head that llama.cpp does not have"
        ));
    }
    Ok(work.report(&found, Some(weights), notes))
}

/// What alpha must be for as many sites as possible to keep their B as it is.
fn common_alpha(changes: &Changes) -> f32 {
    let mut counts = BTreeMap::<u32, usize>::new();
    for (_, change) in changes.iter() {
        let alpha = change.low_rank.scale * rank(&change.low_rank);
        *counts.entry(alpha.to_bits()).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(bits, count)| (*count, *bits));
    let alpha = most.map_or(0.0, |(bits, _)| f32::from_bits(bits));
    // llama.cpp takes an alpha of nought for none at all.
    if alpha == 0.0 { 1.0 } else { alpha }
}

fn rank(low_rank: &LowRank) -> f32 {
    low_rank.down.value().rows() as f32
}

/// All sites in llama.cpp's form, and how many it has no place for.
fn pairs(about: &Description, changes: &Changes, alpha: f32) -> Result<(Vec<Pair>, usize)> {
    let (mut pairs, mut left_out) = (Vec::new(), 0);
    for (path, change) in changes.iter() {
        let key = format!("{path}.weight");
        let Some((name, whole)) = about.architecture.place(&key, about.tied)? else {
            left_out += 1;
            continue;
        };
        let low_rank = &change.low_rank;
        let up = low_rank.up.value();
        let rest = low_rank.scale * rank(low_rank) / alpha;
        let numbers = up.data().iter().map(|number| number * rest).collect();
        let numbers = Shaping::of(about, &whole).apply(numbers, up.rows());
        pairs.push(Pair {
            name,
            down: Mat::clone(&low_rank.down.value()),
            up: Mat::from_vec(up.rows(), up.cols(), numbers),
        });
    }
    pairs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((pairs, left_out))
}

fn settings(about: &Description, alpha: f32, file_type: u32) -> Vec<(String, Value)> {
    let text = |key: &str, value: &str| (key.to_owned(), Value::Text(value.to_owned()));
    vec![
        text("general.architecture", about.architecture.name()),
        text("general.type", "adapter"),
        text("adapter.type", "lora"),
        (ALPHA.to_owned(), Value::F32(alpha)),
        ("general.file_type".to_owned(), Value::U32(file_type)),
        ("general.quantization_version".to_owned(), Value::U32(2)),
    ]
}

/// Puts the LoRA of a file on a base in the hub's order of rows.
fn attach(file: &File, about: &Description, network: &mut dyn Network) -> Result<()> {
    if restore::architecture(file)?.name() != about.architecture.name() {
        return Err(file
            .wrong("general.architecture", "that of the base")
            .into());
    }
    let Some(alpha) = file.setting(ALPHA).and_then(Value::float) else {
        return Err(file.wrong(ALPHA, "a number").into());
    };
    let mut left: Vec<String> = file.names().map(str::to_owned).collect();
    for linear in network.linears_mut()? {
        let place = about
            .architecture
            .place(&format!("{}.weight", linear.name), about.tied);
        let Ok(Some((name, whole))) = place else {
            continue;
        };
        let down = format!("{name}{DOWN}");
        if !left.contains(&down) {
            continue;
        }
        let up = format!("{name}{UP}");
        let low_rank = read_pair(
            file,
            linear,
            (&down, &up),
            alpha,
            Shaping::of(about, &whole),
        )?;
        linear.attach(low_rank).map_err(ModelError::from)?;
        left.retain(|name| *name != down && *name != up);
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(ModelError::SurplusTensors {
            path: file.path().to_owned(),
            keys: left,
        }
        .into()),
    }
}

fn read_pair(
    file: &File,
    linear: &Linear,
    (down, up): (&str, &str),
    alpha: f64,
    shaping: Shaping,
) -> Result<LowRank> {
    let (n, k) = (linear.outputs(), linear.inputs());
    let rank = match file.shape(down) {
        Some([rank, _]) => *rank,
        _ => 1,
    };
    let a = file.read_f32(down, &[rank, k])?;
    let mut b = file.read_f32(up, &[n, rank])?;
    if let Shaping::Interleaved(heads) = shaping {
        b = super::names::interleaved(&b, n, heads, true);
    }
    Ok(LowRank::plain(
        Param::frozen(down, Mat::from_vec(rank, k, a)),
        Param::frozen(up, Mat::from_vec(n, rank, b)),
        (alpha / rank as f64) as f32,
        0.0,
    ))
}
