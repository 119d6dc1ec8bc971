//! The log of events for subscribers.

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{Batch, Event, LoggedEvent, Position, RegistryKind, Rewind, ScopeMode, Slot, Store};

use crate::roles::as_role;
use crate::support::{Chain, address};

const BEGINNING: Position = Position {
    slot: Slot::ZERO,
    transaction_index: 0,
    instruction_index: 0,
    inner_index: 0,
};

/// Returns a chain with a registry and a scope.
fn chain() -> Chain {
    let mut chain = Chain::new();
    chain.circuit(address("circuit"));
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    chain.scope(
        address("scope"),
        address("registry"),
        address("circuit"),
        ScopeMode::Live,
    );
    chain
}

fn verify(chain: &mut Chain) {
    chain.wait(1);
    let root = chain.root(address("registry"));
    chain.verify(address("scope"), root, 7);
}

async fn events(store: &Store, after: Position) -> Vec<LoggedEvent> {
    store.event_log_after(after, 0, 100).await.unwrap().events
}

#[tokio::test]
async fn an_event_has_its_scope_and_the_registry_of_the_scope_and_no_other_address() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = chain();
    verify(&mut chain);
    chain.emit(Event::ScopeClosed {
        scope: address("scope"),
    });
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let found = events(&store, BEGINNING).await;
    let subjects: Vec<_> = found
        .iter()
        .map(|event| (event.name.as_str(), event.scope, event.registry))
        .collect();
    let (scope, registry) = (Some(address("scope")), Some(address("registry")));
    assert_eq!(
        subjects,
        [
            ("CircuitRegistered", None, None),
            ("RegistryCreated", None, registry),
            ("ScopeCreated", scope, registry),
            ("OwnershipVerified", scope, registry),
            ("ScopeClosed", scope, registry),
        ]
    );
    let positions: Vec<Position> = found.iter().map(|event| event.position).collect();
    let applied: Vec<Position> = batch.records.iter().map(|record| record.position).collect();
    assert_eq!(positions, applied);
    assert_eq!(events(&store, positions[2]).await, found[3..]);
    let page = store.event_log_after(BEGINNING, 0, 2).await.unwrap();
    assert_eq!((&page.events[..], page.is_complete), (&found[..2], false));
    let newest = store.newest_events(2, 2).await.unwrap();
    assert_eq!((&newest.events[..], newest.is_all), (&found[3..], false));
    assert_eq!(store.newest_events(100, 1).await.unwrap().events, found);
    for event in batch.records.iter().map(|record| &record.event) {
        assert!(Event::NAMES.contains(&event.name()));
    }
}

#[tokio::test]
async fn a_rollback_is_read_with_the_events_of_the_other_fork_and_one_without_effect_is_not() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = chain();
    store.apply(&chain.batch()).await.unwrap();
    verify(&mut chain);
    let first = chain.batch();
    store.apply(&first).await.unwrap();
    let before_fork = chain.clone();
    verify(&mut chain);
    verify(&mut chain);
    store.apply(&chain.batch()).await.unwrap();
    let read = store.event_log_after(BEGINNING, 0, 100).await.unwrap();
    assert_eq!((read.rewinds.len(), read.events.len()), (0, 6));
    let last = read.events[5].position;

    store.try_roll_back(first.checkpoint.slot).await.unwrap();
    assert!(
        store
            .event_log_after(last, 0, 100)
            .await
            .unwrap()
            .rewinds
            .is_empty()
    );
    store.roll_back_to(first.checkpoint.slot).await.unwrap();
    let mut chain = before_fork;
    chain.wait(1);
    chain.emit(Event::ScopeClosed {
        scope: address("scope"),
    });
    store.apply(&chain.batch()).await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let page = store.event_log_after(last, 0, 100).await.unwrap();
    let [Rewind { number, to }] = page.rewinds[..] else {
        panic!("{:?}", page.rewinds)
    };
    assert_eq!(to, first.checkpoint);
    let names: Vec<&str> = page.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["ScopeClosed"]);
    let known = store.event_log_after(last, number, 100).await.unwrap();
    assert!(known.rewinds.is_empty() && known.events.is_empty());
    let ahead = store.event_log_after(last, number + 5, 100).await.unwrap();
    assert_eq!((ahead.rewinds.len(), ahead.last_rewind), (0, number));
    let newest = store.newest_events(1, 2).await.unwrap();
    assert_eq!((&newest.rewinds, newest.has_all_rewinds), (&page.rewinds, true));
    // To the beginning of the chain.
    database.store.roll_back_to(Slot::ZERO).await.unwrap();
    let page = store.event_log_after(last, number, 100).await.unwrap();
    assert_eq!(page.rewinds.len(), 3, "one for each batch");
    assert_eq!(page.rewinds[2].to, BEGINNING);
    let newest = store.newest_events(1, 2).await.unwrap();
    assert_eq!(
        (&newest.rewinds[..], newest.has_all_rewinds),
        (&page.rewinds[1..], false)
    );
    assert!(page.events.is_empty());
}

