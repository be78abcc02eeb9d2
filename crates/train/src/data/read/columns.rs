//! Parquet. Rows come one at a time, numbered from one; pages are held, whole files are not.

use std::path::Path;
use std::sync::Arc;

use parquet::file::reader::SerializedFileReader;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use serde_json::{Number, Value};
use skillbelt_model::tokenizer::quiet::quietly;

use super::Records;
use super::defect::{Defect, NOT_UTF8, Sound};
use super::object::Fields;
use super::open::{Packing, no_rows, open_file, refusal};
use crate::data::Place;
use crate::error::{Error, Result};

/// Reads every row. Damage that the library answers with a panic is an error here like any other.
pub fn records(path: &Path, sink: &mut Records<'_>) -> Result<()> {
    if Packing::named(path) != Packing::Plain {
        return Err(refusal(path, "a packed Parquet file")
            .with_hint("unpack it: Parquet is compressed inside, and is read from both ends"));
    }
    let file = open_file(path)?;
    if file
        .metadata()
        .map_err(|error| Error::io(path, error))?
        .len()
        == 0
    {
        return Err(no_rows(path));
    }
    let reader = contained(path, 0, || SerializedFileReader::new(file))?;
    let mut rows = contained(path, 0, || {
        RowIter::from_file_into(Box::new(reader)).project(None)
    })?;
    let path: Arc<Path> = Arc::from(path);
    let mut number = 0;
    while let Some(row) = contained(&path, number, || rows.next().transpose())? {
        number += 1;
        let place = Place {
            file: Arc::clone(&path),
            line: number,
        };
        sink(place, fields(&row))?;
    }
    match number {
        0 => Err(no_rows(&path)),
        _ => Ok(()),
    }
}

fn contained<T>(
    path: &Path,
    after: u64,
    work: impl FnOnce() -> parquet::errors::Result<T>,
) -> Result<T> {
    let done = match quietly(work) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(panic),
    };
    done.map_err(|words| {
        refusal(
            path,
            format_args!("not a sound Parquet file (after row {after}): {words}"),
        )
        .with_hint("the file is damaged or of another kind: copy or make it again")
    })
}

fn fields(row: &Row) -> Sound<Fields> {
    row.get_column_iter()
        .map(|(name, field)| Ok((name.clone(), value(field)?)))
        .collect()
}

fn value(field: &Field) -> Sound<Value> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(truth) => Value::Bool(*truth),
        Field::Byte(number) => Value::from(*number),
        Field::Short(number) => Value::from(*number),
        Field::Int(number) => Value::from(*number),
        Field::Long(number) => Value::from(*number),
        Field::UByte(number) => Value::from(*number),
        Field::UShort(number) => Value::from(*number),
        Field::UInt(number) => Value::from(*number),
        Field::ULong(number) => Value::from(*number),
        Field::Float(number) => float(f64::from(*number)),
        Field::Double(number) => float(*number),
        Field::Str(text) => Value::from(text.as_str()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::from(text),
            Err(error) => {
                return Err(Defect::new(
                    NOT_UTF8,
                    format!("offset {} of the cell", error.valid_up_to()),
                ));
            }
        },
        Field::Group(row) => Value::Object(fields(row)?),
        Field::ListInternal(list) => {
            Value::Array(list.elements().iter().map(value).collect::<Sound<_>>()?)
        }
        other => Value::from(other.to_string()),
    })
}

/// NaN stays recognisable, so that it is rejected as one.
fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
}
