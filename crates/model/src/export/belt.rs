//! A belt in the files of the library that it comes from: written as every belt is written, read
//! back, compared.
//!
//! It converts no kind of belt into another, and knows no file's layout but that of the second copy
//! which AdapterHub's own loader asks for.

use std::path::Path;

use skillbelt_engine::Precision;

use super::compare::Weights;
use super::error::{Error, Result};
use super::folder::shapes;
use super::{Dtype, Form, Report, Work, kinds};
use crate::base::{self, Purpose};
use crate::belt::{Belt, adapterhub};
use crate::checkpoint::Checkpoint;
use crate::checkpoint::write::{self, Tensor};

/// Writes the belt's files, puts what was written on a base again, and compares.
pub(super) fn write(work: Work<'_>, belt: &Belt, folder: &Path) -> Result<Report> {
    let form = work.order.form;
    if work.order.dtype != Dtype::F32 {
        let reason = "a belt's numbers are written as they were trained, in f32";
        let dtype = work.order.dtype.name();
        return Err(Error::no_form(dtype, kinds::name(form), reason));
    }
    belt.save(folder)?;
    if form == Form::AdapterHub {
        copy_as_torch(folder)?;
    }
    (work.between)(folder);
    let purpose = Purpose::frozen(Precision::F32);
    let mut network = base::open(&work.order.base, purpose)?.network;
    let written = Belt::attach(folder, &mut *network, false)?;
    let mut weights = compare(belt, &written);
    if form == Form::AdapterHub {
        let copies = compare_copies(folder)?;
        weights.strain = weights.strain.max(copies.strain);
    }
    let found = work.expected.again(&*network)?;
    Ok(work.report(&found, Some(weights), Vec::new()))
}

/// Numbers are written in f32 and must come back to the bit, each under its own name.
fn compare(meant: &Belt, written: &Belt) -> Weights {
    let mut weights = Weights::default();
    let pairs = meant.params().iter().zip(written.params());
    for (meant, written) in pairs {
        let (expected, found) = (meant.value(), written.value());
        weights.add(meant.name(), expected.data(), found.data(), &|_, _, _| 0.0);
        if meant.name() != written.name() || expected.shape() != found.shape() {
            weights.refuse(meant.name());
        }
    }
    if meant.params().len() != written.params().len() {
        weights.refuse(meant.kind_name());
    }
    weights
}

/// AdapterHub opens `adapter.safetensors` only where it is told to; what it asks for by itself is
/// the same weights in torch's own form.
fn copy_as_torch(folder: &Path) -> Result<()> {
    let safe = Checkpoint::open_file(&folder.join(adapterhub::SAFE))?;
    let keys = shapes(&safe);
    let numbers = keys.iter().map(|(key, shape)| safe.read_f32(key, shape));
    let numbers = numbers.collect::<crate::Result<Vec<_>>>()?;
    let pairs = keys.iter().zip(&numbers);
    let tensors = pairs.map(|((key, shape), numbers)| Tensor {
        key,
        shape,
        numbers,
    });
    let tensors: Vec<Tensor<'_>> = tensors.collect();
    Ok(write::torch(&folder.join(adapterhub::PICKLED), &tensors)?)
}

fn compare_copies(folder: &Path) -> Result<Weights> {
    let safe = Checkpoint::open_file(&folder.join(adapterhub::SAFE))?;
    let copy = Checkpoint::open_file(&folder.join(adapterhub::PICKLED))?;
    Weights::compare(&safe, &copy, &shapes(&safe), |_, _, _| 0.0)
}
