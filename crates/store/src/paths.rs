//! Paths of several leaves of a registry, read with few statements.
//!
//! ```text
//!   leaves without a root --choose_roots--> a root for each      one statement
//!   roots and indexes --add_segments------> paths                one statement
//!   roots that are not valid --known_roots-> the error of each   one statement, if there are any
//! ```

use std::collections::{BTreeMap, HashSet};

use bauta_primitives::tree::{EMPTY_SUBTREES, LeafIndex, MembershipPath, Siblings};
use bauta_primitives::{FieldElement, Leaf, Root};
use futures_util::TryStreamExt;
use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::path::inconsistent_tiles;
use crate::registries::{SELECT, registry};
use crate::roots::choose_root;
use crate::tile::{PathSegment, TileKey, byte_of_leaf, entry_of, height};
use crate::values::{bigint, element, time};
use crate::{Path, Registry, Store, StoreError};

/// A leaf whose path is requested.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WantedPath {
    /// The leaf's index.
    pub index: u64,
    /// The root of the path. `None` stands for the result of [`Store::root_to_prove`].
    pub root: Option<Root>,
}

/// A path while its tiles are read, from the leaf upwards.
struct PartialPath {
    index: LeafIndex,
    root: Root,
    leaf: FieldElement,
    siblings: Vec<Siblings>,
    hash_below: Option<FieldElement>,
    error: Option<StoreError>,
}

impl Store {
    /// Returns the registries that exist at these addresses.
    pub async fn registries_at(&self, addresses: &[Address]) -> Result<Vec<Registry>, StoreError> {
        let addresses: Vec<&[u8]> = addresses.iter().map(AsRef::as_ref).collect();
        let rows = sqlx::query(AssertSqlSafe(format!("{SELECT} WHERE address = ANY($1)")))
            .bind(addresses)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(registry).collect()
    }

    /// Returns the paths of leaves at roots that are valid at `now` (Unix seconds), in the order of
    /// `wanted`. Each path has the result that [`Store::path`] would have.
    ///
    /// It runs at most three statements and holds one tile in memory at a time. The caller bounds
    /// the number of paths.
    pub async fn paths(
        &self,
        registry: &Registry,
        wanted: &[WantedPath],
        now: i64,
    ) -> Result<Vec<Result<Path, StoreError>>, StoreError> {
        let without_root = wanted.iter().filter(|wanted| wanted.root.is_none());
        let indexes = without_root.filter_map(|wanted| registry.depth.check_index(wanted.index).ok());
        let chosen = self.choose_roots(registry, indexes, now).await?;
        let mut paths = Vec::with_capacity(wanted.len());
        for WantedPath { index, root } in wanted {
            let index = registry.depth.check_index(*index).map_err(StoreError::from);
            paths.push(index.map(|index| PartialPath {
                index,
                root: root.unwrap_or_else(|| chosen[&index.get()]),
                leaf: FieldElement::ZERO,
                siblings: Vec::with_capacity(registry.depth.levels()),
                hash_below: None,
                error: None,
            }));
        }
        let mut found: Vec<&mut PartialPath> =
            paths.iter_mut().filter_map(|path| path.as_mut().ok()).collect();
        self.add_segments(registry, &mut found, now).await?;
        self.add_root_errors(registry, &mut found).await?;
        Ok(paths.into_iter().map(|path| path?.complete(registry)).collect())
    }

