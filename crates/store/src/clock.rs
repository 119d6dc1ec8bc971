use crate::{Store, StoreError};

impl Store {
    /// Returns the time of the database's machine in Unix seconds.
    pub async fn clock(&self) -> Result<i64, StoreError> {
        let seconds = sqlx::query_scalar("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint");
        Ok(seconds.fetch_one(&self.pool).await?)
    }
}
