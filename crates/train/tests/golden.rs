//! Every golden base and every golden belt against the reference libraries: hidden states, logits,
//! loss, every gradient, and the losses of three AdamW steps.
//!
//! One test per folder of `tests/golden` (or of the folder that `SKILLBELT_GOLDEN` names, of the
//! same layout) and per belt in it, so that a failure says which. Beside them stand the proofs that
//! the oracle can fail: the same comparison with a wrong formula must.

mod golden_belts;
mod golden_files;
mod golden_oracle;

use std::path::{Path, PathBuf};

use golden_files::{Reference, bases, belts};
use golden_oracle::{compare, compare_gradients, gradients, losses_of_steps, outputs};
use libtest_mimic::{Arguments, Failed, Trial};
use skillbelt_engine::{Pass, Precision};
use skillbelt_model::base::{self, Purpose};

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
        for belt in belts(&folder) {
            let kind = belt
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let name = format!("golden {name} {}", kind.unwrap_or_default());
            for (what, check) in golden_belts::CHECKS {
                add(&mut trials, format!("{name} {what}"), &belt, check);
            }
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
    compare_gradients(&params, &grads, &reference, "full.grad.", str::to_owned)?;
    drop(grads);
    losses_of_steps(&*base.network, &params, &reference, &reference.full_losses)
}

/// Each sequence alone gives the very bits that it gives in the batch.
fn alone_is_packed(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    let base = base::open(folder, Purpose::frozen(Precision::F32)).map_err(text)?;
    golden_oracle::alone_is_packed(&*base.network, &reference)
}

/// Recomputing blocks changes no bit of any gradient, whichever way values are kept.
fn recomputed(folder: &Path) -> Result<(), String> {
    let reference = Reference::read(folder)?;
    let base = base::open(folder, Purpose::full()).map_err(text)?;
    golden_oracle::recomputed_is_kept(&*base.network, &base.network.params(), &reference)
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
    let wrong = compare_gradients(&params, &grads, &reference, "full.grad.", str::to_owned);
    must_fail(wrong)
}

fn must_fail(result: Result<(), String>) -> Result<(), String> {
    match result {
        Ok(()) => Err("the oracle did not notice a wrong formula".into()),
        Err(_) => Ok(()),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
