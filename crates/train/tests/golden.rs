//! Every golden base and every golden LoRA against the reference libraries: hidden states, logits,
//! loss, every gradient, and the losses of three AdamW steps.
//!
//! One test per folder of `tests/golden` (or of the folder that `SKILLBELT_GOLDEN` names, of the
//! same layout) and per belt in it, so that a failure says which. Beside them stand the proofs that
//! the oracle can fail: the same comparison with a wrong formula must.

mod golden_files;
mod golden_oracle;

use std::path::{Path, PathBuf};

use golden_files::{Reference, bases, loras};
use golden_oracle::{compare, compare_gradients, gradients, losses_of_steps, outputs};
use libtest_mimic::{Arguments, Failed, Trial};
use skillbelt_engine::ops::LowRank;
use skillbelt_engine::{Keep, Pass, Precision};
use skillbelt_model::base::{self, Purpose};
use skillbelt_model::belt::Lora;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for folder in bases() {
        let name = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        add(
            &mut trials,
            format!("golden {name} outputs"),
            &folder,
            base_outputs,
        );
        add(
            &mut trials,
            format!("golden {name} gradients and steps"),
            &folder,
            base_training,
        );
        add(
            &mut trials,
            format!("golden {name} alone equals packed"),
            &folder,
            alone_is_packed,
        );
        add(
            &mut trials,
            format!("golden {name} recomputed equals kept"),
            &folder,
            recomputed,
        );
        add(
            &mut trials,
            format!("golden {name} oracle notices"),
            &folder,
            oracle_notices,
        );
        for belt in loras(&folder) {
            let kind = belt
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let name = format!("golden {name} {}", kind.unwrap_or_default());
            add(&mut trials, name.clone(), &belt, lora);
            add(
                &mut trials,
                format!("{name} oracle notices"),
                &belt,
                oracle_notices_lora,
            );
        }
    }
    let found = !trials.is_empty();
    trials.push(Trial::test(
        "golden folders were found",
        move || match found {
            true => Ok(()),
            false => Err("no golden folder: is SKILLBELT_GOLDEN right?".into()),
        },
    ));
    libtest_mimic::run(&arguments, trials).exit();
}

type Check = fn(&Path) -> Result<(), String>;

fn add(trials: &mut Vec<Trial>, name: String, folder: &Path, check: Check) {
    let folder: PathBuf = folder.to_owned();
    trials.push(Trial::test(name, move || {
        check(&folder).map_err(Failed::from)
    }));
}

/// Hidden states and logits, of the frozen base and of the trained one.
fn base_outputs(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    for purpose in [Purpose::frozen(Precision::F32), Purpose::full()] {
        let base = base::open(folder, purpose).map_err(text)?;
        compare_outputs(&*base.network, &reference.clone().normed_as(&base)?)?;
    }
    Ok(())
}

fn compare_outputs(
    network: &dyn skillbelt_model::base::Network,
    reference: &Reference,
) -> Result<(), String> {
    let found = outputs(network, reference)?;
    for (name, mat) in &found {
        compare(name, mat, reference.tensor(name)?)?;
    }
    let expected = reference.names("out.").count();
    match found.len() == expected {
        true => Ok(()),
        false => Err(format!(
            "{} outputs compared, the reference has {expected}",
            found.len()
        )),
    }
}

/// Loss, every gradient of full fine-tuning, and the losses of the steps.
fn base_training(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    let base = base::open(folder, Purpose::full()).map_err(text)?;
    let params = base.network.params();
    let (loss, grads) = gradients(&*base.network, &reference, Pass::recording())?;
    golden_oracle::close("loss", loss, reference.loss, golden_oracle::LOSS)?;
    compare_gradients(&params, &grads, &reference, |name| {
        format!("full.grad.{name}")
    })?;
    drop(grads);
    losses_of_steps(&*base.network, &params, &reference, &reference.full_losses)
}

/// Each sequence alone gives the very bits that it gives in the batch.
fn alone_is_packed(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    let base = base::open(folder, Purpose::frozen(Precision::F32)).map_err(text)?;
    let packed = outputs(&*base.network, &reference)?;
    let mut starts = vec![0; packed.len()];
    for place in 0..reference.inputs.len() {
        let alone = outputs(&*base.network, &reference.only(place))?;
        for (((name, alone), (_, packed)), start) in alone.iter().zip(&packed).zip(&mut starts) {
            let rows = &packed.data()[*start..*start + alone.len()];
            if rows != alone.data() {
                return Err(format!(
                    "{name} of sequence {place} depends on its neighbours"
                ));
            }
            *start += alone.len();
        }
    }
    Ok(())
}

