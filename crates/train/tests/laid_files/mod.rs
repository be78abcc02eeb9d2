//! Files of rows for tests, in a folder of their own, and what reading them gave.

// What one test file does not ask, another does.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use skillbelt_train::Error;
use skillbelt_train::data::{Rejection, Row, Split, read};
use skillbelt_train::recipe::{SplitFiles, TaskSettings, TaskType};

pub struct Folder(tempfile::TempDir);

/// What reading gave until its end or its error.
pub struct Read {
    pub rows: Vec<Row>,
    pub rejections: Vec<Rejection>,
    pub error: Option<Error>,
}

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs_err::write(self.path(name), bytes).unwrap();
    }

    pub fn gzip(&self, bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    /// Reads the training split; an error is kept, with what came before it.
    pub fn try_read(&self, task: &TaskSettings) -> Read {
        let mut read = Read {
            rows: Vec::new(),
            rejections: Vec::new(),
            error: None,
        };
        let (rows, rejections) = (&mut read.rows, &mut read.rejections);
        let done = read::rows("t", task, Split::Train, &mut |row| {
            match row {
                Ok(row) => rows.push(row),
                Err(rejection) => rejections.push(rejection),
            }
            Ok(())
        });
        read.error = done.err();
        read
    }

    pub fn read(&self, task: &TaskSettings) -> Read {
        let read = self.try_read(task);
        if let Some(error) = read.error {
            panic!("{error}");
        }
        read
    }
}

pub fn settings(kind: TaskType, folder: &Folder, names: &[&str]) -> TaskSettings {
    let files: Vec<PathBuf> = names.iter().map(|name| folder.path(name)).collect();
    TaskSettings {
        kind: Some(kind),
        train: Some(SplitFiles::Many(files)),
        ..TaskSettings::default()
    }
}

/// A Parquet file of two columns of text, in row groups of two rows, packed with zstd.
pub fn parquet(rows: &[(&str, &str)]) -> Vec<u8> {
    parquet_packed(rows, Compression::ZSTD(Default::default()))
}

pub fn parquet_packed(rows: &[(&str, &str)], packing: Compression) -> Vec<u8> {
    let schema = "message rows { required binary func (UTF8); optional binary target (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(packing).build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for rows in rows.chunks(2) {
        let mut group = writer.next_row_group().unwrap();
        let columns: [Vec<&str>; 2] = [
            rows.iter().map(|row| row.0).collect(),
            rows.iter().map(|row| row.1).collect(),
        ];
        for (number, column) in columns.iter().enumerate() {
            let values: Vec<ByteArray> = column.iter().map(|text| ByteArray::from(*text)).collect();
            let mut writer = group.next_column().unwrap().unwrap();
            let present = vec![1; values.len()];
            let levels = (number == 1).then_some(present.as_slice());
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, levels, None)
                .unwrap();
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}
