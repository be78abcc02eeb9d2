//! What was computed before, by content: the functions of files, answers to texts and pairs, vectors.
//!
//! One SQLite file in `.skillbelt/` of the repository, which ignores itself: it goes with the checkout,
//! a CI system keeps it by one path, and no folder of the user's fills up with repositories that are
//! gone. Everything is under the [`Key`] of belt and base, so what another belt said is never used.
//! Two scans at once are safe, and one that is killed loses at most the texts it was at. A cache that
//! is damaged is thrown away; it is never more than a shortcut.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};
use skillbelt_train::{Error, Result};

use super::subject::Kept;
use crate::checkout::Hash;

/// The version of the tables; another one is thrown away.
const VERSION: i64 = 1;
/// What was not asked for in so many scans is forgotten.
const SCANS: i64 = 50;
/// One scan in so many looks for what is no longer asked for.
const SWEPT: i64 = 10;
/// How long a scan waits for another one that is writing.
const WAIT: Duration = Duration::from_secs(30);

const TABLES: &str = "
    CREATE TABLE scans (number INTEGER PRIMARY KEY);
    CREATE TABLE file (key BLOB, scan INTEGER, kept TEXT, PRIMARY KEY (key)) WITHOUT ROWID;
    CREATE TABLE answer (key BLOB, text BLOB, scan INTEGER, shares BLOB, PRIMARY KEY (key, text)) WITHOUT ROWID;
    CREATE TABLE vector (key BLOB, text BLOB, scan INTEGER, numbers BLOB, PRIMARY KEY (key, text)) WITHOUT ROWID;
    CREATE TABLE pair (key BLOB, texts BLOB, scan INTEGER, share REAL, PRIMARY KEY (key, texts)) WITHOUT ROWID;
    CREATE TABLE clones (key BLOB, scan INTEGER, pairs TEXT, PRIMARY KEY (key)) WITHOUT ROWID;
";

/// What answers depend on besides the text: belt, base, precision, task.
pub type Key = Hash;

/// A cache, or none: then nothing is found and nothing kept.
pub struct Cache {
    database: Option<Connection>,
    scan: i64,
}

impl Cache {
    pub fn none() -> Cache {
        Cache {
            database: None,
            scan: 0,
        }
    }

