//! A belt in the files of the library that it comes from: read, written anew, read back, compared.
//!
//! It converts no kind of belt into another.

use std::path::Path;

use skillbelt_engine::Precision;

use super::error::{ADAPTERHUB, Error, PEFT, Result};
use super::{Dtype, Form, Report, Work};
use crate::Error as ModelError;
use crate::base::{self, Purpose};
use crate::belt::Belt;
use crate::checkpoint::write::{self, Stored};
use crate::checkpoint::{Checkpoint, ConfigFile};

const CONFIG: &str = "adapter_config.json";

/// Writes the belt's files, puts what was written on a base again, and compares.
pub(super) fn rewrite(work: Work<'_>, folder: &Path) -> Result<Report> {
    let Some(belt) = &work.order.belt else {
        let form = name(work.order.form);
        return Err(Error::no_form("a base without a belt", form, "it has nothing to write"));
    };
    save(belt, work.order.form, work.order.dtype, folder)?;
    let purpose = Purpose::frozen(Precision::F32);
    let mut network = base::open(&work.order.base, purpose)?.network;
    Belt::attach(folder, &mut *network, false)?;
    let found = work.expected.again(&*network)?;
    Ok(work.report(&found, None, Vec::new()))
}

fn name(form: Form) -> &'static str {
    match form {
        Form::AdapterHub => ADAPTERHUB,
        _ => PEFT,
    }
}

/// Writes a belt's configuration and weights into `folder` as its own library does: weights that
/// were pickled become safetensors, and everything else that lay in the belt's folder stays out.
fn save(belt: &Path, form: Form, dtype: Dtype, folder: &Path) -> Result<()> {
    let config = ConfigFile::open(&belt.join(CONFIG))?;
    let is_peft = config.has("peft_type");
    if is_peft != (form == Form::Peft) {
        let reason = match is_peft {
            true => "its kind is one of the peft library: use --to peft",
            false => "its kind is one of AdapterHub: use --to adapterhub",
        };
        return Err(Error::no_form("this belt", name(form), reason));
    }
    let stored = match dtype {
        Dtype::F32 => Stored::F32,
        Dtype::F16 => Stored::F16,
        Dtype::Bf16 => Stored::Bf16,
        Dtype::Q8 => return Err(Error::no_form("q8_0", name(form), "its weights are floats")),
    };
    let weights = open_weights(belt, form)?;
    let shapes: Vec<(String, Vec<usize>)> = weights
        .keys()
        .map(|key| (key.to_owned(), weights.shape(key).unwrap_or_default().to_vec()))
        .collect();
    fs_err::create_dir(folder).map_err(|source| ModelError::io(folder, source))?;
    let file = match form {
        Form::AdapterHub => "adapter.safetensors",
        _ => "adapter_model.safetensors",
    };
    let numbers = |key: &str, shape: &[usize]| weights.read_f32(key, shape);
    write::streamed(&folder.join(file), &shapes, stored, numbers)?;
    super::folder::write_json(&folder.join(CONFIG), &config.object().clone().into())
}

/// The weights of a belt's folder, under whichever of its library's names they are.
fn open_weights(belt: &Path, form: Form) -> Result<Checkpoint> {
    let names: &[&str] = match form {
        Form::AdapterHub => &["adapter.safetensors", "pytorch_adapter.bin"],
        _ => &["adapter_model.safetensors", "adapter_model.bin"],
    };
    let found = names.iter().map(|name| belt.join(name)).find(|path| path.is_file());
    let path = found.unwrap_or_else(|| belt.join(names[0]));
    Ok(Checkpoint::open_file(&path)?)
}
