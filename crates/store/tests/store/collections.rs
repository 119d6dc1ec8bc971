//! Collections, also those that a program of the previous release wrote.

use bauta_primitives::tree::Depth;
use bauta_store::event::CollectionAdded;
use bauta_store::testing::TestDatabase;
use bauta_store::{Collection, Event, RegistryKind};

use crate::support::{Chain, address};

fn collection(name: &str, kind: u8, rules: u16, number: u16) -> Collection {
    Collection {
        key: address(name),
        kind,
        rules,
        number,
        track: u64::MAX,
    }
}

#[tokio::test]
async fn kinds_rules_and_numbers_are_stored_and_earlier_rows_have_the_kinds_0_and_1() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders, Depth::Ten);
    let mut expected = vec![
        collection("a core collection", 3, 1 | 8 | 16, u16::MAX),
        collection("a later kind", u8::MAX, u16::MAX, 7),
        collection("a master", 4, 0, 1),
    ];
    for added in &expected {
        chain.emit(Event::CollectionAdded(CollectionAdded {
            registry,
            key: added.key,
            kind: added.kind,
            rules: added.rules,
            number: added.number,
            track: added.track,
        }));
    }
    store.apply(&chain.batch()).await.unwrap();
    for (name, is_group) in [("an earlier group", true), ("an earlier mint", false)] {
        sqlx::query(
            "INSERT INTO collections (registry_id, key, is_group, track_id, added_at)
             SELECT id, $1, $2, 18446744073709551615, now() FROM registries",
        )
        .bind(address(name).to_bytes())
        .bind(is_group)
        .execute(database.pool())
        .await
        .unwrap();
        expected.push(collection(name, is_group.into(), 0, 0));
    }
    let registry = store.registry(registry).await.unwrap();
    assert_eq!(store.collections(&registry).await.unwrap(), expected);
    assert_eq!(
        store.collections_after(&registry, None, 9).await.unwrap(),
        expected
    );
    let of_kinds = store.collections_of_kinds(&registry, &[3, 4], 9).await.unwrap();
    assert_eq!(of_kinds.len(), 2);
    assert!(of_kinds.iter().all(|found| [3, 4].contains(&found.kind)));
    let limited = store.collections_of_kinds(&registry, &[3, 4], 1).await.unwrap();
    // The first one in the order of the keys, so every replica returns the same.
    assert_eq!(limited, of_kinds[..1]);
    assert!(of_kinds.is_sorted_by_key(|found| found.key));
}