#[tokio::test]
async fn a_rollback_during_a_rebuild_is_none_for_subscribers_and_one_after_it_is() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = chain();
    let first = chain.batch();
    verify(&mut chain);
    let second = chain.batch();
    for batch in [&first, &second] {
        database.store.apply(batch).await.unwrap();
    }
    let fresh = Store::in_new_schema(&database.url().unwrap(), 2, "beside")
        .await
        .unwrap();
    for batch in [&first, &second] {
        fresh.apply(batch).await.unwrap();
    }
    fresh.roll_back_to(first.checkpoint.slot).await.unwrap();
    fresh.apply(&second).await.unwrap();
    let rewinds = async || {
        let page = database.store.event_log_after(BEGINNING, 0, 100).await;
        page.unwrap().rewinds
    };
    assert_eq!(rewinds().await, []);
    let switchover = database.store.begin_switchover().await.unwrap();
    switchover.finish(&fresh, "beside").await.unwrap();
    fresh.close().await;
    assert_eq!(rewinds().await, []);
    assert_eq!(events(&database.store, BEGINNING).await.len(), 4);
    database.store.roll_back_to(first.checkpoint.slot).await.unwrap();
    let to: Vec<Position> = rewinds().await.iter().map(|rewind| rewind.to).collect();
    assert_eq!(to, [first.checkpoint]);
}

/// Replaces the rows of a database by those of batches. Returns the rollbacks that this added.
async fn replace(database: &TestDatabase, batches: &[&Batch]) -> Vec<Position> {
    let fresh = Store::in_new_schema(&database.url().unwrap(), 2, "beside")
        .await
        .unwrap();
    for batch in batches {
        fresh.apply(batch).await.unwrap();
    }
    let known = database.store.newest_events(1, 1).await.unwrap().rewinds;
    let known = known.last().map_or(0, |rewind| rewind.number);
    let switchover = database.store.begin_switchover().await.unwrap();
    switchover.finish(&fresh, "beside").await.unwrap();
    fresh.close().await;
    let page = database.store.event_log_after(BEGINNING, known, 100).await;
    page.unwrap().rewinds.iter().map(|rewind| rewind.to).collect()
}

#[tokio::test]
async fn a_rebuild_with_other_events_is_a_rollback_to_the_last_common_one() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = chain();
    let first = chain.batch();
    let common = first.records.last().unwrap().position;
    let before_fork = chain.clone();
    verify(&mut chain);
    let undone = chain.batch();
    for batch in [&first, &undone] {
        database.store.apply(batch).await.unwrap();
    }
    // The chain has another fork.
    let mut chain = before_fork;
    chain.wait(1);
    chain.emit(Event::ReuseRefused {
        scope: address("scope"),
        claim: bauta_primitives::Claim::of_track(7),
    });
    let other = chain.batch();
    assert_eq!(other.records[0].position, undone.records[0].position);
    verify(&mut chain);
    let next = chain.batch();
    assert_eq!(replace(&database, &[&first, &other, &next]).await, [common]);
    // The rebuild has read more, and nothing else.
    verify(&mut chain);
    let later = chain.batch();
    assert_eq!(replace(&database, &[&first, &other, &next, &later]).await, []);
    // The database had an event between two others that the chain does not have.
    let last = other.records[0].position;
    assert_eq!(replace(&database, &[&first, &other, &later]).await, [last]);
    // The database lacked one.
    assert_eq!(replace(&database, &[&first, &other, &next, &later]).await, [last]);
}
