//! The values that one pickle makes: plain data, and descriptions of storages and tensors.
//!
//! There is no value that could be called by its content, and none that owns numbers of a tensor.

use super::rebuild::{Global, Tensor};
use super::view::Dtype;

/// Values made by one pickle.
pub const MAX_VALUES: usize = 1 << 21;

/// A value's place in the [`Heap`]. Two handles may be one value, as two names may be in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle(u32);

/// What a pickle can make here. Texts are the file's own bytes.
#[derive(Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Tuple(Vec<Handle>),
    List(Vec<Handle>),
    /// Pairs in the order of the file; a key may still be there twice.
    Dict(Vec<(Handle, Handle)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor(Box<Tensor<'a>>),
}

/// Numbers that lie elsewhere in the file, under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Storage<'a> {
    pub dtype: Dtype,
    pub key: &'a str,
    /// How many numbers.
    pub count: usize,
}

impl Value<'_> {
    /// The value as messages show it.
    pub fn describe(&self) -> String {
        match self {
            Value::None => "None".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => {
                let shown: String = text.chars().take(60).collect();
                format!("the text `{}`", shown.escape_debug())
            }
            Value::Tuple(items) => format!("a tuple of {}", items.len()),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Dict(pairs) => format!("a dictionary of {}", pairs.len()),
            Value::Global(global) => format!("the name of {global:?}"),
            Value::Storage(storage) => format!("the storage {}", storage.key.escape_debug()),
            Value::Tensor(tensor) => format!("a tensor of shape {:?}", tensor.shape),
        }
    }
}

/// All values of one pickle. It only grows, so that no sharing or cycle needs to be followed.
#[derive(Debug, Default)]
pub(crate) struct Heap<'a>(Vec<Value<'a>>);

impl<'a> Heap<'a> {
    /// Keeps a value; `None` where there are too many.
    pub fn add(&mut self, value: Value<'a>) -> Option<Handle> {
        if self.0.len() == MAX_VALUES {
            return None;
        }
        let handle = Handle(self.0.len() as u32);
        self.0.push(value);
        Some(handle)
    }

    pub fn get(&self, handle: Handle) -> &Value<'a> {
        // Handles come only from `add`, on the same heap, which never shrinks.
        &self.0[handle.0 as usize]
    }

    /// Every storage that the pickle speaks of, used or not.
    pub fn storages(&self) -> impl Iterator<Item = Storage<'a>> {
        self.0.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(*storage),
            _ => None,
        })
    }

    pub fn get_mut(&mut self, handle: Handle) -> &mut Value<'a> {
        &mut self.0[handle.0 as usize]
    }
}
