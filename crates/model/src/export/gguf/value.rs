//! A setting in a GGUF file, and its form in bytes.

use std::io::{self, Write};

/// The value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    Text(String),
    /// Values of one type; lists in lists are not read.
    List(Vec<Value>),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// A file's number for the type of a list.
pub const LIST: u32 = 9;

impl Value {
    /// The file's number for the type.
    pub fn type_id(&self) -> u32 {
        match self {
            Value::U8(_) => 0,
            Value::I8(_) => 1,
            Value::U16(_) => 2,
            Value::I16(_) => 3,
            Value::U32(_) => 4,
            Value::I32(_) => 5,
            Value::F32(_) => 6,
            Value::Bool(_) => 7,
            Value::Text(_) => 8,
            Value::List(_) => LIST,
            Value::U64(_) => 10,
            Value::I64(_) => 11,
            Value::F64(_) => 12,
        }
    }

    /// A whole number of any type that is not below nought.
    pub fn count(&self) -> Option<u64> {
        match self {
            Value::U8(number) => Some(u64::from(*number)),
            Value::U16(number) => Some(u64::from(*number)),
            Value::U32(number) => Some(u64::from(*number)),
            Value::U64(number) => Some(*number),
            Value::I32(number) => u64::try_from(*number).ok(),
            Value::I64(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    pub fn float(&self) -> Option<f64> {
        match self {
            Value::F32(number) => Some(f64::from(*number)),
            Value::F64(number) => Some(*number),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes after the type.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Value::U8(number) => out.write_all(&[*number]),
            Value::I8(number) => out.write_all(&number.to_le_bytes()),
            Value::U16(number) => out.write_all(&number.to_le_bytes()),
            Value::I16(number) => out.write_all(&number.to_le_bytes()),
            Value::U32(number) => out.write_all(&number.to_le_bytes()),
            Value::I32(number) => out.write_all(&number.to_le_bytes()),
            Value::F32(number) => out.write_all(&number.to_le_bytes()),
            Value::Bool(flag) => out.write_all(&[u8::from(*flag)]),
            Value::Text(text) => write_text(text, out),
            Value::U64(number) => out.write_all(&number.to_le_bytes()),
            Value::I64(number) => out.write_all(&number.to_le_bytes()),
            Value::F64(number) => out.write_all(&number.to_le_bytes()),
            Value::List(list) => {
                // An empty list has no type of its own; any will do.
                let kind = list.first().map_or(4, Value::type_id);
                out.write_all(&kind.to_le_bytes())?;
                out.write_all(&(list.len() as u64).to_le_bytes())?;
                list.iter().try_for_each(|value| value.write(out))
            }
        }
    }
}

/// A length, and the bytes.
pub fn write_text(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(text.as_bytes())
}
