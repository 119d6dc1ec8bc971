//! Trees in tiles, compared with reference trees.

use std::collections::BTreeMap;

use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, node};
use bauta_primitives::{FieldElement, Leaf, Root};
use bauta_store::testing::TestDatabase;
use bauta_store::{RegistryKind, Sequence, Store, StoreError, TileKey};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use solana_address::Address;
use sqlx::Row;

use crate::support::{Chain, ReferenceTree, address, leaf, registry};

/// Changes to a managed registry.
#[derive(Clone, Debug)]
enum Change {
    Append(u8),
    /// Replaces one of the appended leaves; by the empty leaf if the flag is set.
    Replace(prop::sample::Index, bool),
    /// Waits some seconds.
    Wait(u8),
    /// Ends a batch.
    Batch,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        3 => (1u8..40).prop_map(Change::Append),
        3 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(i, e)| Change::Replace(i, e)),
        1 => (0u8..200).prop_map(Change::Wait),
        1 => Just(Change::Batch),
    ];
    prop::collection::vec(change, 1..30)
}

/// Checks paths at every valid root against the reference tree at that root.
async fn check_paths(store: &Store, address: Address, trees: &BTreeMap<Root, ReferenceTree>, now: i64) {
    let registry = store.registry(address).await.unwrap();
    for valid in store.valid_roots(&registry, now).await.unwrap() {
        let reference = &trees[&valid.root];
        let last = reference.leaves.keys().next_back().copied().unwrap_or(0);
        for index in [0, last / 2, last, last + 1, registry.depth.capacity() - 1] {
            let path = store.path(&registry, valid.root, index, now).await.unwrap();
            assert_eq!(
                path.leaf,
                reference.leaves.get(&index).copied().unwrap_or(Leaf::EMPTY)
            );
            assert_eq!(path.path.siblings(), reference.path(registry.depth, index));
            assert_eq!(path.path.root(path.leaf), valid.root);
        }
    }
}

#[test]
fn any_changes_in_any_batches_give_the_reference_tree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 24,
        ..Config::default()
    });
    runner
        .run(&changes(), |changes| {
            runtime.block_on(async {
                let database = TestDatabase::create().await.unwrap();
                let store = &database.store;
                let mut chain = Chain::new();
                chain.create(registry(), RegistryKind::Managed, Depth::Ten);
                let mut trees = BTreeMap::from([(chain.root(registry()), ReferenceTree::default())]);
                let mut next = 0;
                for change in changes {
                    match change {
                        Change::Append(count) => {
                            let leaves = (next..next + u64::from(count)).map(leaf).collect();
                            next += u64::from(count);
                            chain.append(registry(), leaves);
                        }
                        Change::Replace(place, empty) if chain.appended(registry()) > 0 => {
                            let index = place.index(usize::try_from(chain.appended(registry())).unwrap());
                            next += 1;
                            let new = if empty { Leaf::EMPTY } else { leaf(next) };
                            chain.replace(registry(), index as u64, new);
                        }
                        Change::Replace(..) => {}
                        Change::Wait(seconds) => chain.wait(seconds.into()),
                        Change::Batch => {
                            store.apply(&chain.batch()).await.unwrap();
                            store.prune(chain.now).await.unwrap();
                        }
                    }
                    trees.insert(chain.root(registry()), chain.tree(registry()).clone());
                }
                store.apply(&chain.batch()).await.unwrap();
                check_paths(store, registry(), &trees, chain.now).await;
                store.prune(chain.now).await.unwrap();
                check_paths(store, registry(), &trees, chain.now).await;
                let registry = store.registry(registry()).await.unwrap();
                assert_eq!(registry.next_index, chain.appended(registry.address));
                assert_eq!(registry.sequence, chain.sequence(registry.address));
            });
            Ok(())
        })
        .unwrap();
}

