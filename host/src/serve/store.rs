//! The database: jobs, settings and files of the front end.

use super::job::{Ended, Job, Listed, Stage, Stored};
use crate::lock::lock;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value as Json};
use std::{
    path::Path,
    sync::{Mutex, MutexGuard},
};

/// Jobs that ended are kept as long as there are not more of them.
const MOST_JOBS: u64 = 10_000;
/// After so many jobs, the oldest are removed.
const PRUNE_EVERY: u64 = 256;

/// An error of the database.
pub(super) type Result<T> = std::result::Result<T, rusqlite::Error>;

/// The database of a server. A write is safe from a killed process when its call returns.
pub(super) struct Store(Mutex<Connection>);

/// A file that the front end saved.
pub(super) struct UserFile {
    pub(super) path: String,
    /// Bytes.
    pub(super) size: u64,
    /// Milliseconds since 1970.
    pub(super) created: u64,
    /// Milliseconds since 1970.
    pub(super) modified: u64,
}

/// Which jobs a list has.
#[derive(Default)]
pub(super) struct Filter {
    /// Empty for all.
    pub(super) stages: Vec<Stage>,
    pub(super) oldest_first: bool,
    pub(super) offset: u64,
    pub(super) limit: u64,
    /// Of the front end's workflow with this id.
    pub(super) workflow: Option<String>,
}

impl Store {
    /// Opens the database at `path`, or makes it. Jobs that ran when the last process ended wait again.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A killed process loses nothing; a power failure may lose the last moments.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS jobs (
                 position INTEGER PRIMARY KEY AUTOINCREMENT,
                 id TEXT NOT NULL UNIQUE,
                 number REAL NOT NULL,
                 stage TEXT NOT NULL,
                 workflow TEXT,
                 created INTEGER NOT NULL,
                 started INTEGER,
                 ended INTEGER,
                 body TEXT NOT NULL,
                 ending TEXT
             );
             CREATE INDEX IF NOT EXISTS jobs_by_stage ON jobs (stage);
             CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS files (
                 path TEXT PRIMARY KEY, content BLOB NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL
             );
             UPDATE jobs SET stage = 'pending', started = NULL WHERE stage = 'in_progress';",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        lock(&self.0)
    }

    /// Adds a job that waits. Returns false if there is a job with its id.
    pub(super) fn add(&self, job: &Job) -> Result<bool> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "INSERT OR IGNORE INTO jobs (id, number, stage, workflow, created, body) VALUES (?, ?, 'pending', ?, ?, ?)",
        )?;
        let body = job.body.to_string();
        let added = statement.execute(params![job.id, job.number, job.workflow(), job.created, body])?;
        let newest = u64::try_from(connection.last_insert_rowid()).unwrap_or(0);
        if added == 1 && newest.is_multiple_of(PRUNE_EVERY) {
            connection.execute(
                "DELETE FROM jobs WHERE ended IS NOT NULL AND position <= ?1 - ?2",
                params![newest, MOST_JOBS],
            )?;
        }
        Ok(added == 1)
    }

    pub(super) fn start(&self, id: &str, at: u64) -> Result<()> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("UPDATE jobs SET stage = 'in_progress', started = ? WHERE id = ?")?;
        statement.execute(params![at, id]).map(|_| ())
    }

    pub(super) fn end(&self, id: &str, stage: Stage, at: u64, ending: &Ended) -> Result<()> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("UPDATE jobs SET stage = ?, ended = ?, ending = ? WHERE id = ?")?;
        statement.execute(params![stage.name(), at, ending.to_json().to_string(), id]).map(|_| ())
    }

    /// The jobs that wait, in the order of their numbers.
    pub(super) fn waiting(&self) -> Result<Vec<Job>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare("SELECT * FROM jobs WHERE stage = 'pending' ORDER BY number, position")?;
        let rows = statement.query_map([], |row| stored(row).map(|stored| stored.job))?;
        rows.collect()
    }

    /// The largest number of all jobs.
    pub(super) fn largest_number(&self) -> Result<f64> {
        self.lock().query_row("SELECT COALESCE(MAX(number), -1) FROM jobs", [], |row| row.get(0))
    }

    pub(super) fn job(&self, id: &str) -> Result<Option<Stored>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT * FROM jobs WHERE id = ?")?;
        statement.query_row([id], stored).optional()
    }

    /// The jobs that `filter` accepts, and how many there are without its limit and offset.
    pub(super) fn jobs(&self, filter: &Filter) -> Result<(Vec<Stored>, u64)> {
        self.select("*", filter, stored)
    }

    /// As [`Self::jobs`], without what was asked for, which may be long: the front end asks for lists after each job.
    pub(super) fn listed(&self, filter: &Filter) -> Result<(Vec<Listed>, u64)> {
        self.select("id, number, workflow, created, stage, started, ended, ending", filter, listed)
    }

    fn select<T>(&self, columns: &str, filter: &Filter, read: fn(&Row<'_>) -> Result<T>) -> Result<(Vec<T>, u64)> {
        let names: Vec<String> = filter.stages.iter().map(|stage| format!("'{}'", stage.name())).collect();
        let stages = if names.is_empty() { "1".to_owned() } else { format!("stage IN ({})", names.join(", ")) };
        let accepted = format!("{stages} AND (?1 IS NULL OR workflow = ?1)");
        let order = if filter.oldest_first { "ASC" } else { "DESC" };
        let connection = self.lock();
        let total = connection
            .prepare_cached(&format!("SELECT COUNT(*) FROM jobs WHERE {accepted}"))?
            .query_row([&filter.workflow], |row| row.get(0))?;
        let text = format!(
            "SELECT {columns} FROM jobs WHERE {accepted} ORDER BY created {order}, position {order} LIMIT ?2 OFFSET ?3"
        );
        let mut statement = connection.prepare_cached(&text)?;
        let rows = statement.query_map(params![filter.workflow, filter.limit, filter.offset], read)?;
        Ok((rows.collect::<Result<_>>()?, total))
    }

    /// Removes jobs that ended: those with these ids, or all. Returns how many there were.
    pub(super) fn forget(&self, ids: Option<&[String]>) -> Result<usize> {
        let connection = self.lock();
        match ids {
            None => connection.execute("DELETE FROM jobs WHERE ended IS NOT NULL", []),
            Some(ids) => {
                let mut statement = connection.prepare_cached("DELETE FROM jobs WHERE ended IS NOT NULL AND id = ?")?;
                ids.iter().map(|id| statement.execute([id])).sum()
            }
        }
    }

    /// Removes a job that never started.
    pub(super) fn remove_waiting(&self, id: &str) -> Result<()> {
        self.lock().execute("DELETE FROM jobs WHERE stage = 'pending' AND id = ?", [id]).map(|_| ())
    }

    pub(super) fn settings(&self) -> Result<Map<String, Json>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT key, value FROM settings ORDER BY key")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, json(row, 1)?)))?;
        rows.collect()
    }

    pub(super) fn set_settings<'a>(&self, values: impl IntoIterator<Item = (&'a String, &'a Json)>) -> Result<()> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        for (key, value) in values {
            let text = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            change.prepare_cached(text)?.execute(params![key, value.to_string()])?;
        }
        change.commit()
    }

    /// The files whose paths begin with `start`, in the order of their paths.
    pub(super) fn files(&self, start: &str) -> Result<Vec<UserFile>> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT path, LENGTH(content), created, modified FROM files WHERE SUBSTR(path, 1, LENGTH(?1)) = ?1 ORDER BY path",
        )?;
        let rows = statement.query_map([start], about)?;
        rows.collect()
    }

    pub(super) fn file(&self, path: &str) -> Result<Option<(UserFile, Vec<u8>)>> {
        let connection = self.lock();
        let mut statement = connection
            .prepare_cached("SELECT path, LENGTH(content), created, modified, content FROM files WHERE path = ?")?;
        statement.query_row([path], |row| Ok((about(row)?, row.get(4)?))).optional()
    }

    pub(super) fn save_file(&self, path: &str, content: &[u8], at: u64) -> Result<()> {
        let text = "INSERT INTO files VALUES (?1, ?2, ?3, ?3)
                    ON CONFLICT (path) DO UPDATE SET content = excluded.content, modified = excluded.modified";
        self.lock().prepare_cached(text)?.execute(params![path, content, at]).map(|_| ())
    }

    /// Returns false if there is no such file.
    pub(super) fn delete_file(&self, path: &str) -> Result<bool> {
        self.lock().execute("DELETE FROM files WHERE path = ?", [path]).map(|count| count == 1)
    }

    /// Renames a file, and replaces one at the new path. Returns false if there is no file at the old path.
    pub(super) fn move_file(&self, from: &str, to: &str) -> Result<bool> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        let is_there = change.query_row("SELECT 1 FROM files WHERE path = ?", [from], |_| Ok(())).optional()?;
        if is_there.is_some() && from != to {
            change.execute("DELETE FROM files WHERE path = ?", [to])?;
            change.execute("UPDATE files SET path = ?2 WHERE path = ?1", [from, to])?;
        }
        change.commit()?;
        Ok(is_there.is_some())
    }
}

