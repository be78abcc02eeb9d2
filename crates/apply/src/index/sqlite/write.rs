//! What is written into the tables. Every function is one transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::checkout::Hash;
use crate::index::store::{Put, PutFunction};
use crate::index::table::Rounded;

/// Encoders whose vectors are kept: going back to the belt before costs nothing.
const ENCODERS: i64 = 2;

/// Texts without a function that are kept at least: another branch of the repository may have them.
const SPARE_TEXTS: i64 = 10_000;

/// Takes the place of the only writer first, so that what is read inside is what is changed.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

pub fn replace(connection: &mut Connection, files: &[Put], gone: &[i64]) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    for id in gone {
        forget(&transaction, *id)?;
        transaction
            .prepare_cached("DELETE FROM files WHERE id = ?1")?
            .execute([id])?;
    }
    for file in files {
        put(&transaction, file)?;
    }
    transaction.commit()
}

/// The functions of a file and their words.
fn forget(transaction: &Transaction<'_>, file: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM words WHERE rowid IN (SELECT id FROM functions WHERE file = ?1)",
        )?
        .execute([file])?;
    transaction
        .prepare_cached("DELETE FROM functions WHERE file = ?1")?
        .execute([file])?;
    Ok(())
}

fn put(transaction: &Transaction<'_>, file: &Put) -> rusqlite::Result<()> {
    let known: Option<i64> = transaction
        .prepare_cached("SELECT id FROM files WHERE path = ?1")?
        .query_row([&file.path], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        forget(transaction, id)?;
    }
    let id: i64 = transaction
        .prepare_cached(
            "INSERT INTO files (path, hash, language, unread) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (path) DO UPDATE SET hash = ?2, language = ?3, unread = ?4 RETURNING id",
        )?
        .query_row(
            params![file.path, file.hash.bytes(), file.language, file.unread],
            |row| row.get(0),
        )?;
    file.functions
        .iter()
        .try_for_each(|function| put_function(transaction, id, function))
}

fn put_function(
    transaction: &Transaction<'_>,
    file: i64,
    function: &PutFunction,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO texts (hash) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([function.text.bytes()])?;
    transaction
        .prepare_cached(
            "INSERT INTO functions (file, text, name, within, signature, line, first, last, is_test) \
             VALUES (?1, (SELECT id FROM texts WHERE hash = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            file,
            function.text.bytes(),
            function.name,
            function.within,
            function.signature,
            function.line as i64,
            function.lines.0 as i64,
            function.lines.1 as i64,
            function.is_test,
        ])?;
    let words = &function.words;
    transaction
        .prepare_cached(
            "INSERT INTO words (rowid, name, place, documentation, code) \
             VALUES (last_insert_rowid(), ?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            words.name,
            words.place,
            words.documentation,
            words.code
        ])?;
    Ok(())
}

pub fn tidy(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    let count = |text: &str| transaction.query_row(text, [], |row| row.get::<_, i64>(0));
    let texts = count("SELECT count(*) FROM texts")?;
    let functions = count("SELECT count(*) FROM functions")?;
    if texts > 2 * functions + SPARE_TEXTS {
        transaction.execute_batch(
            "DELETE FROM texts WHERE id NOT IN (SELECT text FROM functions);
             DELETE FROM vectors WHERE text NOT IN (SELECT id FROM texts);",
        )?;
    }
    // Queries read one segment faster than many.
    transaction.execute_batch("INSERT INTO words (words) VALUES ('optimize')")?;
    transaction.commit()
}

pub fn encoder(connection: &mut Connection, identity: &str) -> rusqlite::Result<i64> {
    let transaction = begin(connection)?;
    let id = transaction.query_row(
        "INSERT INTO encoders (identity, used) \
         VALUES (?1, (SELECT coalesce(max(used), 0) + 1 FROM encoders)) \
         ON CONFLICT (identity) DO UPDATE SET used = excluded.used RETURNING id",
        [identity],
        |row| row.get(0),
    )?;
    transaction.execute(
        "DELETE FROM encoders WHERE id NOT IN (SELECT id FROM encoders ORDER BY used DESC LIMIT ?1)",
        [ENCODERS],
    )?;
    transaction.execute(
        "DELETE FROM vectors WHERE encoder NOT IN (SELECT id FROM encoders)",
        [],
    )?;
    transaction.commit()?;
    Ok(id)
}

/// A text that no function has any more, and an encoder that has been forgotten meanwhile, keep nothing.
pub fn vectors(
    connection: &mut Connection,
    encoder: i64,
    vectors: &[(Hash, Option<Vec<f32>>)],
) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO vectors (encoder, text, scale, numbers) \
             SELECT encoders.id, texts.id, ?3, ?4 FROM encoders, texts \
             WHERE encoders.id = ?1 AND texts.hash = ?2",
        )?;
        for (text, vector) in vectors {
            let kept = vector.as_deref().and_then(Rounded::of);
            let (scale, numbers) = kept.map_or((0.0, Vec::new()), |kept| {
                (kept.scale, kept.numbers.iter().map(|x| *x as u8).collect())
            });
            insert.execute(params![encoder, text.bytes(), f64::from(scale), numbers])?;
        }
    }
    transaction.commit()
}
