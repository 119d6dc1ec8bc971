//! Writes what a batch made: a statement or two for each table, however many rows. Parents come before children, roots and
//! anonymity sets before the uses that refer to them.

mod entities;
mod tree;
mod uses;

use sqlx::PgConnection;

use super::state::State;
use crate::values::{bigint, integer, time};
use crate::{Record, StoreError};

pub async fn write(
    connection: &mut PgConnection,
    mut state: State,
    records: &[Record],
) -> Result<(), StoreError> {
    state.finish()?;
    entities::config(connection, &state).await?;
    entities::circuits(connection, &state).await?;
    entities::registries(connection, &state).await?;
    entities::collections(connection, &state).await?;
    tree::roots(connection, &state).await?;
    tree::tiles(connection, &state).await?;
    tree::leaves(connection, &state).await?;
    entities::holdings(connection, &state).await?;
    entities::owners(connection, &state).await?;
    entities::scopes(connection, &state).await?;
    uses::nullifiers(connection, &state).await?;
    uses::verifications(connection, &state).await?;
    uses::refusals(connection, &state).await?;
    uses::growth(connection, &state).await?;
    events(connection, records).await
}

/// The list of events that have been applied.
async fn events(connection: &mut PgConnection, records: &[Record]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut positions = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut times = Vec::new();
    for record in records {
        positions.0.push(bigint("slot", record.position.slot)?);
        positions
            .1
            .push(integer("transaction index", record.position.transaction_index)?);
        positions
            .2
            .push(integer("instruction index", record.position.instruction_index)?);
        positions
            .3
            .push(integer("inner index", record.position.inner_index)?);
        times.push(time(record.time)?);
    }
    sqlx::query(
        "INSERT INTO events (slot, transaction_index, instruction_index, inner_index, kind, signature, happened_at)
         SELECT slot, transaction_index, instruction_index, inner_index, kind, signature, to_timestamp(time)
         FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[], $5::text[], $6::bytea[], $7::bigint[])
              AS e (slot, transaction_index, instruction_index, inner_index, kind, signature, time)",
    )
    .bind(positions.0)
    .bind(positions.1)
    .bind(positions.2)
    .bind(positions.3)
    .bind(records.iter().map(|record| record.event.name()).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.signature.0.as_slice()).collect::<Vec<_>>())
    .bind(times)
    .execute(connection)
    .await?;
    Ok(())
}
