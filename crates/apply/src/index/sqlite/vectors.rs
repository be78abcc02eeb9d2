//! The vectors of an encoder, read from the file once and again when somebody changed it.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use crate::index::fuse::{Scored, better};
use crate::index::table::{Table, WIDEST};

/// Vectors in memory with the functions that have them.
pub struct Loaded {
    encoder: i64,
    state: State,
    table: Table,
    functions: Vec<Function>,
}

/// What a change of the file shows in: `data_version` counts what other connections wrote,
/// `own` what this one did.
#[derive(Debug, PartialEq, Eq)]
struct State {
    others: i64,
    own: u64,
}

/// A function, and the row of its text in the table.
struct Function {
    id: i64,
    file: i64,
    place: usize,
}

impl Loaded {
    /// What was loaded before if it is still what the file says, else what it says now.
    pub fn current(
        connection: &mut Connection,
        encoder: i64,
        own: u64,
        old: Option<Loaded>,
    ) -> rusqlite::Result<Loaded> {
        let transaction = connection.transaction()?;
        // The first read takes the view of the file that all of this sees.
        let others = transaction.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let state = State { others, own };
        if let Some(old) = old.filter(|old| old.encoder == encoder && old.state == state) {
            return Ok(old);
        }
        let width = transaction.query_row(
            "SELECT coalesce(max(length(numbers)), 0) FROM \
             (SELECT numbers FROM vectors WHERE encoder = ?1 LIMIT 100)",
            [encoder],
            |row| row.get::<_, usize>(0),
        )?;
        let mut table = Table::new(width.min(WIDEST));
        let mut statement = transaction.prepare_cached(
            "SELECT text, scale, numbers FROM vectors WHERE encoder = ?1 ORDER BY text",
        )?;
        let mut rows = statement.query(params![encoder])?;
        while let Some(row) = rows.next()? {
            let numbers = row.get_ref(2)?;
            // A text without words has no numbers, and no place here.
            let _has_place = table.push(row.get(0)?, row.get(1)?, numbers.as_blob()?);
        }
        drop(rows);
        drop(statement);
        let functions = functions(&transaction, &table)?;
        transaction.commit()?;
        Ok(Loaded {
            encoder,
            state,
            table,
            functions,
        })
    }

    /// The functions whose vectors are most like the query's, best first.
    pub fn nearest(&self, query: &[f32], of: Option<&[i64]>, most: usize) -> Vec<Scored> {
        let products = self.table.products(query);
        let wanted: Option<HashSet<i64>> = of.map(|of| of.iter().copied().collect());
        let admitted = |function: &&Function| {
            let wanted = wanted.as_ref();
            wanted.is_none_or(|wanted| wanted.contains(&function.file))
        };
        let scored = self
            .functions
            .iter()
            .filter(admitted)
            .map(|function| Scored {
                id: function.id,
                score: f64::from(products[function.place]),
            });
        let mut all: Vec<Scored> = scored.collect();
        if all.len() > most && most > 0 {
            all.select_nth_unstable_by(most - 1, better);
        }
        all.truncate(most);
        all.sort_by(better);
        all
    }
}

fn functions(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Function>> {
    if table.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare_cached("SELECT id, file, text FROM functions ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut functions = Vec::with_capacity(table.len());
    while let Some(row) = rows.next()? {
        if let Some(place) = table.place(row.get(2)?) {
            functions.push(Function {
                id: row.get(0)?,
                file: row.get(1)?,
                place,
            });
        }
    }
    Ok(functions)
}
