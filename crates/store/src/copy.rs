//! A writer for `COPY .. FROM STDIN (FORMAT binary)`. The page "COPY" of the Postgres manual
//! defines the format.

use sqlx::PgConnection;
use sqlx::postgres::PgCopyIn;

use crate::StoreError;

/// The number of buffered bytes from which rows are sent.
const CHUNK: usize = 1 << 18;

pub struct CopyWriter<'c> {
    copy: PgCopyIn<&'c mut PgConnection>,
    buffer: Vec<u8>,
}

impl<'c> CopyWriter<'c> {
    pub async fn begin(connection: &'c mut PgConnection, statement: &str) -> Result<Self, StoreError> {
        let copy = connection.copy_in_raw(statement).await?;
        let mut buffer = Vec::with_capacity(2 * CHUNK);
        buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        // no flags, no header extension
        buffer.extend_from_slice(&[0; 8]);
        Ok(Self { copy, buffer })
    }

    /// Begins a row with the given number of columns. The caller then adds each column in order.
    pub fn row(&mut self, columns: i16) -> &mut Self {
        self.buffer.extend_from_slice(&columns.to_be_bytes());
        self
    }

    pub fn int2(&mut self, value: i16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn int4(&mut self, value: i32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Adds a `bigint`, or a `timestamptz` as microseconds since 2000-01-01.
    pub fn int8(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        let length = i32::try_from(value.len()).expect("a column is a number, a hash or a tile");
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(value);
        self
    }

    pub async fn send_if_large(&mut self) -> Result<(), StoreError> {
        if self.buffer.len() >= CHUNK {
            self.copy.send(self.buffer.as_slice()).await?;
            self.buffer.clear();
        }
        Ok(())
    }

    pub async fn finish(mut self) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(&(-1i16).to_be_bytes());
        self.copy.send(self.buffer.as_slice()).await?;
        self.copy.finish().await?;
        Ok(())
    }
}