/// A node of a binary tree over the leaves of a 4-ary tree: one node of the 4-ary tree, or two
/// neighbours.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Pair(FieldElement, Option<FieldElement>);

impl From<Pair> for Vec<u8> {
    fn from(pair: Pair) -> Self {
        let second = pair.1.map(|second| second.to_bytes().to_vec());
        [pair.0.to_bytes().to_vec(), second.unwrap_or_default()].concat()
    }
}

impl TryFrom<Vec<u8>> for Pair {
    type Error = ();

    fn try_from(bytes: Vec<u8>) -> Result<Self, ()> {
        let element = |bytes: &[u8]| FieldElement::from_bytes("node", bytes.try_into().unwrap()).unwrap();
        let (first, second) = bytes.split_at(32);
        Ok(Self(
            element(first),
            (!second.is_empty()).then(|| element(second)),
        ))
    }
}

#[derive(Clone)]
struct Poseidon4;

impl rs_merkle::Hasher for Poseidon4 {
    type Hash = Pair;

    fn hash(_: &[u8]) -> Pair {
        unreachable!("concat_and_hash is written below")
    }

    fn concat_and_hash(left: &Pair, right: Option<&Pair>) -> Pair {
        match (left, right) {
            // The root has no neighbour.
            (_, None) => *left,
            (Pair(a, None), Some(Pair(b, None))) => Pair(*a, Some(*b)),
            (Pair(a, Some(b)), Some(Pair(c, Some(d)))) => Pair(node([*a, *b, *c, *d]), None),
            _ => panic!("a level has nodes of one kind"),
        }
    }
}

#[tokio::test]
async fn roots_equal_those_of_rs_merkle_over_full_subtrees() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    // With a power of four leaves, a binary tree of pairs has the shape of a 4-ary tree.
    for levels in 1..=5usize {
        let leaves: Vec<Leaf> = (0..1 << (2 * levels)).map(|i| leaf(i + 7)).collect();
        let pairs: Vec<Pair> = leaves.iter().map(|leaf| Pair(leaf.element(), None)).collect();
        let expected = rs_merkle::MerkleTree::<Poseidon4>::from_leaves(&pairs)
            .root()
            .unwrap();
        assert_eq!(expected.1, None);
        let full = (levels..Depth::Ten.levels()).fold(expected.0, |below, level| {
            let empty = EMPTY_SUBTREES[level];
            node([below, empty, empty, empty])
        });
        let registry = address(&format!("registry {levels}"));
        chain.create(registry, RegistryKind::Managed, Depth::Ten);
        for leaves in leaves.chunks(100) {
            chain.append(registry, leaves.to_vec());
        }
        store.apply(&chain.batch()).await.unwrap();
        let registry = store.registry(registry).await.unwrap();
        let current = store.valid_roots(&registry, chain.now).await.unwrap()[0];
        assert_eq!(current.root, Root::new(full), "{levels} levels");
    }
}

