//! Which kind of belt has which form, and why the others have none.
//!
//! Everything that is refused for its kind is refused here, by name, before anything is written.

use super::Form;
use super::error::{ADAPTERHUB, Error, GGUF, GGUF_LORA, MERGED, PEFT, Result};
use crate::belt::Belt;
use crate::belt::prefix::Library;

const USE_PEFT: &str = "export it with --to peft, and run it beside its base";
const USE_ADAPTERHUB: &str = "export it with --to adapterhub, and run it beside its base";
const USE_MERGED: &str = "--to merged writes the base's folder with the trained weights";
const USE_GGUF: &str = "--to gguf writes the base with the belt in its weights";
const USE_HERE: &str = "only skillbelt runs this kind: keep the belt's own folder";

/// The name of a form in messages.
pub(super) fn name(form: Form) -> &'static str {
    match form {
        Form::Peft => PEFT,
        Form::AdapterHub => ADAPTERHUB,
        Form::Merged => MERGED,
        Form::Gguf | Form::GgufBase => GGUF,
        Form::GgufLora => GGUF_LORA,
    }
}

/// Refuses a kind of belt that a form cannot say.
pub(super) fn expect_form(belt: &Belt, form: Form) -> Result<()> {
    let refusal = match form {
        Form::Peft | Form::AdapterHub => in_library(belt, form),
        Form::Merged | Form::Gguf | Form::GgufBase => merged(belt),
        Form::GgufLora => gguf_lora(belt),
    };
    match refusal {
        None => Ok(()),
        Some((reason, hint)) => Err(Error::NoFormOfKind {
            kind: belt.kind_name(),
            form: name(form),
            reason,
            hint,
        }),
    }
}

/// Why, and what may be done about it.
type Refusal = (&'static str, &'static str);

/// Whose library has a kind.
fn library(belt: &Belt) -> Option<Form> {
    match belt {
        Belt::Lora(_) => Some(Form::Peft),
        Belt::Bottleneck(_) => Some(Form::AdapterHub),
        Belt::Prefix(belt) => Some(match belt.config.library {
            Library::Peft => Form::Peft,
            Library::AdapterHub => Form::AdapterHub,
        }),
        Belt::TaskLora(_) | Belt::Full(_) => None,
    }
}

fn in_library(belt: &Belt, form: Form) -> Option<Refusal> {
    match (library(belt), belt) {
        (Some(library), _) if library == form => None,
        (Some(Form::Peft), _) => Some(("it is one of the peft library's", USE_PEFT)),
        (Some(_), _) => Some(("it is one of AdapterHub's", USE_ADAPTERHUB)),
        (None, Belt::Full(_)) => Some(("it is the base itself, trained", USE_MERGED)),
        (None, _) => Some(("no library knows paths that tasks share", USE_HERE)),
    }
}

fn merged(belt: &Belt) -> Option<Refusal> {
    let hint = match library(belt) {
        Some(Form::Peft) => USE_PEFT,
        _ => USE_ADAPTERHUB,
    };
    match belt {
        Belt::Lora(_) | Belt::Full(_) => None,
        Belt::Bottleneck(_) => Some((
            "an adapter is a part of its own, no change of weights",
            hint,
        )),
        Belt::Prefix(_) => Some(("a prefix is keys and values, no change of weights", hint)),
        Belt::TaskLora(_) => Some(("each task changes the weights in another way", USE_HERE)),
    }
}

fn gguf_lora(belt: &Belt) -> Option<Refusal> {
    match belt {
        Belt::Lora(belt) if belt.config.dora => Some(("llama.cpp has no magnitudes", USE_GGUF)),
        Belt::Full(_) => Some(("it is no change of low rank", USE_GGUF)),
        other => merged(other),
    }
}