/// Recomputing blocks changes no bit of any gradient, whichever way values are kept.
fn recomputed(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    let base = base::open(folder, Purpose::full()).map_err(text)?;
    for keep in [Keep::Exact, Keep::Half] {
        let run = |recompute: bool| {
            let pass = Pass::recording().with_keep(keep).with_recompute(recompute);
            gradients(&*base.network, &reference, pass)
        };
        let ((loss, kept), (again, recomputed)) = (run(false)?, run(true)?);
        if loss.to_bits() != again.to_bits() {
            return Err("the loss differs".into());
        }
        for param in base.network.params() {
            if kept.get(&param) != recomputed.get(&param) {
                return Err(format!(
                    "the gradient of {} differs ({keep:?})",
                    param.name()
                ));
            }
        }
    }
    Ok(())
}

/// A base whose norms are off by a little must not pass.
fn oracle_notices(folder: &Path) -> Result<(), String> {
    let base = base::open(folder, Purpose::full()).map_err(text)?;
    let reference = Reference::read(folder)?.normed_as(&base)?;
    let params = base.network.params();
    let norm = params
        .iter()
        .find(|param| param.name().to_lowercase().contains("norm") || param.name().contains("ln_"))
        .ok_or("no norm to falsify")?;
    norm.update(|weight| weight.scale(1.001));
    must_fail(compare_outputs(&*base.network, &reference))?;
    norm.update(|weight| weight.scale(1.0 / 1.001));
    let (_, mut grads) = gradients(&*base.network, &reference, Pass::recording())?;
    for grad in grads.iter_mut() {
        grad.scale(1.001);
    }
    must_fail(compare_gradients(&params, &grads, &reference, |name| {
        format!("full.grad.{name}")
    }))
}

fn must_fail(result: Result<(), String>) -> Result<(), String> {
    match result {
        Ok(()) => Err("the oracle did not notice a wrong formula".into()),
        Err(_) => Ok(()),
    }
}

/// Outputs, loss, gradients, steps and final weights of a LoRA on its base.
fn lora(folder: &Path) -> Result<(), String> {
    let (base_folder, reference) = Reference::read_belt(folder)?;
    let mut base = base::open(&base_folder, Purpose::frozen(Precision::F32)).map_err(text)?;
    let reference = reference.normed_as(&base)?;
    let belt = Lora::attach(folder, &mut *base.network, true).map_err(text)?;
    compare_outputs(&*base.network, &reference)?;
    let (loss, grads) = gradients(&*base.network, &reference, Pass::recording())?;
    golden_oracle::close("loss", loss, reference.loss, golden_oracle::LOSS)?;
    compare_gradients(&belt.params, &grads, &reference, peft_name("grad."))?;
    losses_of_steps(
        &*base.network,
        &belt.params,
        &reference,
        &reference.full_losses,
    )?;
    golden_oracle::compare_after(&belt.params, &grads, &reference, peft_name("after."))
}

/// `peft` puts the name of the adapter before the last part of a parameter's name.
fn peft_name(prefix: &'static str) -> impl Fn(&str) -> String {
    move |name| {
        let name = name.strip_suffix(".weight").unwrap_or(name);
        let weight = if name.is_empty() {
            ""
        } else {
            ".default.weight"
        };
        format!("{prefix}{name}{weight}")
    }
}

/// A LoRA without its scale must not pass.
fn oracle_notices_lora(folder: &Path) -> Result<(), String> {
    let (base_folder, reference) = Reference::read_belt(folder)?;
    let mut base = base::open(&base_folder, Purpose::frozen(Precision::F32)).map_err(text)?;
    let reference = reference.normed_as(&base)?;
    Lora::attach(folder, &mut *base.network, true).map_err(text)?;
    for linear in base.network.linears_mut().map_err(text)? {
        if let Some(LowRank { scale, .. }) = &mut linear.low_rank {
            *scale = 1.0;
        }
    }
    must_fail(compare_outputs(&*base.network, &reference))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
