//! The tables of an index on a server. They stand in a schema of their own.

use postgres::{Client, Error};

/// Only one client makes the tables.
const MAKING: i64 = 0x536b_4200;

/// `english` knows stems and the words that say nothing; names, places, documentation and code weigh A to
/// D. Of the texts themselves nothing is kept.
const TABLES: &str = "
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS skillbelt_1;
CREATE TABLE IF NOT EXISTS skillbelt_1.checkouts (
    id serial PRIMARY KEY,
    name text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS skillbelt_1.files (
    id bigserial PRIMARY KEY,
    checkout int NOT NULL REFERENCES skillbelt_1.checkouts ON DELETE CASCADE,
    path text NOT NULL,
    hash bytea NOT NULL,
    language text NOT NULL,
    unread text,
    UNIQUE (checkout, path)
);
CREATE TABLE IF NOT EXISTS skillbelt_1.texts (
    id bigserial PRIMARY KEY,
    hash bytea NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS skillbelt_1.functions (
    id bigserial PRIMARY KEY,
    checkout int NOT NULL,
    file bigint NOT NULL REFERENCES skillbelt_1.files ON DELETE CASCADE,
    text bigint NOT NULL REFERENCES skillbelt_1.texts,
    name text NOT NULL,
    within text,
    signature text NOT NULL,
    line bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    is_test bool NOT NULL,
    words tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS functions_of_file ON skillbelt_1.functions (file);
CREATE INDEX IF NOT EXISTS functions_of_text ON skillbelt_1.functions (text);
CREATE INDEX IF NOT EXISTS functions_of_checkout ON skillbelt_1.functions (checkout);
CREATE INDEX IF NOT EXISTS functions_by_words ON skillbelt_1.functions USING gin (words);
CREATE TABLE IF NOT EXISTS skillbelt_1.encoders (
    id bigserial PRIMARY KEY,
    identity text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS skillbelt_1.vectors (
    encoder bigint NOT NULL REFERENCES skillbelt_1.encoders ON DELETE CASCADE,
    text bigint NOT NULL REFERENCES skillbelt_1.texts ON DELETE CASCADE,
    numbers vector,
    PRIMARY KEY (encoder, text)
);
";

/// Makes what is not there, and gives the number of the checkout.
pub fn prepare(client: &mut Client, checkout: &str) -> Result<i32, Error> {
    // Notices that a table is there already are no news.
    client.batch_execute("SET client_min_messages = warning")?;
    let made = "SELECT to_regclass('skillbelt_1.vectors') IS NOT NULL";
    if !client.query_one(made, &[])?.try_get::<_, bool>(0)? {
        let mut transaction = client.transaction()?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MAKING])?;
        transaction.batch_execute(TABLES)?;
        transaction.commit()?;
    }
    // An update of nothing gives the number of the one that is there.
    let put = "INSERT INTO skillbelt_1.checkouts (name) VALUES ($1) \
               ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id";
    client.query_one(put, &[&checkout])?.try_get(0)
}