    /// Opens the cache in a folder that is there.
    ///
    /// # Errors
    /// A folder that cannot be written to. A damaged file is replaced.
    pub fn open(folder: &Path) -> Result<Cache> {
        let path = folder.join("scan.sqlite");
        let opened = connected(&path).or_else(|_| {
            for end in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(end);
                let _was_not_there = fs_err::remove_file(name);
            }
            connected(&path)
        });
        let (database, scan) =
            opened.map_err(|error| Error::told(format_args!("{}: {error}", path.display())))?;
        Ok(Cache {
            database: Some(database),
            scan,
        })
    }

    /// What is kept of files, by their keys.
    pub fn files(&self, wanted: &[Key]) -> HashMap<Key, Kept> {
        let Some(mut found) = self.database.as_ref().and_then(|database| {
            database
                .prepare("SELECT kept FROM file WHERE key = ?1")
                .ok()
        }) else {
            return HashMap::new();
        };
        let one = |key: &Key| {
            let text: String = found.query_row([&key.bytes()[..]], |row| row.get(0)).ok()?;
            Some((*key, serde_json::from_str(&text).ok()?))
        };
        wanted.iter().filter_map(one).collect()
    }

    /// Keeps files, and marks those that were found again as asked for.
    pub fn keep_files(&self, fresh: &[(Key, &Kept)], again: &[Key]) {
        let again = if self.scan % SWEPT == 0 { again } else { &[] };
        if fresh.is_empty() && again.is_empty() {
            return;
        }
        self.write(|database| {
            let mut put = database.prepare("INSERT OR REPLACE INTO file VALUES (?1, ?2, ?3)")?;
            for (key, kept) in fresh {
                let text = serde_json::to_string(kept).unwrap_or_default();
                put.execute(params![&key.bytes()[..], self.scan, text])?;
            }
            let mut touch = database.prepare("UPDATE file SET scan = ?2 WHERE key = ?1")?;
            for key in again {
                touch.execute(params![&key.bytes()[..], self.scan])?;
            }
            Ok(())
        });
    }

    /// The numbers that are kept under a key for texts: probabilities of classes, or a vector.
    pub fn numbers(&self, table: Table, key: &Key) -> HashMap<Hash, Vec<f32>> {
        let Some(database) = &self.database else {
            return HashMap::new();
        };
        let read = || -> rusqlite::Result<HashMap<Hash, Vec<f32>>> {
            let mut found = database.prepare(table.select())?;
            let rows = found.query_map([&key.bytes()[..]], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            let mut numbers = HashMap::new();
            for row in rows {
                let (text, bytes): (Vec<u8>, Vec<u8>) = row?;
                if let Some(text) = Hash::from_bytes(&text) {
                    numbers.insert(text, floats(&bytes));
                }
            }
            Ok(numbers)
        };
        read().unwrap_or_default()
    }

    /// Keeps numbers of texts under a key.
    pub fn keep_numbers(&self, table: Table, key: &Key, all: &[(Hash, &[f32])]) {
        self.write(|database| {
            let mut put = database.prepare(table.insert())?;
            for (text, numbers) in all {
                let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
                put.execute(params![
                    &key.bytes()[..],
                    &text.bytes()[..],
                    self.scan,
                    bytes
                ])?;
            }
            Ok(())
        });
    }

    /// The probabilities of pairs that are kept under a key.
    pub fn pairs(&self, key: &Key) -> HashMap<(Hash, Hash), f32> {
        let Some(database) = &self.database else {
            return HashMap::new();
        };
        let read = || -> rusqlite::Result<HashMap<(Hash, Hash), f32>> {
            let mut found = database.prepare("SELECT texts, share FROM pair WHERE key = ?1")?;
            let rows = found.query_map([&key.bytes()[..]], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, f64>(1)?))
            })?;
            let mut pairs = HashMap::new();
            for row in rows {
                let (texts, share): (Vec<u8>, f64) = row?;
                let (one, other) = texts.split_at(texts.len().min(16));
                if let (Some(one), Some(other)) = (Hash::from_bytes(one), Hash::from_bytes(other)) {
                    pairs.insert((one, other), share as f32);
                }
            }
            Ok(pairs)
        };
        read().unwrap_or_default()
    }

    pub fn keep_pairs(&self, key: &Key, all: &[((Hash, Hash), f32)]) {
        self.write(|database| {
            let mut put =
                database.prepare("INSERT OR REPLACE INTO pair VALUES (?1, ?2, ?3, ?4)")?;
            for ((one, other), share) in all {
                let texts = [one.bytes().as_slice(), other.bytes().as_slice()].concat();
                put.execute(params![
                    &key.bytes()[..],
                    texts,
                    self.scan,
                    f64::from(*share)
                ])?;
            }
            Ok(())
        });
    }

    /// What was found among a whole set of texts, by the key of the set.
    pub fn clones(&self, key: &Key) -> Option<Vec<(u32, u32, f32)>> {
        let database = self.database.as_ref()?;
        let mut found = database
            .prepare("SELECT pairs FROM clones WHERE key = ?1")
            .ok()?;
        let text: String = found.query_row([&key.bytes()[..]], |row| row.get(0)).ok()?;
        serde_json::from_str(&text).ok()
    }

    pub fn keep_clones(&self, key: &Key, pairs: &[(u32, u32, f32)]) {
        let text = serde_json::to_string(pairs).unwrap_or_default();
        self.write(|database| {
            let put = "INSERT OR REPLACE INTO clones VALUES (?1, ?2, ?3)";
            database.execute(put, params![&key.bytes()[..], self.scan, text])?;
            Ok(())
        });
    }

    /// Forgets what was not asked for in many scans; `used` are the keys of answers and the texts of
    /// this one. It looks only now and then, because most scans read and write nothing.
    pub fn sweep(&self, used: &[(Table, Key)], texts: &[Hash]) {
        if self.scan % SWEPT != 0 {
            return;
        }
        self.write(|database| {
            for (table, key) in used {
                let mut touch = database.prepare(table.touch())?;
                for text in texts {
                    touch.execute(params![&key.bytes()[..], &text.bytes()[..], self.scan])?;
                }
            }
            for table in ["file", "answer", "vector", "pair", "clones"] {
                let old = format!("DELETE FROM {table} WHERE scan < ?1");
                database.execute(&old, [self.scan - SCANS])?;
            }
            Ok(())
        });
    }

    /// A write that fails costs the next scan time and nothing else.
    fn write(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<()>) {
        if let Some(database) = &self.database {
            let whole = || -> rusqlite::Result<()> {
                let transaction = database.unchecked_transaction()?;
                change(&transaction)?;
                transaction.commit()
            };
            let _kept_or_not = whole();
        }
    }
}

