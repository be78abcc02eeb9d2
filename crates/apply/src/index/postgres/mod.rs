//! An index on a PostgreSQL server with pgvector: for repositories, or numbers of people, that one file
//! does not serve.
//!
//! Every checkout has rows of its own, because checkouts differ; vectors are shared by all of them, for
//! they depend on texts alone. A person's words never become part of a statement.

mod read;
mod schema;
mod write;

use std::collections::HashMap;
use std::path::Path;

use postgres::config::Host;
use postgres::{Client, Config, NoTls};

use super::error::{Error, Result};
use super::fuse::Scored;
use super::query::Query;
use super::store::{Coverage, KeptFile, KeptFunction, Lacking, Put, Size, Store};
use crate::checkout::Hash;

/// Locks of the server are numbers; ours begin so: files, vectors.
const FILES_LOCK: i32 = 0x536b_4201;
const VECTORS_LOCK: i32 = 0x536b_4202;

/// An index on a server.
pub struct Postgres {
    server: String,
    client: Client,
    /// The number of this checkout.
    checkout: i32,
    seized_vectors: bool,
}

impl Postgres {
    /// Opens the index of a checkout; tables are made where there are none.
    ///
    /// # Errors
    /// A server that is not there, or does not have pgvector and may not be given it.
    pub fn open(address: &str, name: Option<&str>, root: &Path) -> Result<Postgres> {
        let config: Config = address.parse().map_err(|_| {
            Error::told("--index: not the address of a PostgreSQL server").with_hint(
                "postgres://user@host:5432/database, or `-c` settings of libpq as key=value",
            )
        })?;
        let server = told(&config);
        let failed = |error: postgres::Error| refused(&server, &error);
        let mut client = config.connect(NoTls).map_err(failed)?;
        let own = match name {
            Some(name) => name.to_owned(),
            None => format!("{}:{}", host(), root.display()),
        };
        let checkout = schema::prepare(&mut client, &own).map_err(failed)?;
        Ok(Postgres {
            server,
            client,
            checkout,
            seized_vectors: false,
        })
    }

    /// Runs with the connection; errors name the server.
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Client, i32) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        act(&mut self.client, self.checkout).map_err(|error| refused(&self.server, &error))
    }
}

/// The server without its password.
fn told(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let database = config
        .get_dbname()
        .or(config.get_user())
        .unwrap_or("postgres");
    format!("PostgreSQL at {}, database {database}", hosts.join(","))
}

fn refused(server: &str, error: &postgres::Error) -> Error {
    use std::error::Error as _;
    let said = error.as_db_error().map(|said| said.message().to_owned());
    let told = said.or_else(|| error.source().map(ToString::to_string));
    Error::Postgres {
        server: server.to_owned(),
        told: told.unwrap_or_else(|| error.to_string()),
    }
}

/// The name of this machine, as far as it says.
fn host() -> String {
    let kernel = fs_err::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = kernel
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok());
    let named = named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    named.unwrap_or_else(|| "localhost".to_owned())
}

impl Store for Postgres {
    fn files(&mut self) -> Result<Vec<KeptFile>> {
        self.with(read::files)
    }

    fn file(&mut self, id: i64) -> Result<Option<KeptFile>> {
        self.with(|client, checkout| read::file(client, checkout, id))
    }

    fn seize(&mut self) -> Result<()> {
        self.with(|client, checkout| {
            let lock = "SELECT pg_advisory_lock($1, $2)";
            client.execute(lock, &[&FILES_LOCK, &checkout]).map(|_| ())
        })
    }

    fn release(&mut self) -> Result<()> {
        self.with(|client, checkout| {
            let unlock = "SELECT pg_advisory_unlock($1, $2)";
            client
                .execute(unlock, &[&FILES_LOCK, &checkout])
                .map(|_| ())
        })
    }

    fn replace(&mut self, files: &[Put], gone: &[i64]) -> Result<()> {
        self.with(|client, checkout| write::replace(client, checkout, files, gone))
    }

    fn tidy(&mut self) -> Result<()> {
        self.with(|client, _| write::tidy(client))
    }

    fn size(&mut self) -> Result<Size> {
        self.with(read::size)
    }

    fn by_words(&mut self, query: &Query, of: Option<&[i64]>, most: usize) -> Result<Vec<Scored>> {
        self.with(|client, checkout| read::by_words(client, checkout, query, of, most))
    }

    fn by_vector(
        &mut self,
        encoder: i64,
        vector: &[f32],
        of: Option<&[i64]>,
        most: usize,
    ) -> Result<Vec<Scored>> {
        self.with(|client, checkout| read::by_vector(client, (checkout, encoder), vector, of, most))
    }

    fn functions(&mut self, ids: &[i64]) -> Result<Vec<KeptFunction>> {
        self.with(|client, checkout| read::functions(client, checkout, ids))
    }

    fn around(&mut self, path: &str, line: usize) -> Result<Vec<KeptFunction>> {
        self.with(|client, checkout| read::around(client, checkout, path, line))
    }

    fn functions_of_path(&mut self, path: &str) -> Result<Option<Vec<KeptFunction>>> {
        self.with(|client, checkout| read::functions_of_path(client, checkout, path))
    }

    fn rarity(&mut self, words: &[String]) -> Result<(HashMap<String, u64>, u64)> {
        self.with(|client, checkout| read::rarity(client, checkout, words))
    }

    fn encoder(&mut self, identity: &str) -> Result<i64> {
        self.with(|client, _| write::encoder(client, identity))
    }

    fn coverage(&mut self, encoder: i64) -> Result<Coverage> {
        self.with(|client, checkout| read::coverage(client, checkout, encoder))
    }

    fn seize_vectors(&mut self) -> Result<bool> {
        if !self.seized_vectors {
            self.seized_vectors = self.with(|client, checkout| {
                let lock = "SELECT pg_try_advisory_lock($1, $2)";
                client
                    .query_one(lock, &[&VECTORS_LOCK, &checkout])?
                    .try_get(0)
            })?;
        }
        Ok(self.seized_vectors)
    }

    fn release_vectors(&mut self) -> Result<()> {
        self.seized_vectors = false;
        self.with(|client, checkout| {
            let unlock = "SELECT pg_advisory_unlock($1, $2)";
            client
                .execute(unlock, &[&VECTORS_LOCK, &checkout])
                .map(|_| ())
        })
    }

    fn lacking(&mut self, encoder: i64, behind: i64, most: usize) -> Result<Vec<Lacking>> {
        self.with(|client, checkout| read::lacking(client, (checkout, encoder), behind, most))
    }

    fn keep_vectors(&mut self, encoder: i64, vectors: &[(Hash, Option<Vec<f32>>)]) -> Result<()> {
        self.with(|client, _| write::vectors(client, encoder, vectors))
    }

    fn vector(&mut self, encoder: i64, text: &Hash) -> Result<Option<Vec<f32>>> {
        self.with(|client, _| read::vector(client, encoder, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_without_its_password() {
        let config: Config = "postgres://me:secret@db.example:5433/code".parse().unwrap();
        assert_eq!(told(&config), "PostgreSQL at db.example, database code");
        let Err(error) = Postgres::open("postgres://[", None, Path::new("/")) else {
            panic!("it was opened")
        };
        assert!(error.hint().is_some(), "{error}");
    }
}
