//! The tables of an index in a file, and how a file is told to be one.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::index::error::{Error, Result};

/// Says in the file's head that it is ours: "SkBx".
const APPLICATION: i64 = 0x536b_4278;

/// The form of the tables; a file of another form has another name, too.
pub const FORM: i64 = 1;

/// Words are found by their stems (`porter`) because questions are asked in prose, and by letters
/// without accents. Names, words of documentation and of code are columns of their own, so that they
/// can be weighed; of the texts themselves nothing is kept, because the files are there. Numbers
/// of functions and encoders are never given twice, for other processes may still hold old ones.
const TABLES: &str = "
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    language TEXT NOT NULL,
    unread TEXT
) STRICT;
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE functions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file INTEGER NOT NULL REFERENCES files,
    text INTEGER NOT NULL REFERENCES texts,
    name TEXT NOT NULL,
    within TEXT,
    signature TEXT NOT NULL,
    line INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    is_test INTEGER NOT NULL
) STRICT;
CREATE INDEX functions_of_file ON functions (file);
CREATE INDEX functions_of_text ON functions (text);
CREATE TABLE encoders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    used INTEGER NOT NULL
) STRICT;
CREATE TABLE vectors (
    encoder INTEGER NOT NULL,
    text INTEGER NOT NULL,
    scale REAL NOT NULL,
    numbers BLOB NOT NULL,
    PRIMARY KEY (encoder, text)
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    name, place, documentation, code,
    content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);
";

/// Makes the tables in an empty file, and refuses a file with other ones. One process at a time makes
/// them, which the caller sees to.
pub fn prepare(connection: &mut Connection, path: &Path) -> Result<()> {
    let told = Error::sqlite(path);
    let number = |connection: &Connection, pragma: &str| -> Result<i64> {
        let row = connection.pragma_query_value(None, pragma, |row| row.get(0));
        row.map_err(&told)
    };
    let objects = |connection: &Connection| -> Result<i64> {
        let count = "SELECT count(*) FROM sqlite_schema";
        connection
            .query_row(count, [], |row| row.get(0))
            .map_err(&told)
    };
    if number(connection, "user_version")? == 0 && objects(connection)? == 0 {
        // A page holds a row with a vector of any usual width, and words by thousands.
        connection
            .pragma_update(None, "page_size", 8192)
            .map_err(&told)?;
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(&told)?;
        let behaviour = TransactionBehavior::Immediate;
        let transaction = connection
            .transaction_with_behavior(behaviour)
            .map_err(&told)?;
        if objects(&transaction)? == 0 {
            transaction.execute_batch(TABLES).map_err(&told)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION)
                .map_err(&told)?;
            transaction
                .pragma_update(None, "user_version", FORM)
                .map_err(&told)?;
        }
        transaction.commit().map_err(&told)?;
    }
    let (form, ours) = (
        number(connection, "user_version")?,
        number(connection, "application_id")?,
    );
    if (form, ours) != (FORM, APPLICATION) {
        let told = format_args!(
            "{}: expected an index of form {FORM}, found another kind of file",
            path.display()
        );
        return Err(Error::told(told).with_hint("name another file with --index"));
    }
    // What a killed process wrote is in the log; only a machine that fails could lose the last calls.
    connection
        .pragma_update(None, "synchronous", "normal")
        .map_err(&told)?;
    connection
        .pragma_update(None, "mmap_size", 1i64 << 30)
        .map_err(&told)?;
    connection
        .pragma_update(None, "cache_size", -65536)
        .map_err(&told)
}