/// Where numbers of texts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Answers,
    Vectors,
}

impl Table {
    fn select(self) -> &'static str {
        match self {
            Table::Answers => "SELECT text, shares FROM answer WHERE key = ?1",
            Table::Vectors => "SELECT text, numbers FROM vector WHERE key = ?1",
        }
    }

    fn touch(self) -> &'static str {
        match self {
            Table::Answers => "UPDATE answer SET scan = ?3 WHERE key = ?1 AND text = ?2",
            Table::Vectors => "UPDATE vector SET scan = ?3 WHERE key = ?1 AND text = ?2",
        }
    }

    fn insert(self) -> &'static str {
        match self {
            Table::Answers => "INSERT OR REPLACE INTO answer VALUES (?1, ?2, ?3, ?4)",
            Table::Vectors => "INSERT OR REPLACE INTO vector VALUES (?1, ?2, ?3, ?4)",
        }
    }
}

fn connected(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let database = Connection::open(path)?;
    database.busy_timeout(WAIT)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction =
        rusqlite::Transaction::new_unchecked(&database, rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    } else if version != VERSION {
        return Err(rusqlite::Error::InvalidQuery);
    }
    transaction.execute("INSERT INTO scans VALUES (NULL)", [])?;
    let scan = transaction.last_insert_rowid();
    transaction.execute("DELETE FROM scans WHERE number < ?1", [scan])?;
    transaction.commit()?;
    Ok((database, scan))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let four = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    bytes.chunks_exact(4).map(four).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_under_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (key, other) = (Hash::of(b"belt"), Hash::of(b"another belt"));
        let text = Hash::of(b"text");
        {
            let cache = Cache::open(folder.path()).unwrap();
            cache.keep_numbers(Table::Answers, &key, &[(text, &[0.25, 0.75])]);
            cache.keep_numbers(Table::Vectors, &key, &[(text, &[1.0])]);
            cache.keep_pairs(&key, &[((text, key), 0.5)]);
            cache.keep_clones(&key, &[(0, 1, 0.5)]);
            cache.keep_files(&[(key, &Kept::default())], &[]);
        }
        let cache = Cache::open(folder.path()).unwrap();
        assert_eq!(cache.numbers(Table::Answers, &key)[&text], [0.25, 0.75]);
        assert_eq!(cache.numbers(Table::Vectors, &key)[&text], [1.0]);
        assert_eq!(cache.pairs(&key)[&(text, key)], 0.5);
        assert_eq!(cache.clones(&key), Some(vec![(0, 1, 0.5)]));
        assert_eq!(cache.files(&[key, other]).len(), 1);
        assert!(cache.numbers(Table::Answers, &other).is_empty());
    }

    #[test]
    fn a_damaged_cache_and_one_of_another_version_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan.sqlite");
        fs_err::write(&path, vec![7; 10_000]).unwrap();
        assert!(Cache::open(folder.path()).is_ok());
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "user_version", 99).unwrap();
        drop(database);
        let cache = Cache::open(folder.path()).unwrap();
        assert!(cache.numbers(Table::Answers, &Hash::of(b"")).is_empty());
    }

    #[test]
    fn what_is_no_longer_asked_for_is_forgotten_after_many_scans() {
        let folder = tempfile::tempdir().unwrap();
        let key = Hash::of(b"key");
        let first = Cache::open(folder.path()).unwrap();
        let (used, unused) = (Hash::of(b"used"), Hash::of(b"unused"));
        first.keep_numbers(Table::Answers, &key, &[(used, &[1.0]), (unused, &[1.0])]);
        drop(first);
        for _ in 0..SCANS + SWEPT {
            let cache = Cache::open(folder.path()).unwrap();
            cache.sweep(&[(Table::Answers, key)], &[used]);
        }
        let last = Cache::open(folder.path()).unwrap();
        let left: Vec<Hash> = last.numbers(Table::Answers, &key).into_keys().collect();
        assert_eq!(left, [used]);
    }
}