    /// Returns the root to prove of each leaf.
    async fn choose_roots(
        &self,
        registry: &Registry,
        indexes: impl Iterator<Item = LeafIndex>,
        now: i64,
    ) -> Result<BTreeMap<u64, Root>, StoreError> {
        let indexes: BTreeMap<u64, LeafIndex> = indexes.map(|index| (index.get(), index)).collect();
        let mut chosen = BTreeMap::new();
        if indexes.is_empty() {
            return Ok(chosen);
        }
        let (mut positions, mut first_bytes) = (Vec::new(), Vec::new());
        for index in indexes.values() {
            let key = TileKey::above(registry.depth, *index).next();
            positions.push(bigint("tile position", key.map_or(0, |key| key.position))?);
            // Postgres counts bytes from 1.
            first_bytes.push(byte_of_leaf(registry.depth, *index) + 1);
        }
        let numbers: Vec<i64> = indexes
            .keys()
            .map(|index| bigint("leaf index", *index))
            .collect::<Result<_, _>>()?;
        let mut rows = sqlx::query(
            "SELECT k.number, r.root, r.sequence, extract(epoch FROM r.created_at)::bigint AS created_at, r.leaf_count,
                    r.stored, extract(epoch FROM r.replaced_at)::bigint AS replaced_at,
                    extract(epoch FROM r.valid_until)::bigint AS valid_until,
                    substring(t.nodes FROM k.first_byte FOR 32) AS leaf
             FROM unnest($3::bigint[], $4::bigint[], $5::integer[]) AS k (number, position, first_byte)
             CROSS JOIN roots r
             LEFT JOIN LATERAL (SELECT nodes FROM tiles t
                                WHERE t.registry_id = $1 AND t.level = 0 AND t.position = k.position
                                  AND t.since_sequence <= r.sequence
                                  AND (t.until_sequence > r.sequence OR t.until_sequence IS NULL)
                                ORDER BY t.since_sequence DESC LIMIT 1) t ON true
             WHERE r.registry_id = $1 AND (r.replaced_at IS NULL OR r.valid_until > to_timestamp($2::bigint))
             ORDER BY k.number, r.sequence DESC",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(&numbers)
        .bind(positions)
        .bind(first_bytes)
        .fetch(&self.pool);
        let mut of_index: Vec<PgRow> = Vec::new();
        for (index, number) in indexes.keys().zip(&numbers) {
            // The rows of the next leaf begin with the row that ended those of this leaf.
            let next = loop {
                match rows.try_next().await? {
                    Some(row) if row.get::<i64, _>("number") == *number => of_index.push(row),
                    next => break next,
                }
            };
            chosen.insert(*index, choose_root(registry, &of_index, true, now)?.root);
            of_index.clear();
            of_index.extend(next);
        }
        Ok(chosen)
    }

    /// Reads the tiles above the leaves and adds their segments to the paths.
    async fn add_segments(
        &self,
        registry: &Registry,
        paths: &mut [&mut PartialPath],
        now: i64,
    ) -> Result<(), StoreError> {
        if paths.is_empty() {
            return Ok(());
        }
        // The lowest tiles come first. Several leaves may have a tile in common.
        let mut users: BTreeMap<(u8, Root, u64), Vec<usize>> = BTreeMap::new();
        for (number, path) in paths.iter().enumerate() {
            for key in TileKey::above(registry.depth, path.index) {
                let users = users.entry((key.level, path.root, key.position));
                users.or_default().push(number);
            }
        }
        let (mut roots, mut levels, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for (level, root, position) in users.keys() {
            roots.push(root.to_bytes().to_vec());
            levels.push(i16::from(*level));
            positions.push(bigint("tile position", *position)?);
        }
        let users: Vec<(u8, Vec<usize>)> = users
            .into_iter()
            .map(|((level, ..), users)| (level, users))
            .collect();
        let mut rows = sqlx::query(
            "SELECT k.number, v.stored, t.hash, t.nodes
             FROM unnest($3::bytea[], $4::smallint[], $5::bigint[]) WITH ORDINALITY AS k (root, level, position, number)
             JOIN (SELECT DISTINCT ON (root) root, sequence, stored FROM valid_roots($1, to_timestamp($2::bigint))
                   WHERE root = ANY($3::bytea[]) ORDER BY root, stored DESC, sequence DESC) v ON v.root = k.root
             LEFT JOIN LATERAL (SELECT hash, nodes FROM tiles t
                                WHERE t.registry_id = $1 AND t.level = k.level AND t.position = k.position
                                  AND t.since_sequence <= v.sequence
                                  AND (t.until_sequence > v.sequence OR t.until_sequence IS NULL)
                                ORDER BY t.since_sequence DESC LIMIT 1) t ON true
             ORDER BY k.number",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(roots)
        .bind(levels)
        .bind(positions)
        .fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            // Ordinals begin at 1.
            let number = usize::try_from(row.get::<i64, _>("number") - 1).unwrap_or_default();
            let (level, users) = &users[number];
            for user in users {
                paths[*user].add_segment(registry, *level, &row)?;
            }
        }
        Ok(())
    }

    /// Adds the reason to each path whose root is not valid. Such a path has no segment.
    async fn add_root_errors(
        &self,
        registry: &Registry,
        paths: &mut [&mut PartialPath],
    ) -> Result<(), StoreError> {
        let has_no_row = |path: &PartialPath| path.hash_below.is_none() && path.error.is_none();
        let roots: HashSet<Root> = paths
            .iter()
            .filter(|path| has_no_row(path))
            .map(|path| path.root)
            .collect();
        if roots.is_empty() {
            return Ok(());
        }
        let bytes: Vec<Vec<u8>> = roots.iter().map(|root| root.to_bytes().to_vec()).collect();
        let rows =
            sqlx::query("SELECT DISTINCT root FROM roots WHERE registry_id = $1 AND root = ANY($2::bytea[])")
                .bind(registry.id)
                .bind(bytes)
                .fetch_all(&self.pool)
                .await?;
        let known = rows.iter().map(|row| element(row.get("root")).map(Root::new));
        let known: HashSet<Root> = known.collect::<Result<_, _>>()?;
        for path in paths.iter_mut().filter(|path| has_no_row(path)) {
            let (registry, root) = (registry.address, path.root);
            path.error = Some(if known.contains(&root) {
                StoreError::RootNotValid { registry, root }
            } else {
                StoreError::UnknownRoot { registry, root }
            });
        }
        Ok(())
    }
}

impl PartialPath {
    /// Adds the segment in a tile. `row` has the tile, or no hash for an empty tile.
    fn add_segment(&mut self, registry: &Registry, level: u8, row: &PgRow) -> Result<(), StoreError> {
        if self.error.is_some() {
            return Ok(());
        }
        if !row.get::<bool, _>("stored") {
            let (registry, root) = (registry.address, self.root);
            self.error = Some(StoreError::TreeNotStored { registry, root });
            return Ok(());
        }
        let (hash, nodes): (FieldElement, &[u8]) = match row.get::<Option<&[u8]>, _>("hash") {
            Some(hash) => (element(hash)?, row.get("nodes")),
            None => (
                EMPTY_SUBTREES[usize::from(level) + height(registry.depth, level)],
                &[],
            ),
        };
        let entry = entry_of(registry.depth, level, self.index);
        let segment = PathSegment::read(registry.depth, level, entry, nodes)?;
        match self.hash_below {
            None => self.leaf = segment.entry,
            Some(hash) if hash == segment.entry => {}
            Some(_) => return Err(inconsistent_tiles(registry, self.root)),
        }
        self.siblings.extend(segment.siblings);
        self.hash_below = Some(hash);
        Ok(())
    }

    /// Returns the path. Fails if the tiles do not lead to its root.
    fn complete(self, registry: &Registry) -> Result<Path, StoreError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.hash_below != Some(self.root.element()) {
            return Err(inconsistent_tiles(registry, self.root));
        }
        Ok(Path {
            leaf: Leaf::new(self.leaf),
            root: self.root,
            path: MembershipPath::new(registry.depth, self.index, self.siblings)?,
        })
    }
}
