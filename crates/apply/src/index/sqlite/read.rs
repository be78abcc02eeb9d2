//! Questions to the tables. Nothing is written but what belongs to one connection alone.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checkout::Hash;
use crate::index::fuse::Scored;
use crate::index::query::Query;
use crate::index::store::{Coverage, KeptFile, KeptFunction, Lacking, Size};
use crate::index::table::Rounded;

/// How much a word counts by where it stands: name, place, documentation, code. Chosen on the
/// questions for development of CoSQA (docs/search.md).
const WEIGHTS: &str = "3.0, 1.0, 1.0, 1.0";

const FILE: &str = "id, path, hash, language, unread";
const FUNCTION: &str = "functions.id, file, texts.hash, name, within, signature, line, first, last, \
                        is_test FROM functions JOIN texts ON texts.id = text";

/// A column that holds a hash.
pub fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(Hash::from(bytes))
}

fn file(row: &Row<'_>) -> rusqlite::Result<KeptFile> {
    Ok(KeptFile {
        id: row.get(0)?,
        path: row.get(1)?,
        hash: hash(row, 2)?,
        language: row.get(3)?,
        unread: row.get(4)?,
    })
}

fn function(row: &Row<'_>) -> rusqlite::Result<KeptFunction> {
    Ok(KeptFunction {
        id: row.get(0)?,
        file: row.get(1)?,
        text: hash(row, 2)?,
        name: row.get(3)?,
        within: row.get(4)?,
        signature: row.get(5)?,
        line: row.get(6)?,
        lines: (row.get(7)?, row.get(8)?),
        is_test: row.get(9)?,
    })
}

pub fn files(connection: &Connection) -> rusqlite::Result<Vec<KeptFile>> {
    let text = format!("SELECT {FILE} FROM files ORDER BY id");
    connection
        .prepare_cached(&text)?
        .query_map([], file)?
        .collect()
}

pub fn file_of(connection: &Connection, id: i64) -> rusqlite::Result<Option<KeptFile>> {
    let text = format!("SELECT {FILE} FROM files WHERE id = ?1");
    connection
        .prepare_cached(&text)?
        .query_row([id], file)
        .optional()
}

pub fn size(connection: &Connection) -> rusqlite::Result<Size> {
    let count = |text: &str| connection.query_row(text, [], |row| row.get::<_, u64>(0));
    Ok(Size {
        files: count("SELECT count(*) FROM files WHERE unread IS NULL")?,
        functions: count("SELECT count(*) FROM functions")?,
        bytes: count("PRAGMA page_count")? * count("PRAGMA page_size")?,
    })
}

/// The files that an answer may come from, in a table of this connection alone.
fn restrict(connection: &Connection, of: &[i64]) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS wanted (file INTEGER PRIMARY KEY); DELETE FROM wanted;",
    )?;
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO wanted VALUES (?1)")?;
    of.iter()
        .try_for_each(|file| insert.execute([file]).map(|_| ()))
}

pub fn by_words(
    connection: &mut Connection,
    query: &Query,
    of: Option<&[i64]>,
    most: usize,
) -> rusqlite::Result<Vec<Scored>> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = connection.transaction()?;
    if let Some(of) = of {
        restrict(&transaction, of)?;
    }
    let wanted = match of {
        Some(_) => "AND rowid IN (SELECT id FROM functions WHERE file IN wanted)",
        None => "",
    };
    let text = format!(
        "SELECT rowid, -bm25(words, {WEIGHTS}) AS score FROM words WHERE words MATCH ?1 {wanted} \
         ORDER BY score DESC, rowid LIMIT ?2"
    );
    let scored = |row: &Row<'_>| {
        Ok(Scored {
            id: row.get(0)?,
            score: row.get(1)?,
        })
    };
    let found = transaction
        .prepare_cached(&text)?
        .query_map(params![query.fts5(), most as i64], scored)?
        .collect::<rusqlite::Result<Vec<Scored>>>()?;
    transaction.commit()?;
    Ok(found)
}

pub fn functions(connection: &Connection, ids: &[i64]) -> rusqlite::Result<Vec<KeptFunction>> {
    let text = format!("SELECT {FUNCTION} WHERE functions.id = ?1");
    let mut statement = connection.prepare_cached(&text)?;
    let one = |id: &i64| statement.query_row([id], function).optional().transpose();
    ids.iter().filter_map(one).collect()
}