fn about(row: &Row<'_>) -> Result<UserFile> {
    Ok(UserFile { path: row.get(0)?, size: row.get(1)?, created: row.get(2)?, modified: row.get(3)? })
}

fn stored(row: &Row<'_>) -> Result<Stored> {
    let text: Option<String> = row.get("ending")?;
    let body: String = row.get("body")?;
    let stage: String = row.get("stage")?;
    Ok(Stored {
        job: Job {
            id: row.get("id")?,
            number: row.get("number")?,
            created: row.get("created")?,
            // The server wrote these texts.
            body: serde_json::from_str(&body).unwrap_or_default(),
        },
        stage: Stage::named(&stage).unwrap_or(Stage::Failed),
        started: row.get("started")?,
        ended: row.get("ended")?,
        ending: text.and_then(|text| Ended::from_json(serde_json::from_str(&text).ok()?)),
    })
}

fn listed(row: &Row<'_>) -> Result<Listed> {
    let text: Option<String> = row.get("ending")?;
    let stage: String = row.get("stage")?;
    Ok(Listed {
        id: row.get("id")?,
        number: row.get("number")?,
        workflow: row.get("workflow")?,
        created: row.get("created")?,
        stage: Stage::named(&stage).unwrap_or(Stage::Failed),
        started: row.get("started")?,
        ended: row.get("ended")?,
        shown: text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
    })
}

fn json(row: &Row<'_>, column: usize) -> Result<Json> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
