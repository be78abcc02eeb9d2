//! What is written into the tables. Every function is one transaction.

use postgres::{Client, Error, Transaction};

use super::read::written;
use crate::checkout::Hash;
use crate::index::store::{Put, PutFunction};

/// Texts that no function of any checkout has are kept up to this number: branches come back.
const SPARE_TEXTS: i64 = 100_000;

/// The functions of a file at once: the server is asked once for each, not for each function.
const PUT_FUNCTIONS: &str = "
WITH new AS (
    SELECT * FROM unnest($3::bytea[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
                         $9::bigint[], $10::bool[], $11::text[], $12::text[], $13::text[], $14::text[])
    WITH ORDINALITY AS new (hash, name, within, signature, line, first, last, is_test,
                            names, place, documentation, code, number)
)
INSERT INTO skillbelt_1.functions
    (checkout, file, text, name, within, signature, line, first, last, is_test, words)
SELECT $1, $2, (SELECT id FROM skillbelt_1.texts t WHERE t.hash = new.hash), name, within, signature,
       line, first, last, is_test,
       setweight(to_tsvector('english', names), 'A') || setweight(to_tsvector('english', place), 'B')
       || setweight(to_tsvector('english', documentation), 'C')
       || setweight(to_tsvector('english', code), 'D')
FROM new ORDER BY number";

pub fn replace(
    client: &mut Client,
    checkout: i32,
    files: &[Put],
    gone: &[i64],
) -> Result<(), Error> {
    let mut transaction = client.transaction()?;
    transaction.execute(
        "DELETE FROM skillbelt_1.files WHERE checkout = $1 AND id = ANY($2)",
        &[&checkout, &gone],
    )?;
    for file in files {
        put(&mut transaction, checkout, file)?;
    }
    transaction.commit()
}

fn put(transaction: &mut Transaction<'_>, checkout: i32, file: &Put) -> Result<(), Error> {
    // Its functions go with it; a new number keeps answers apart that were found before.
    transaction.execute(
        "DELETE FROM skillbelt_1.files WHERE checkout = $1 AND path = $2",
        &[&checkout, &clean(&file.path)],
    )?;
    let row = transaction.query_one(
        "INSERT INTO skillbelt_1.files (checkout, path, hash, language, unread) \
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
        &[
            &checkout,
            &clean(&file.path),
            &&file.hash.bytes()[..],
            &file.language,
            &file.unread,
        ],
    )?;
    if file.functions.is_empty() {
        return Ok(());
    }
    let id: i64 = row.try_get(0)?;
    let mut hashes: Vec<&[u8]> = file
        .functions
        .iter()
        .map(|one| &one.text.bytes()[..])
        .collect();
    let in_order = hashes.clone();
    // In one order everywhere, so that two clients do not wait for each other in a circle.
    hashes.sort_unstable();
    transaction.execute(
        "INSERT INTO skillbelt_1.texts (hash) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING",
        &[&hashes],
    )?;
    let texts = |of: fn(&PutFunction) -> &str| -> Vec<String> {
        file.functions.iter().map(|one| clean(of(one))).collect()
    };
    let numbers = |of: fn(&PutFunction) -> usize| -> Vec<i64> {
        file.functions.iter().map(|one| of(one) as i64).collect()
    };
    let within: Vec<Option<String>> = file
        .functions
        .iter()
        .map(|one| one.within.as_deref().map(clean))
        .collect();
    let tests: Vec<bool> = file.functions.iter().map(|one| one.is_test).collect();
    transaction.execute(
        PUT_FUNCTIONS,
        &[
            &checkout,
            &id,
            &in_order,
            &texts(|one| &one.name),
            &within,
            &texts(|one| &one.signature),
            &numbers(|one| one.line),
            &numbers(|one| one.lines.0),
            &numbers(|one| one.lines.1),
            &tests,
            &texts(|one| &one.words.name),
            &texts(|one| &one.words.place),
            &texts(|one| &one.words.documentation),
            &texts(|one| &one.words.code),
        ],
    )?;
    Ok(())
}

/// The server keeps no letter of number zero.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

pub fn tidy(client: &mut Client) -> Result<(), Error> {
    let mut transaction = client.transaction()?;
    let spare = "SELECT count(*) FROM skillbelt_1.texts t WHERE NOT EXISTS \
                 (SELECT 1 FROM skillbelt_1.functions f WHERE f.text = t.id)";
    if transaction.query_one(spare, &[])?.try_get::<_, i64>(0)? > SPARE_TEXTS {
        // Who is putting functions holds a lock that this one waits for, and the other way round.
        transaction.batch_execute("LOCK TABLE skillbelt_1.texts IN EXCLUSIVE MODE")?;
        transaction.execute(
            "DELETE FROM skillbelt_1.texts t WHERE NOT EXISTS \
             (SELECT 1 FROM skillbelt_1.functions f WHERE f.text = t.id)",
            &[],
        )?;
    }
    transaction.batch_execute("ANALYZE skillbelt_1.functions, skillbelt_1.vectors")?;
    transaction.commit()
}

/// On a server vectors of all encoders are kept: others may be using them.
pub fn encoder(client: &mut Client, identity: &str) -> Result<i64, Error> {
    let known = "SELECT id FROM skillbelt_1.encoders WHERE identity = $1";
    if let Some(row) = client.query_opt(known, &[&identity])? {
        return row.try_get(0);
    }
    let put = "INSERT INTO skillbelt_1.encoders (identity) VALUES ($1) \
               ON CONFLICT (identity) DO UPDATE SET identity = excluded.identity RETURNING id";
    client.query_one(put, &[&identity])?.try_get(0)
}

pub fn vectors(
    client: &mut Client,
    encoder: i64,
    vectors: &[(Hash, Option<Vec<f32>>)],
) -> Result<(), Error> {
    let mut sorted: Vec<_> = vectors.iter().collect();
    sorted.sort_by_key(|(hash, _)| *hash);
    let hashes: Vec<&[u8]> = sorted.iter().map(|(hash, _)| &hash.bytes()[..]).collect();
    let numbers: Vec<Option<String>> = sorted
        .iter()
        .map(|(_, vector)| vector.as_deref().map(written))
        .collect();
    client
        .execute(
            "INSERT INTO skillbelt_1.vectors (encoder, text, numbers) \
             SELECT $1, t.id, new.numbers::vector \
             FROM unnest($2::bytea[], $3::text[]) AS new (hash, numbers) \
             JOIN skillbelt_1.texts t ON t.hash = new.hash ON CONFLICT DO NOTHING",
            &[&encoder, &hashes, &numbers],
        )
        .map(|_| ())
}