#[tokio::test]
async fn an_imported_tree_equals_one_that_grew() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    let (grown, imported) = (address("grown"), address("imported"));
    chain.create(grown, RegistryKind::Managed, Depth::Ten);
    chain.create(imported, RegistryKind::Attested, Depth::Ten);
    let leaves: Vec<Leaf> = (0..1_000).map(leaf).collect();
    chain.append(grown, leaves.clone());
    let tree = chain.tree(grown).clone();
    chain.publish(imported, tree);
    store.apply(&chain.batch()).await.unwrap();

    let registry = store.registry(imported).await.unwrap();
    let root = chain.root(imported);
    let error = store.path(&registry, root, 0, chain.now).await.unwrap_err();
    assert!(matches!(error, StoreError::TreeNotStored { .. }), "{error}");
    let error = store
        .import_tree(&registry, leaves[1..].to_vec())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::RootMismatch { .. }), "{error}");
    assert_eq!(store.import_tree(&registry, leaves.clone()).await.unwrap(), root);

    let tiles = "SELECT level, position, hash, nodes FROM tiles t JOIN registries r ON r.id = t.registry_id
                 WHERE r.address = $1 AND until_sequence IS NULL ORDER BY 1, 2";
    let mut found = Vec::new();
    for address in [grown, imported] {
        let rows = sqlx::query(tiles)
            .bind(address.to_bytes())
            .fetch_all(database.pool())
            .await
            .unwrap();
        let rows: Vec<(i16, i64, Vec<u8>, Vec<u8>)> = rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
            .collect();
        assert_eq!(rows.len(), 4 + 1 + 1);
        found.push(rows);
    }
    assert_eq!(found[0], found[1]);
    let found = store.find_leaf(&registry, leaf(700)).await.unwrap().unwrap();
    assert_eq!(
        (found.index.get(), store.leaf(&registry, 700).await.unwrap()),
        (700, Some(found))
    );
    assert_eq!(store.find_leaf(&registry, leaf(5_000)).await.unwrap(), None);
    assert_eq!(store.find_leaf(&registry, Leaf::EMPTY).await.unwrap(), None);
}

#[tokio::test]
async fn a_second_import_keeps_the_first_tree_readable_while_its_root_is_valid() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Attested, Depth::Sixteen);
    let mut trees = BTreeMap::from([(chain.root(registry()), ReferenceTree::default())]);
    let mut tree = ReferenceTree::default();
    for round in 0..3 {
        tree.leaves.insert(0, leaf(round));
        tree.leaves
            .extend((300 * round..300 * (round + 1)).map(|i| (i + 1, leaf(i))));
        chain.publish(registry(), tree.clone());
        store.apply(&chain.batch()).await.unwrap();
        trees.insert(chain.root(registry()), tree.clone());
        let leaves = tree.leaves.values().copied().collect();
        let known = store.registry(registry()).await.unwrap();
        store.import_tree(&known, leaves).await.unwrap();
        store.prune(chain.now).await.unwrap();
        check_paths(store, registry(), &trees, chain.now).await;
        chain.wait(150);
    }
    let registry = store.registry(registry()).await.unwrap();
    assert_eq!(store.valid_roots(&registry, chain.now).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_deep_tree_stores_only_the_tiles_above_its_leaves() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Attested, Depth::Sixteen);
    let tree = ReferenceTree {
        leaves: BTreeMap::from([(0, leaf(1))]),
    };
    chain.publish(registry(), tree.clone());
    store.apply(&chain.batch()).await.unwrap();
    let registry = store.registry(registry()).await.unwrap();
    let root = store.import_tree(&registry, vec![leaf(1)]).await.unwrap();
    let tiles: i64 = sqlx::query("SELECT count(*) FROM tiles")
        .fetch_one(database.pool())
        .await
        .unwrap()
        .get(0);
    assert_eq!(tiles, 4);
    let last = Depth::Sixteen.capacity() - 1;
    for index in [0, 1, 255, 256, last] {
        let path = store.path(&registry, root, index, chain.now).await.unwrap();
        assert_eq!(path.path.siblings(), tree.path(Depth::Sixteen, index));
    }
    let error = store
        .path(&registry, root, last + 1, chain.now)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("out of range"), "{error}");
}

