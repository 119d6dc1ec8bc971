//! Writes all rows that follow the chain into a file, and reads them into a new schema.
//!
//! ```text
//!   frame: 4 bytes with its length, big-endian, and its content
//!   "bauta snapshot 2"
//!   for each table, parents before children: its name and columns, its rows, an empty frame
//!   "end", and the SHA-256 of everything before
//! ```
//!
//! The rows have Postgres's binary format of COPY. A snapshot is not trusted: names are compared
//! with the catalog, Postgres checks the values, and the indexer compares the rows with the chain.
//! It has no journal and no finality, which a rollback or the next steps would act on: the importer
//! derives them from the checkpoint.

use std::io::{self, Read, Write};

use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::switchover::CHAIN_TABLES;
use crate::{Slot, Store, StoreError, checkpoint, limits};

const MAGIC: &[u8] = b"bauta snapshot 2";
const END: &[u8] = b"end";
/// The number of buffered bytes from which a frame is written.
const FRAME: usize = 1 << 18;
/// The largest frame that is read. A row has at most about 11 kB.
const MAX_FRAME: usize = 1 << 20;

/// The tables that follow the chain and that a snapshot does not have.
const LEFT_OUT: [&str; 2] = ["finality", "journal"];
/// The number of slots before the checkpoint that the importer compares with the chain again. The
/// exporter may have applied slots that a fork removed later.
const COMPARED_SLOTS: i64 = 512;

/// What a snapshot contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotSummary {
    /// The slot of the checkpoint.
    pub slot: Slot,
    /// The number of tables.
    pub tables: usize,
    /// The number of bytes of the file.
    pub bytes: u64,
}

/// An error while a snapshot is written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be written or read.
    #[error("the snapshot cannot be written or read: {0}")]
    File(#[from] io::Error),
    /// The file is not a complete snapshot, or does not fit the schema.
    #[error("the file is not a valid snapshot: {reason}; export it again with the same version")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
    /// The database has no rows to export.
    #[error(
        "the database is empty: there is no checkpoint; export from a database that an indexer has filled"
    )]
    Empty,
    /// The database failed or refused the rows.
    #[error("database: {0}")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SnapshotError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn invalid(reason: impl Into<String>) -> SnapshotError {
    SnapshotError::Invalid {
        reason: reason.into(),
    }
}

/// Writes frames, and hashes and counts their bytes.
struct FrameWriter<W> {
    output: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> FrameWriter<W> {
    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.output.write_all(bytes)
    }

    fn frame(&mut self, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).map_err(io::Error::other)?;
        self.raw(&length.to_be_bytes())?;
        self.raw(content)
    }
}

/// Reads frames, and hashes and counts their bytes.
struct FrameReader<R> {
    input: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> FrameReader<R> {
    fn raw(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => invalid("it ends in the middle"),
            _ => error.into(),
        })?;
        self.hash.update(&*bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn frame(&mut self) -> Result<Vec<u8>, SnapshotError> {
        let mut length = [0; 4];
        self.raw(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(invalid(format!(
                "a frame has {length} bytes, and the limit is {MAX_FRAME}"
            )));
        }
        let mut content = vec![0; length];
        self.raw(&mut content)?;
        Ok(content)
    }
}

/// Returns the names of a table's columns, in their order, without those that are computed.
async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<String>, StoreError> {
    let columns = sqlx::query_scalar(
        "SELECT quote_ident(attname) FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
    );
    Ok(columns.bind(table).fetch_all(connection).await?)
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let mut tables: Vec<String> = sqlx::query_scalar(CHAIN_TABLES).fetch_all(connection).await?;
    tables.retain(|table| !LEFT_OUT.contains(&table.as_str()));
    Ok(tables)
}

impl Store {
    /// Writes all rows that follow the chain, as they are at one moment. Writers do not wait.
    pub async fn export_snapshot(&self, output: impl Write) -> Result<SnapshotSummary, SnapshotError> {
        let mut writer = FrameWriter {
            output,
            hash: Sha256::new(),
            bytes: 0,
        };
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .execute(&mut *transaction)
            .await?;
        limits::lift_in_transaction(&mut transaction).await?;
        let last = checkpoint::last_batch(&mut transaction).await?;
        let slot = last.ok_or(SnapshotError::Empty)?.checkpoint.slot;
        writer.frame(MAGIC)?;
        let tables = tables(&mut transaction).await?;
        for table in &tables {
            let columns = columns(&mut transaction, table).await?.join(",");
            writer.frame(format!("{table} {columns}").as_bytes())?;
            let copy = format!("COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT binary)");
            let mut rows = transaction.copy_out_raw(&copy).await?;
            let mut buffer = Vec::with_capacity(2 * FRAME);
            while let Some(row) = rows.next().await {
                buffer.extend_from_slice(&row?);
                if buffer.len() >= FRAME {
                    writer.frame(&buffer)?;
                    buffer.clear();
                }
            }
            if !buffer.is_empty() {
                writer.frame(&buffer)?;
            }
            writer.frame(&[])?;
        }
        transaction.rollback().await?;
        writer.frame(END)?;
        let hash = writer.hash.clone().finalize();
        writer.raw(&hash)?;
        writer.output.flush()?;
        Ok(SnapshotSummary {
            slot,
            tables: tables.len(),
            bytes: writer.bytes,
        })
    }

