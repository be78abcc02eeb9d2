//! Questions to the tables of one checkout.

use std::collections::HashMap;

use postgres::{Client, Error, Row};

use crate::checkout::Hash;
use crate::index::fuse::Scored;
use crate::index::query::Query;
use crate::index::store::{Coverage, KeptFile, KeptFunction, Lacking, Size};

const FILE: &str = "id, path, hash, language, unread FROM skillbelt_1.files";
const FUNCTION: &str = "f.id, f.file, t.hash, f.name, f.within, f.signature, f.line, f.first, f.last, \
                        f.is_test FROM skillbelt_1.functions f JOIN skillbelt_1.texts t ON t.id = f.text";

/// Every word counts by how rare it is, which is found out once for each word (`MATERIALIZED`: else the
/// server counts again for every function), and how often and where it stands. The server's own measure knows
/// only the latter; `{D, C, B, A}` are code, documentation, place and name, chosen on the questions for
/// development of CoSQA, and 1 divides by the logarithm of the length.
const BY_WORDS: &str = "
WITH asked AS MATERIALIZED (
    SELECT DISTINCT phraseto_tsquery('english', term) AS query FROM unnest($2::text[]) term
), whole AS MATERIALIZED (
    SELECT count(*)::float8 AS texts FROM skillbelt_1.functions WHERE checkout = $1
), counted AS MATERIALIZED (
    SELECT query, (SELECT count(*) FROM skillbelt_1.functions
                   WHERE checkout = $1 AND words @@ query)::float8 AS texts
    FROM asked WHERE numnode(query) > 0
), weighed AS MATERIALIZED (
    SELECT query, ln((whole.texts - counted.texts + 0.5) / (counted.texts + 0.5) + 1) AS rare
    FROM counted CROSS JOIN whole
)
SELECT f.id, sum(weighed.rare * ts_rank('{0.5, 0.7, 0.7, 0.8}', f.words, weighed.query, 1))::float8
             AS score
FROM weighed JOIN skillbelt_1.functions f ON f.checkout = $1 AND f.words @@ weighed.query
WHERE $3::bigint[] IS NULL OR f.file = ANY($3)
GROUP BY f.id ORDER BY score DESC, f.id LIMIT $4";

fn hash(row: &Row, column: usize) -> Result<Hash, Error> {
    let bytes: &[u8] = row.try_get(column)?;
    // What is no hash is that of nothing, which no file has.
    Ok(<[u8; 16]>::try_from(bytes).map_or_else(|_| Hash::from([0; 16]), Hash::from))
}

fn number(row: &Row, column: usize) -> Result<usize, Error> {
    Ok(usize::try_from(row.try_get::<_, i64>(column)?).unwrap_or(0))
}

fn count(row: &Row, column: usize) -> Result<u64, Error> {
    Ok(number(row, column)? as u64)
}

fn kept_file(row: &Row) -> Result<KeptFile, Error> {
    Ok(KeptFile {
        id: row.try_get(0)?,
        path: row.try_get(1)?,
        hash: hash(row, 2)?,
        language: row.try_get(3)?,
        unread: row.try_get(4)?,
    })
}

fn kept_function(row: &Row) -> Result<KeptFunction, Error> {
    Ok(KeptFunction {
        id: row.try_get(0)?,
        file: row.try_get(1)?,
        text: hash(row, 2)?,
        name: row.try_get(3)?,
        within: row.try_get(4)?,
        signature: row.try_get(5)?,
        line: number(row, 6)?,
        lines: (number(row, 7)?, number(row, 8)?),
        is_test: row.try_get(9)?,
    })
}

fn scored(row: &Row) -> Result<Scored, Error> {
    Ok(Scored {
        id: row.try_get(0)?,
        score: row.try_get(1)?,
    })
}

pub fn files(client: &mut Client, checkout: i32) -> Result<Vec<KeptFile>, Error> {
    let rows = client.query(
        &format!("SELECT {FILE} WHERE checkout = $1 ORDER BY id"),
        &[&checkout],
    )?;
    rows.iter().map(kept_file).collect()
}

pub fn file(client: &mut Client, checkout: i32, id: i64) -> Result<Option<KeptFile>, Error> {
    let text = format!("SELECT {FILE} WHERE checkout = $1 AND id = $2");
    client
        .query_opt(&text, &[&checkout, &id])?
        .as_ref()
        .map(kept_file)
        .transpose()
}

pub fn size(client: &mut Client, checkout: i32) -> Result<Size, Error> {
    let row = client.query_one(
        "SELECT (SELECT count(*) FROM skillbelt_1.files WHERE checkout = $1 AND unread IS NULL), \
         (SELECT count(*) FROM skillbelt_1.functions WHERE checkout = $1), \
         (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class \
          WHERE relnamespace = 'skillbelt_1'::regnamespace AND relkind = 'r')",
        &[&checkout],
    )?;
    Ok(Size {
        files: count(&row, 0)?,
        functions: count(&row, 1)?,
        bytes: count(&row, 2)?,
    })
}

pub fn by_words(
    client: &mut Client,
    checkout: i32,
    query: &Query,
    of: Option<&[i64]>,
    most: usize,
) -> Result<Vec<Scored>, Error> {
    let terms: Vec<String> = query.terms.iter().map(|term| term.join(" ")).collect();
    let rows = client.query(BY_WORDS, &[&checkout, &terms, &of, &(most as i64)])?;
    rows.iter().map(scored).collect()
}

