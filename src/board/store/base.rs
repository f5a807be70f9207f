//! The file and its connections.

use super::outbox;
use crate::runtime::clock;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refuses.
    #[error(
        "the board's store: {0}; it is a cache of topics: delete its folder if it is damaged, and start again"
    )]
    Database(#[from] rusqlite::Error),
    /// The folder cannot be had.
    #[error("the board's store {0}: {1}; see board.store")]
    Folder(PathBuf, std::io::Error),
    /// There is no memory to unpack records with.
    #[error("the board's store cannot unpack its records: {0}")]
    Unpacker(std::io::Error),
    /// A record of our own does not read.
    #[error("the board's store: {0}")]
    Own(#[from] serde_json::Error),
}

/// What the store answers.
pub type Stored<T> = Result<T, StoreError>;

/// The layout of the tables. A store of another one is built anew, but for what was waiting in its outbox.
const LAYOUT: i64 = 4;
/// Connections that read at a time.
const READERS_MAX: usize = 8;
/// Time to wait for another process that holds the file.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// The board's store; clones share it.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Readers>,
    /// A reader is free.
    freed: Condvar,
    /// The number of the latest change.
    seq: watch::Sender<i64>,
    /// Counts all transactions, those that no list shows too.
    transactions: AtomicU64,
    /// What the names of this board's changes begin with.
    me: String,
    /// Folder of a store that does not outlive the process.
    scratch: Option<PathBuf>,
}

/// Connections that read: each has a cache of its own, so there are only so many.
#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    open: usize,
}

impl Store {
    /// Opens the store in a folder, and makes it where there is none. Without a folder it is in a scratch one that goes with
    /// the process. `name` is what the board calls itself if it is new.
    ///
    /// # Errors
    /// The folder or the file cannot be had.
    pub fn open(folder: &str, name: &str) -> Stored<Self> {
        let (folder, scratch) = match folder {
            "" => {
                let folder = std::env::temp_dir().join(format!("churnwatch-board-{name}"));
                (folder.clone(), Some(folder))
            }
            folder => (PathBuf::from(folder), None),
        };
        let path = folder.join("board.sqlite");
        make_private(&folder).map_err(|error| StoreError::Folder(folder.clone(), error))?;
        let mut writer = connect(&path)?;
        // 0 is a file that is new.
        let layout: i64 = writer.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let mut waiting = Vec::new();
        if layout != 0 && layout != LAYOUT {
            waiting = outbox::letters(&writer, u32::MAX)?;
            // With the last connection the files beside it go too.
            drop(writer);
            let gone = std::fs::remove_file(&path);
            gone.map_err(|error| StoreError::Folder(path.clone(), error))?;
            writer = connect(&path)?;
        }
        writer.execute_batch(include_str!("schema.sql"))?;
        for (_, letter) in &waiting {
            outbox::put(&writer, letter, clock::now().0)?;
        }
        writer.execute_batch(&format!("PRAGMA user_version = {LAYOUT}"))?;
        let me = match fact(&writer, "name")? {
            Some(me) => me,
            None => {
                let me = format!("{name}.");
                set_fact(&writer, "name", &me)?;
                me
            }
        };
        let seq: i64 = writer.query_row("SELECT coalesce(max(seq), 0) FROM task", [], |row| {
            row.get(0)
        })?;
        Ok(Self(Arc::new(Shared {
            path,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            freed: Condvar::new(),
            seq: watch::Sender::new(seq.max(1)),
            transactions: AtomicU64::new(0),
            me,
            scratch,
        })))
    }

    /// Tells of changes.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.0.seq.subscribe()
    }

    /// The number of the latest change.
    pub fn seq(&self) -> i64 {
        *self.0.seq.borrow()
    }

    /// Moves with every change, also of what no list shows.
    pub fn changed(&self) -> u64 {
        self.0.transactions.load(Ordering::Acquire)
    }

    /// Bytes on disk, of the file and its log.
    pub fn bytes(&self) -> u64 {
        let mut log = self.0.path.clone().into_os_string();
        log.push("-wal");
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        size(&self.0.path) + size(Path::new(&log))
    }

    /// What the names of this board's changes begin with.
    pub fn me(&self) -> &str {
        &self.0.me
    }

    /// Reads; waits while too many others do.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Connection) -> Stored<T>) -> Stored<T> {
        let connection = self.reader()?;
        let found = look(&connection);
        self.readers().idle.push(connection);
        self.0.freed.notify_one();
        found
    }

    /// Reads for long, on a connection of its own.
    pub(super) fn read_long<T>(&self, look: impl FnOnce(&Connection) -> Stored<T>) -> Stored<T> {
        look(&connect(&self.0.path)?)
    }

    fn reader(&self) -> Stored<Connection> {
        let mut readers = self.readers();
        loop {
            if let Some(connection) = readers.idle.pop() {
                return Ok(connection);
            }
            if readers.open < READERS_MAX {
                let connection = connect(&self.0.path)?;
                readers.open += 1;
                return Ok(connection);
            }
            let waited = self.0.freed.wait(readers);
            readers = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.0
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes, all or nothing; the change is handed its number, and lists are told.
    pub(super) fn write<T>(&self, change: impl FnOnce(&Connection, i64) -> Stored<T>) -> Stored<T> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = self.seq() + 1;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = change(&transaction, seq)?;
        transaction.commit()?;
        self.0.transactions.fetch_add(1, Ordering::Release);
        self.0.seq.send_replace(seq);
        Ok(done)
    }

    /// The same for what no list shows.
    pub(super) fn write_aside<T>(
        &self,
        change: impl FnOnce(&Connection) -> Stored<T>,
    ) -> Stored<T> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = change(&transaction)?;
        transaction.commit()?;
        self.0.transactions.fetch_add(1, Ordering::Release);
        Ok(done)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(folder) = &self.scratch
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::debug!(%error, "the board's scratch folder stays");
        }
    }
}

fn connect(path: &Path) -> Stored<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // A crash loses nothing that the topics do not have, but for the outbox, so each commit of it must last.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON; PRAGMA cache_size = -8192;",
    )?;
    Ok(connection)
}

/// Numbers are in the store, so nobody else may read it.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    // Also one that was there before.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

fn fact(connection: &Connection, name: &str) -> Stored<Option<String>> {
    let mut find = connection.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

fn set_fact(connection: &Connection, name: &str, value: &str) -> Stored<()> {
    let mut set = connection.prepare_cached("INSERT OR REPLACE INTO fact VALUES (?1, ?2)")?;
    set.execute([name, value])?;
    Ok(())
}