    /// Reads a snapshot into an empty schema, completely or not at all.
    ///
    /// Only the form of the rows is checked. The caller compares them with the chain:
    /// [`Store::check_trees`], the program's accounts, and the transactions since the finalized
    /// slot, which becomes one shortly before the checkpoint. There is no journal, so the
    /// checkpoint's slot must be final on the chain.
    pub async fn import_snapshot(&self, input: impl Read) -> Result<SnapshotSummary, SnapshotError> {
        let mut reader = FrameReader {
            input,
            hash: Sha256::new(),
            bytes: 0,
        };
        if reader.frame()? != MAGIC {
            return Err(invalid("it has another beginning or version"));
        }
        let mut transaction = self.begin_locked().await?;
        limits::lift_in_transaction(&mut transaction).await?;
        if checkpoint::last_batch(&mut transaction).await?.is_some() {
            return Err(invalid("the schema that would receive it is not empty"));
        }
        let mut open = tables(&mut transaction).await?;
        let mut count = 0;
        loop {
            let frame = reader.frame()?;
            if frame == END {
                break;
            }
            let text = std::str::from_utf8(&frame).unwrap_or_default();
            let (table, listed) = text.split_once(' ').unwrap_or_default();
            // The name is one of the catalog's, and each table is read once.
            let Some(position) = open.iter().position(|name| name == table) else {
                return Err(invalid(format!(
                    "it has the table {table:?}, which is unknown or repeated"
                )));
            };
            let table = open.remove(position);
            let known = columns(&mut transaction, &table).await?;
            for column in listed.split(',') {
                if !known.iter().any(|known| known == column) {
                    return Err(invalid(format!("the table {table} has no column {column:?}")));
                }
            }
            read_table(&mut transaction, &mut reader, &table, listed).await?;
            count += 1;
        }
        let expected = reader.hash.clone().finalize();
        let mut hash = [0; 32];
        reader.raw(&mut hash)?;
        if hash != *expected {
            return Err(invalid("its checksum is wrong"));
        }
        sqlx::query("UPDATE checkpoint SET batch = 1")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO finality (slot) SELECT greatest(0, slot - $1) FROM checkpoint")
            .bind(COMPARED_SLOTS)
            .execute(&mut *transaction)
            .await?;
        let last = checkpoint::last_batch(&mut transaction).await?;
        let slot = last
            .ok_or_else(|| invalid("it has no checkpoint"))?
            .checkpoint
            .slot;
        transaction.commit().await?;
        Ok(SnapshotSummary {
            slot,
            tables: count,
            bytes: reader.bytes,
        })
    }
}

async fn read_table<R: Read>(
    connection: &mut PgConnection,
    reader: &mut FrameReader<R>,
    table: &str,
    columns: &str,
) -> Result<(), SnapshotError> {
    let statement = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
    let mut copy = connection.copy_in_raw(&statement).await?;
    loop {
        let rows = match reader.frame() {
            Ok(rows) => rows,
            Err(error) => {
                // The error of the file matters, not that of the ended statement.
                let _ = copy.abort("the snapshot cannot be read").await;
                return Err(error);
            }
        };
        if rows.is_empty() {
            break;
        }
        copy.send(rows).await?;
    }
    copy.finish().await?;
    Ok(())
}