pub fn around(
    connection: &Connection,
    path: &str,
    line: usize,
) -> rusqlite::Result<Vec<KeptFunction>> {
    let text = format!(
        "SELECT {FUNCTION} WHERE file = (SELECT id FROM files WHERE path = ?1) \
         AND first <= ?2 AND last >= ?2 ORDER BY first, last DESC, functions.id"
    );
    let mut statement = connection.prepare_cached(&text)?;
    statement
        .query_map(params![path, line as i64], function)?
        .collect()
}

pub fn functions_of_path(
    connection: &Connection,
    path: &str,
) -> rusqlite::Result<Option<Vec<KeptFunction>>> {
    let file = connection
        .prepare_cached("SELECT id FROM files WHERE path = ?1")?
        .query_row([path], |row| row.get::<_, i64>(0))
        .optional()?;
    let Some(file) = file else { return Ok(None) };
    let text = format!("SELECT {FUNCTION} WHERE file = ?1 ORDER BY functions.id");
    let mut statement = connection.prepare_cached(&text)?;
    let functions = statement.query_map([file], function)?;
    functions.collect::<rusqlite::Result<Vec<_>>>().map(Some)
}

pub fn rarity(
    connection: &Connection,
    words: &[String],
) -> rusqlite::Result<(HashMap<String, u64>, u64)> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM words WHERE words MATCH ?1")?;
    let mut rare = HashMap::new();
    for word in words {
        let quoted = format!("\"{word}\"");
        rare.insert(
            word.clone(),
            statement.query_row([quoted], |row| row.get(0))?,
        );
    }
    let all = connection.query_row("SELECT count(*) FROM functions", [], |row| row.get(0))?;
    Ok((rare, all))
}

pub fn coverage(connection: &Connection, encoder: i64) -> rusqlite::Result<Coverage> {
    let text = "SELECT count(*), count(vectors.text) FROM functions \
                LEFT JOIN vectors ON vectors.encoder = ?1 AND vectors.text = functions.text";
    connection
        .prepare_cached(text)?
        .query_row([encoder], |row| {
            Ok(Coverage {
                functions: row.get(0)?,
                with_vector: row.get(1)?,
            })
        })
}

pub fn lacking(
    connection: &Connection,
    encoder: i64,
    behind: i64,
    most: usize,
) -> rusqlite::Result<Vec<Lacking>> {
    let without = "NOT EXISTS (SELECT 1 FROM vectors WHERE encoder = ?1 \
                   AND vectors.text = functions.text)";
    let text = format!(
        "SELECT {FILE} FROM files WHERE id > ?2 AND EXISTS \
         (SELECT 1 FROM functions WHERE file = files.id AND {without}) ORDER BY id LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&text)?;
    let files = statement.query_map(params![encoder, behind, most as i64], file)?;
    let text = format!(
        "SELECT DISTINCT texts.hash FROM functions JOIN texts ON texts.id = text \
         WHERE file = ?2 AND {without} ORDER BY functions.id"
    );
    let mut texts = connection.prepare_cached(&text)?;
    files
        .map(|file| {
            let file = file?;
            let rows = texts.query_map([encoder, file.id], |row| hash(row, 0))?;
            let texts = rows.collect::<rusqlite::Result<Vec<Hash>>>()?;
            Ok(Lacking { file, texts })
        })
        .collect()
}

pub fn vector(
    connection: &Connection,
    encoder: i64,
    text: &Hash,
) -> rusqlite::Result<Option<Vec<f32>>> {
    let found = connection
        .prepare_cached(
            "SELECT scale, numbers FROM vectors \
             WHERE encoder = ?1 AND text = (SELECT id FROM texts WHERE hash = ?2)",
        )?
        .query_row(params![encoder, text.bytes()], |row| {
            let numbers: Vec<u8> = row.get(1)?;
            Ok(Rounded {
                scale: row.get(0)?,
                numbers: numbers.into_iter().map(|byte| byte as i8).collect(),
            })
        })
        .optional()?;
    let found = found.filter(|kept| !kept.numbers.is_empty());
    Ok(found.map(|kept| kept.vector()))
}

/// The encoder of this name, if it is the one that was used last.
pub fn newest_encoder(connection: &Connection, identity: &str) -> rusqlite::Result<Option<i64>> {
    let newest = "SELECT id FROM encoders WHERE identity = ?1 \
                  AND used = (SELECT max(used) FROM encoders)";
    connection
        .query_row(newest, [identity], |row| row.get(0))
        .optional()
}
