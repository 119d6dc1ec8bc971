//! Writes the rows of a batch: a statement or two for each table, whatever the number of rows.
//! Parents come before children; roots and anonymity sets come before the verifications that refer
//! to them.

mod entities;
mod tree;
mod verifications;

use sqlx::PgConnection;
use sqlx::postgres::PgBindIterExt;

use super::state::State;
use crate::values::{integer, time};
use crate::{EventRecord, StoreError};

pub async fn write(
    connection: &mut PgConnection,
    mut state: State,
    records: &[EventRecord],
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
    verifications::nullifiers(connection, &state).await?;
    verifications::verifications(connection, &state).await?;
    verifications::refusals(connection, &state).await?;
    verifications::growth(connection, &state).await?;
    events(connection, records).await
}

/// Writes the list of applied events.
async fn events(connection: &mut PgConnection, records: &[EventRecord]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut slots = Vec::with_capacity(records.len());
    let mut transactions = Vec::with_capacity(records.len());
    let mut instructions = Vec::with_capacity(records.len());
    let mut inner = Vec::with_capacity(records.len());
    let mut times = Vec::with_capacity(records.len());
    let (mut scopes, mut registries) = (Vec::new(), Vec::new());
    for record in records {
        let position = record.position;
        slots.push(position.slot.to_column()?);
        transactions.push(integer("transaction index", position.transaction_index)?);
        instructions.push(integer("instruction index", position.instruction_index)?);
        inner.push(integer("inner index", position.inner_index)?);
        times.push(time(record.time)?);
        scopes.push(record.event.scope().map(|scope| scope.to_bytes()));
        registries.push(record.event.registry().map(|registry| registry.to_bytes()));
    }
    sqlx::query(
        "INSERT INTO events (slot, transaction_index, instruction_index, inner_index, kind, signature, happened_at,
                             scope_id, registry_id)
         SELECT e.slot, e.transaction_index, e.instruction_index, e.inner_index, e.kind, e.signature,
                to_timestamp(e.time), s.id, coalesce(s.registry_id, r.id)
         FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[], $5::text[], $6::bytea[], $7::bigint[],
                     $8::bytea[], $9::bytea[])
              AS e (slot, transaction_index, instruction_index, inner_index, kind, signature, time, scope, registry)
         LEFT JOIN scopes s ON s.address = e.scope LEFT JOIN registries r ON r.address = e.registry",
    )
    .bind(slots)
    .bind(transactions)
    .bind(instructions)
    .bind(inner)
    .bind(records.iter().map(|record| record.event.name()).bind_iter())
    .bind(records.iter().map(|record| record.signature.as_ref()).bind_iter())
    .bind(times)
    .bind(scopes)
    .bind(registries)
    .execute(connection)
    .await?;
    Ok(())
}
