//! A belt in the files of the library that it comes from: read, written anew, read back, compared.
//!
//! It converts no kind of belt into another.

use std::path::Path;

use skillbelt_engine::Precision;

use super::compare::Weights;
use super::error::{ADAPTERHUB, Error, PEFT, Result};
use super::folder::{rounding, shapes, stored, write_json};
use super::{Form, Report, Work};
use crate::Error as ModelError;
use crate::base::{self, Purpose};
use crate::belt::Belt;
use crate::checkpoint::write::{self, Stored};
use crate::checkpoint::{Checkpoint, ConfigFile};

const CONFIG: &str = "adapter_config.json";

/// Writes the belt's files, puts what was written on a base again, and compares.
pub(super) fn rewrite(work: Work<'_>, folder: &Path) -> Result<Report> {
    let form = work.order.form;
    let Some(belt) = &work.order.belt else {
        let reason = "it has nothing to write";
        return Err(Error::no_form("a base without a belt", name(form), reason));
    };
    let stored = stored(work.order.dtype, name(form))?;
    save(belt, form, stored, folder)?;
    (work.between)(folder);
    let (meant, written) = (open_weights(belt, form)?, open_weights(folder, form)?);
    let allowed = |_: &str, expected: &[f32], place: usize| rounding(stored, expected[place]);
    let weights = Weights::compare(&meant, &written, &shapes(&meant), allowed)?;
    let purpose = Purpose::frozen(Precision::F32);
    let mut network = base::open(&work.order.base, purpose)?.network;
    Belt::attach(folder, &mut *network, false)?;
    let found = work.expected.again(&*network)?;
    Ok(work.report(&found, Some(weights), Vec::new()))
}

fn name(form: Form) -> &'static str {
    match form {
        Form::AdapterHub => ADAPTERHUB,
        _ => PEFT,
    }
}

/// Writes a belt's configuration and weights into `folder` as its own library does: weights that
/// were pickled become safetensors, and everything else that lay in the belt's folder stays out.
fn save(belt: &Path, form: Form, stored: Stored, folder: &Path) -> Result<()> {
    let config = ConfigFile::open(&belt.join(CONFIG))?;
    let is_peft = config.has("peft_type");
    if is_peft != (form == Form::Peft) {
        let reason = match is_peft {
            true => "its kind is one of the peft library: use --to peft",
            false => "its kind is one of AdapterHub: use --to adapterhub",
        };
        return Err(Error::no_form("this belt", name(form), reason));
    }
    let weights = open_weights(belt, form)?;
    fs_err::create_dir(folder).map_err(|source| ModelError::io(folder, source))?;
    let file = folder.join(file_names(form)[0]);
    let numbers = |key: &str, shape: &[usize]| weights.read_f32(key, shape);
    write::streamed(&file, &shapes(&weights), stored, numbers)?;
    write_json(&folder.join(CONFIG), &config.object().clone().into())
}

/// The names that a library looks for, the preferred one first.
fn file_names(form: Form) -> [&'static str; 2] {
    match form {
        Form::AdapterHub => ["adapter.safetensors", "pytorch_adapter.bin"],
        _ => ["adapter_model.safetensors", "adapter_model.bin"],
    }
}

/// The weights of a belt's folder, under whichever of its library's names they are.
fn open_weights(belt: &Path, form: Form) -> Result<Checkpoint> {
    let paths = file_names(form).map(|name| belt.join(name));
    let found = paths.iter().find(|path| path.is_file());
    Ok(Checkpoint::open_file(found.unwrap_or(&paths[0]))?)
}