pub fn by_vector(
    client: &mut Client,
    (checkout, encoder): (i32, i64),
    vector: &[f32],
    of: Option<&[i64]>,
    most: usize,
) -> Result<Vec<Scored>, Error> {
    // Vectors have length one, so that the inner product, whose negative the server knows, is the cosine.
    let text = "SELECT f.id, -(v.numbers <#> $3::text::vector)::float8 AS score \
                FROM skillbelt_1.functions f \
                JOIN skillbelt_1.vectors v ON v.encoder = $2 AND v.text = f.text \
                WHERE f.checkout = $1 AND v.numbers IS NOT NULL \
                AND vector_dims(v.numbers) = $6 \
                AND ($4::bigint[] IS NULL OR f.file = ANY($4)) \
                ORDER BY score DESC, f.id LIMIT $5";
    let width = vector.len() as i32;
    let rows = client.query(
        text,
        &[
            &checkout,
            &encoder,
            &written(vector),
            &of,
            &(most as i64),
            &width,
        ],
    )?;
    rows.iter().map(scored).collect()
}

/// A vector in the words of the server.
pub fn written(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}

pub fn functions(
    client: &mut Client,
    checkout: i32,
    ids: &[i64],
) -> Result<Vec<KeptFunction>, Error> {
    let text = format!("SELECT {FUNCTION} WHERE f.checkout = $1 AND f.id = ANY($2)");
    client
        .query(&text, &[&checkout, &ids])?
        .iter()
        .map(kept_function)
        .collect()
}

pub fn around(
    client: &mut Client,
    checkout: i32,
    path: &str,
    line: usize,
) -> Result<Vec<KeptFunction>, Error> {
    let text = format!(
        "SELECT {FUNCTION} JOIN skillbelt_1.files i ON i.id = f.file \
         WHERE i.checkout = $1 AND i.path = $2 AND f.first <= $3 AND f.last >= $3 \
         ORDER BY f.first, f.last DESC, f.id"
    );
    let rows = client.query(&text, &[&checkout, &path, &(line as i64)])?;
    rows.iter().map(kept_function).collect()
}

pub fn functions_of_path(
    client: &mut Client,
    checkout: i32,
    path: &str,
) -> Result<Option<Vec<KeptFunction>>, Error> {
    let file = "SELECT id FROM skillbelt_1.files WHERE checkout = $1 AND path = $2";
    let Some(file) = client.query_opt(file, &[&checkout, &path])? else {
        return Ok(None);
    };
    let text = format!("SELECT {FUNCTION} WHERE f.file = $1 ORDER BY f.id");
    let rows = client.query(&text, &[&file.try_get::<_, i64>(0)?])?;
    rows.iter()
        .map(kept_function)
        .collect::<Result<Vec<_>, Error>>()
        .map(Some)
}

pub fn rarity(
    client: &mut Client,
    checkout: i32,
    words: &[String],
) -> Result<(HashMap<String, u64>, u64), Error> {
    let rows = client.query(
        "SELECT word, (SELECT count(*) FROM skillbelt_1.functions \
                       WHERE checkout = $1 AND words @@ plainto_tsquery('english', word)) \
         FROM unnest($2::text[]) word",
        &[&checkout, &words],
    )?;
    let having = rows.iter().map(|row| Ok((row.try_get(0)?, count(row, 1)?)));
    let all = client.query_one(
        "SELECT count(*) FROM skillbelt_1.functions WHERE checkout = $1",
        &[&checkout],
    )?;
    Ok((having.collect::<Result<_, Error>>()?, count(&all, 0)?))
}

pub fn coverage(client: &mut Client, checkout: i32, encoder: i64) -> Result<Coverage, Error> {
    let row = client.query_one(
        "SELECT count(*), count(v.text) FROM skillbelt_1.functions f \
         LEFT JOIN skillbelt_1.vectors v ON v.encoder = $2 AND v.text = f.text \
         WHERE f.checkout = $1",
        &[&checkout, &encoder],
    )?;
    Ok(Coverage {
        functions: count(&row, 0)?,
        with_vector: count(&row, 1)?,
    })
}

pub fn lacking(
    client: &mut Client,
    (checkout, encoder): (i32, i64),
    behind: i64,
    most: usize,
) -> Result<Vec<Lacking>, Error> {
    let without =
        "NOT EXISTS (SELECT 1 FROM skillbelt_1.vectors v WHERE v.encoder = $1 AND v.text = f.text)";
    let text = format!(
        "SELECT {FILE} WHERE checkout = $2 AND id > $3 AND EXISTS (SELECT 1 FROM skillbelt_1.functions f \
         WHERE f.file = files.id AND {without}) ORDER BY id LIMIT $4"
    );
    let files = client.query(&text, &[&encoder, &checkout, &behind, &(most as i64)])?;
    let text = format!(
        "SELECT t.hash FROM skillbelt_1.functions f JOIN skillbelt_1.texts t ON t.id = f.text \
         WHERE f.file = $2 AND {without} GROUP BY t.hash ORDER BY min(f.id)"
    );
    let mut all = Vec::with_capacity(files.len());
    for row in &files {
        let file = kept_file(row)?;
        let rows = client.query(&text, &[&encoder, &file.id])?;
        let texts = rows
            .iter()
            .map(|row| hash(row, 0))
            .collect::<Result<_, Error>>()?;
        all.push(Lacking { file, texts });
    }
    Ok(all)
}

pub fn vector(client: &mut Client, encoder: i64, text: &Hash) -> Result<Option<Vec<f32>>, Error> {
    let row = client.query_opt(
        "SELECT v.numbers::real[] FROM skillbelt_1.vectors v JOIN skillbelt_1.texts t ON t.id = v.text \
         WHERE v.encoder = $1 AND t.hash = $2",
        &[&encoder, &&text.bytes()[..]],
    )?;
    row.map_or(Ok(None), |row| row.try_get(0))
}
