//! The layout with one row for each node, for comparison.

use anyhow::Result;
use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, node};
use bauta_primitives::{FieldElement, Leaf, Root};
use rayon::prelude::*;
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{PgPool, Row};

/// Hashes the tree in parallel and copies every node into the table, in one transaction. Returns
/// the root.
pub async fn build(pool: &PgPool, leaves: Vec<Leaf>) -> Result<Root> {
    let levels = tokio::task::spawn_blocking(move || levels(&leaves)).await?;
    sqlx::query(
        "CREATE TABLE nodes (level smallint, index bigint, hash bytea NOT NULL, PRIMARY KEY (level, index))",
    )
    .execute(pool)
    .await?;
    let mut copy = pool.copy_in_raw("COPY nodes FROM STDIN (FORMAT binary)").await?;
    let mut buffer = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (level, nodes) in (0i16..).zip(&levels) {
        for (index, hash) in (0i64..).zip(nodes) {
            buffer.extend_from_slice(&3i16.to_be_bytes());
            buffer.extend_from_slice(&2i32.to_be_bytes());
            buffer.extend_from_slice(&level.to_be_bytes());
            buffer.extend_from_slice(&8i32.to_be_bytes());
            buffer.extend_from_slice(&index.to_be_bytes());
            buffer.extend_from_slice(&32i32.to_be_bytes());
            buffer.extend_from_slice(hash.as_bytes());
            if buffer.len() > 1 << 18 {
                copy.send(buffer.as_slice()).await?;
                buffer.clear();
            }
        }
    }
    buffer.extend_from_slice(&(-1i16).to_be_bytes());
    copy.send(buffer.as_slice()).await?;
    copy.finish().await?;
    Ok(Root::new(levels[Depth::Ten.levels()][0]))
}

/// Returns the nodes of every level, from the leaves to the root.
fn levels(leaves: &[Leaf]) -> Vec<Vec<FieldElement>> {
    let mut levels = vec![leaves.iter().map(|leaf| leaf.element()).collect::<Vec<_>>()];
    for level in 0..Depth::Ten.levels() {
        let above = levels[level]
            .par_chunks(ARITY)
            .map(|children| {
                node(std::array::from_fn(|i| {
                    children.get(i).copied().unwrap_or(EMPTY_SUBTREES[level])
                }))
            })
            .collect();
        levels.push(above);
    }
    levels
}

/// Reads the leaf and the siblings of a path.
pub async fn path(pool: &PgPool, index: u64) -> Result<()> {
    let (mut wanted_levels, mut wanted) = (Vec::new(), Vec::new());
    for level in 0u8..10 {
        let group = (index >> (2 * level)) & !3;
        for child in group..group + 4 {
            wanted_levels.push(i16::from(level));
            wanted.push(i64::try_from(child)?);
        }
    }
    let rows = sqlx::query(
        "SELECT level, index, hash FROM unnest($1::smallint[], $2::bigint[]) AS w (level, index)
         JOIN nodes USING (level, index)",
    )
    .bind(wanted_levels)
    .bind(wanted)
    .fetch_all(pool)
    .await?;
    let mut groups = [[FieldElement::ZERO; ARITY]; 10];
    for (level, group) in groups.iter_mut().enumerate() {
        group.fill(EMPTY_SUBTREES[level]);
    }
    for row in rows {
        let (level, index): (i16, i64) = (row.get(0), row.get(1));
        let hash = row.get::<&[u8], _>(2).try_into()?;
        groups[usize::try_from(level)?][usize::try_from(index & 3)?] =
            FieldElement::from_bytes("node", hash)?;
    }
    std::hint::black_box(groups);
    Ok(())
}