#[tokio::test]
async fn tiles_lead_from_the_root_to_every_leaf_by_their_hashes() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Managed, Depth::Ten);
    chain.append(registry(), (0..600).map(leaf).collect());
    store.apply(&chain.batch()).await.unwrap();
    let registry = store.registry(registry()).await.unwrap();
    let root = chain.root(registry.address);
    // A client that knows only the root.
    let top = store.tile(root.element()).await.unwrap();
    assert_eq!((top.level(), top.entries().len()), (8, 16));
    let middle = store.tile(top.entries()[0]).await.unwrap();
    assert_eq!((middle.level(), middle.entries().len()), (4, 256));
    let lowest = store.tile(middle.entries()[2]).await.unwrap();
    assert_eq!(
        lowest.entries()[..88],
        (512..600).map(|i| leaf(i).element()).collect::<Vec<_>>()
    );
    assert!(lowest.entries()[88..].iter().all(FieldElement::is_zero));
    // The entries of a tile give its hash.
    for tile in [&top, &middle, &lowest] {
        let mut nodes = tile.entries().to_vec();
        while nodes.len() > 1 {
            nodes = nodes
                .chunks(ARITY)
                .map(|children| node(children.try_into().unwrap()))
                .collect();
        }
        assert_eq!(nodes[0], tile.hash());
    }

    let key = TileKey {
        level: 0,
        position: 2,
    };
    assert_eq!(
        store.tile_at(&registry, root, key, chain.now).await.unwrap(),
        lowest
    );
    let empty = store
        .tile_at(
            &registry,
            root,
            TileKey {
                level: 0,
                position: 9,
            },
            chain.now,
        )
        .await
        .unwrap();
    assert_eq!(empty.hash(), EMPTY_SUBTREES[4]);
    for key in [(0, 4_096), (4, 16), (8, 1), (12, 0), (1, 0)] {
        let key = TileKey {
            level: key.0,
            position: key.1,
        };
        let error = store.tile_at(&registry, root, key, chain.now).await.unwrap_err();
        assert!(
            matches!(error, StoreError::TileOutOfRange { .. }),
            "{key:?}: {error}"
        );
    }
    let error = store.tile(FieldElement::from_u64(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownTile { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_tile_is_detected() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Managed, Depth::Ten);
    chain.append(registry(), vec![leaf(1)]);
    let first = chain.root(registry());
    store.apply(&chain.batch()).await.unwrap();
    let registry = store.registry(registry()).await.unwrap();
    for damage in [
        "UPDATE tiles SET hash = '\\x0000000000000000000000000000000000000000000000000000000000000001' WHERE level = 0",
        "DELETE FROM tiles WHERE level = 4",
    ] {
        sqlx::query(damage).execute(database.pool()).await.unwrap();
        let error = store.path(&registry, first, 0, chain.now).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_number_is_an_error_and_not_a_panic() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Managed, Depth::Ten);
    database.store.apply(&chain.batch()).await.unwrap();
    for damage in [
        "ALTER DOMAIN uint64 DROP CONSTRAINT uint64_is_in_range",
        "UPDATE registries SET nonce = -1",
    ] {
        sqlx::query(damage).execute(database.pool()).await.unwrap();
    }
    let error = database.store.registries().await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
}

/// A node may invent a registry account with such a sequence.
#[tokio::test]
async fn no_root_has_a_sequence_that_the_column_cannot_hold() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Managed, Depth::Ten);
    database.store.apply(&chain.batch()).await.unwrap();
    let registry = database.store.registry(registry()).await.unwrap();
    for sequence in [i64::MAX.unsigned_abs(), i64::MAX.unsigned_abs() + 1, u64::MAX] {
        let root = database.store.root_at(&registry, Sequence::new(sequence));
        assert_eq!(root.await.unwrap(), None, "{sequence}");
    }
}

#[tokio::test]
async fn more_leaves_than_a_tree_can_have_are_refused() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Attested, Depth::Ten);
    chain.create(address("managed"), RegistryKind::Managed, Depth::Ten);
    store.apply(&chain.batch()).await.unwrap();
    let registry = store.registry(registry()).await.unwrap();
    let error = store
        .import_tree(&registry, vec![Leaf::EMPTY; (1 << 20) + 1])
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::TooManyLeaves { count: 1_048_577, .. }),
        "{error}"
    );
    let managed = store.registry(address("managed")).await.unwrap();
    let error = store.import_tree(&managed, vec![leaf(1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Contradiction { .. }), "{error}");
}
