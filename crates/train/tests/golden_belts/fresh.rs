//! New belts on every base, those that the libraries do not know among them: a belt whose last maps
//! are zero changes nothing, gradients agree with finite differences of the loss, and what is written
//! is read again.

use std::path::Path;

use skillbelt_engine::random::Stream;
use skillbelt_engine::{Pass, Precision};
use skillbelt_model::base::{self, Base, Network, Purpose};
use skillbelt_model::belt::{Belt, BottleneckBelt, BottleneckConfig, PrefixBelt, PrefixConfig};

use crate::golden_files::Reference;
use crate::golden_oracle::{compare, gradients, outputs};
use crate::{must_fail, text};

/// Relative error of a difference quotient over a finite step; the corners of a relu cost two percent.
const DIFFERENCE: f64 = 3e-2;
/// What rounding adds to the difference of two losses in f32.
const ROUNDING: f64 = 4e-6;

fn open(folder: &Path) -> Result<Base, String> {
    base::open(folder, Purpose::frozen(Precision::F32)).map_err(text)
}

fn bottlenecks() -> [BottleneckConfig; 3] {
    [
        BottleneckConfig::seq_bn(4.0),
        BottleneckConfig::double_seq_bn(8.0),
        BottleneckConfig::par_bn(3.0),
    ]
    .map(|config| BottleneckConfig {
        // A finite step across the corner of a relu says nothing of the gradient.
        activation: "gelu".into(),
        ..config
    })
}

/// Numbers large enough to matter, whatever the belt begins with.
fn stir(belt: &Belt) {
    for param in belt.params() {
        let stream = Stream::new(11, 0, param.name());
        param.update(|value| {
            for (i, number) in value.data_mut().iter_mut().enumerate() {
                *number = 0.2 * stream.normal(i as u64);
            }
        });
    }
}

/// Adapters whose upper maps are zero leave every output as it was, up to the order of one sum.
pub fn zero_changes_nothing(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    let bare = outputs(&*open(folder)?.network, &reference)?;
    for config in bottlenecks() {
        let mut base = open(folder)?;
        let belt = BottleneckBelt::fresh(&mut *base.network, config, 3).map_err(text)?;
        for param in &belt.params {
            if param.name().contains(".adapter_up.") {
                param.update(|value| value.scale(0.0));
            }
        }
        let found = outputs(&*base.network, &reference)?;
        for ((name, found), (_, expected)) in found.iter().zip(&bare) {
            compare(name, found, expected)?;
        }
        stir(&Belt::Bottleneck(belt));
        let stirred = outputs(&*base.network, &reference)?;
        must_fail(compare("logits", &stirred[1].1, &bare[1].1))?;
    }
    Ok(())
}

/// Puts a new belt of one kind on a base.
type Kind = Box<dyn Fn(&mut dyn Network) -> Result<Belt, String>>;

/// Every kind of new belt.
fn kinds(network: &dyn Network) -> Vec<Kind> {
    let prefix = PrefixConfig::fitting(network, 3);
    let mut kinds: Vec<Kind> = Vec::new();
    for config in bottlenecks() {
        kinds.push(Box::new(move |network| {
            let belt = BottleneckBelt::fresh(network, config.clone(), 5);
            belt.map(Belt::Bottleneck).map_err(text)
        }));
    }
    kinds.push(Box::new(move |network| {
        let belt = PrefixBelt::fresh(network, prefix.clone(), 5);
        belt.map(Belt::Prefix).map_err(text)
    }));
    kinds
}

/// The gradient of each parameter against the loss a step up and a step down along it.
pub fn gradients_are_differences(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    for kind in kinds(&*open(folder)?.network) {
        let mut base = open(folder)?;
        let belt = kind(&mut *base.network)?;
        stir(&belt);
        agree(&*base.network, &belt, &reference, 1.0)?;
        must_fail(agree(&*base.network, &belt, &reference, 1.2))?;
    }
    Ok(())
}

fn agree(
    network: &dyn Network,
    belt: &Belt,
    reference: &Reference,
    factor: f64,
) -> Result<(), String> {
    let (_, grads) = gradients(network, reference, Pass::recording())?;
    for param in belt.params() {
        let name = param.name();
        let grad = grads.get(param).ok_or(format!("{name} has no gradient"))?;
        let squares = grad.data().iter().map(|x| f64::from(*x).powi(2));
        let size = squares.sum::<f64>().sqrt();
        let step = (0.01 / size).min(0.05);
        let here = param.value();
        let at = |step: f64| {
            param.update(|value| {
                let numbers = value.data_mut().iter_mut().zip(here.data());
                for ((number, here), grad) in numbers.zip(grad.data()) {
                    *number = (f64::from(*here) + step * f64::from(*grad) / size) as f32;
                }
            });
            gradients(network, reference, Pass::recording()).map(|(loss, _)| loss)
        };
        let found = (at(step)? - at(-step)?) / (2.0 * step);
        at(0.0)?;
        let off = (found - factor * size).abs();
        if off.is_nan() || off > DIFFERENCE * size + ROUNDING / step {
            return Err(format!("{name}: {size:.6}, by differences {found:.6}"));
        }
    }
    Ok(())
}

/// A new belt that is written and read again gives the same bits.
pub fn written_and_read(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    for kind in kinds(&*open(folder)?.network) {
        let mut base = open(folder)?;
        let belt = kind(&mut *base.network)?;
        stir(&belt);
        let place = tempfile::tempdir().map_err(text)?;
        belt.save(place.path()).map_err(text)?;
        let mut again = open(folder)?;
        let read = Belt::attach(place.path(), &mut *again.network, true).map_err(text)?;
        if kind(&mut *again.network).is_ok() {
            return Err("a second belt replaced the first".into());
        }
        if read.params().len() != belt.params().len()
            || outputs(&*base.network, &reference)? != outputs(&*again.network, &reference)?
        {
            return Err("other parameters or outputs".into());
        }
    }
    Ok(())
}
