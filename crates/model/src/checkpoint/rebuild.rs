//! The closed list of names that a pickled checkpoint may use, and what each of them makes.
//!
//! Nothing here calls anything that a file names: a name that is on the list stands for one of
//! the few constructors below, which take plain data and give a description of a tensor.

use super::heap::{Handle, Heap, Storage, Value};
use super::view::Dtype;

/// A name that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Global {
    OrderedDict,
    /// Storage, offset, size, stride.
    RebuildTensor,
    /// The same with whether a gradient is wanted, and hooks, of which there may be none.
    RebuildTensorV2,
    RebuildParameter,
    /// The kind of a storage's numbers.
    Storage(Dtype),
}

impl Global {
    /// The meaning of a module and a name, if they are on the list.
    pub fn find(module: &str, name: &str) -> Option<Global> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensorV2,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("torch", "DoubleStorage") => Global::Storage(Dtype::F64),
            ("torch", "FloatStorage") => Global::Storage(Dtype::F32),
            ("torch", "HalfStorage") => Global::Storage(Dtype::F16),
            ("torch", "BFloat16Storage") => Global::Storage(Dtype::Bf16),
            ("torch", "LongStorage") => Global::Storage(Dtype::I64),
            ("torch", "IntStorage") => Global::Storage(Dtype::I32),
            ("torch", "ShortStorage") => Global::Storage(Dtype::I16),
            ("torch", "CharStorage") => Global::Storage(Dtype::I8),
            ("torch", "ByteStorage") => Global::Storage(Dtype::U8),
            ("torch", "BoolStorage") => Global::Storage(Dtype::Bool),
            _ => return None,
        })
    }
}

/// A tensor as the pickle describes it; nothing of it has been compared with the storage yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor<'a> {
    pub storage: Storage<'a>,
    /// Numbers of the storage before the tensor's first.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// Result of a call: a new value, or one that is already there.
pub(crate) enum Made<'a> {
    New(Value<'a>),
    Known(Handle),
}

/// What was expected and what was found, to be joined with path and byte by the machine.
type Mismatch = (&'static str, String);
type Outcome<T> = std::result::Result<T, Mismatch>;

fn mismatch<T>(expected: &'static str, found: &Value<'_>) -> Outcome<T> {
    Err((expected, found.describe()))
}

/// `('storage', kind, key, device, count)`, in the legacy form followed by a view, always None.
pub(crate) fn storage<'a>(heap: &Heap<'a>, id: Handle) -> Outcome<Storage<'a>> {
    const EXPECTED: &str = "a storage: its kind, key, device and size";
    let whole = heap.get(id);
    let Value::Tuple(parts) = whole else {
        return mismatch(EXPECTED, whole);
    };
    let (parts, view) = match parts[..] {
        [a, b, c, d, e] => ([a, b, c, d, e], None),
        [a, b, c, d, e, view] => ([a, b, c, d, e], Some(view)),
        _ => return mismatch(EXPECTED, whole),
    };
    if let Some(view) = view
        .map(|view| heap.get(view))
        .filter(|view| **view != Value::None)
    {
        return mismatch("a storage that is no view of another", view);
    }
    match parts.map(|part| heap.get(part)) {
        [
            Value::Text("storage"),
            &Value::Global(Global::Storage(dtype)),
            &Value::Text(key),
            Value::Text(_),
            &Value::Int(count),
        ] => match usize::try_from(count) {
            Ok(count) => Ok(Storage { dtype, key, count }),
            Err(_) => mismatch("a size of at least 0", &Value::Int(count)),
        },
        _ => mismatch(EXPECTED, whole),
    }
}

/// Calls a name on the list with a tuple of arguments.
pub(crate) fn call<'a>(heap: &Heap<'a>, what: Handle, arguments: Handle) -> Outcome<Made<'a>> {
    let global = match heap.get(what) {
        Value::Global(global) => *global,
        other => return mismatch("a name to call", other),
    };
    let whole = heap.get(arguments);
    let Value::Tuple(arguments) = whole else {
        return mismatch("a tuple of arguments", whole);
    };
    match (global, &arguments[..]) {
        (Global::OrderedDict, []) => Ok(Made::New(Value::Dict(Vec::new()))),
        (Global::RebuildTensor, [storage, offset, shape, strides]) => {
            tensor(heap, [*storage, *offset, *shape, *strides])
        }
        (Global::RebuildTensorV2, [storage, offset, shape, strides, gradient, rest @ ..])
            if (1..=2).contains(&rest.len()) =>
        {
            expect_bool(heap, *gradient)?;
            for extra in rest {
                expect_nothing(heap, *extra)?;
            }
            tensor(heap, [*storage, *offset, *shape, *strides])
        }
        (Global::RebuildParameter, [data, gradient, hooks]) => {
            expect_bool(heap, *gradient)?;
            expect_nothing(heap, *hooks)?;
            match heap.get(*data) {
                Value::Tensor(_) => Ok(Made::Known(*data)),
                other => mismatch("a tensor", other),
            }
        }
        _ => Err((
            "the arguments of a tensor",
            format!("{global:?} with {}", arguments.len()),
        )),
    }
}

fn tensor<'a>(heap: &Heap<'a>, parts: [Handle; 4]) -> Outcome<Made<'a>> {
    let [storage, offset, shape, strides] = parts;
    let storage = match heap.get(storage) {
        Value::Storage(storage) => *storage,
        other => return mismatch("a storage", other),
    };
    Ok(Made::New(Value::Tensor(Box::new(Tensor {
        storage,
        offset: size(heap, offset)?,
        shape: sizes(heap, shape)?,
        strides: sizes(heap, strides)?,
    }))))
}

fn size(heap: &Heap<'_>, handle: Handle) -> Outcome<usize> {
    let value = heap.get(handle);
    match value {
        Value::Int(number) => usize::try_from(*number).or_else(|_| mismatch("a size", value)),
        _ => mismatch("a size", value),
    }
}

fn sizes(heap: &Heap<'_>, handle: Handle) -> Outcome<Vec<usize>> {
    match heap.get(handle) {
        Value::Tuple(items) if items.len() <= super::view::MAX_RANK => {
            items.iter().map(|&item| size(heap, item)).collect()
        }
        other => mismatch("a tuple of few sizes", other),
    }
}

fn expect_bool(heap: &Heap<'_>, handle: Handle) -> Outcome<()> {
    match heap.get(handle) {
        Value::Bool(_) => Ok(()),
        other => mismatch("true or false", other),
    }
}

/// Hooks would be code, and metadata (a lazily negated tensor) would change the numbers.
fn expect_nothing(heap: &Heap<'_>, handle: Handle) -> Outcome<()> {
    match heap.get(handle) {
        Value::None => Ok(()),
        Value::Dict(pairs) if pairs.is_empty() => Ok(()),
        other => mismatch("no hooks and no metadata", other),
    }
}
