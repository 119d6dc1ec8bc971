//! Tests of what counts as an event, and of the order of events.

use std::sync::Arc;

use bauta_indexing::chain::{Head, ListedTransaction};
use bauta_indexing::testing::{TestChain, emitted, named};
use bauta_indexing::{ClusterCheck, Follower, IndexerError, Settings, SourceError};
use bauta_store::testing::TestDatabase;
use bauta_store::{Position, Sequence, Slot};
use solana_address::Address;
use solana_signature::Signature;

use crate::support::{Fixture, count, rows, settings, small_chain};

#[tokio::test]
async fn a_missing_checkpoint_is_not_slot_0() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), None);
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint, Some(Position::end_of_slot(chain.slot)));
    let sent: usize = chain
        .transactions
        .iter()
        .map(|transaction| transaction.inner_instructions.len())
        .sum();
    assert_eq!(step.events, sent);
    assert_eq!(
        count(&fixture.database, "events").await,
        i64::try_from(sent).unwrap()
    );
}

#[tokio::test]
async fn the_events_of_a_failed_transaction_are_not_applied() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let verified = chain.verified(scope, registry, 7);
    chain.send_failing(vec![verified]);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 3);
}

#[tokio::test]
async fn event_bytes_of_another_program_are_not_applied() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    // The same bytes: from another program, with another event authority, with a second account.
    let mut spoofed = chain.verified(scope, registry, 7);
    spoofed.program = Address::from([9; 32]);
    let mut other_authority = chain.verified(scope, registry, 7);
    other_authority.accounts = vec![Address::from([9; 32])];
    let mut two_accounts = chain.verified(scope, registry, 7);
    two_accounts.accounts.push(Address::from([9; 32]));
    chain.send(vec![spoofed, other_authority, two_accounts]);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 3);
    assert_eq!(count(&fixture.database, "verifications").await, 3);
}

#[tokio::test]
async fn an_instruction_of_the_program_is_not_an_event() {
    let mut chain = small_chain();
    let mut instruction = chain.verified(named("scope"), named("registry"), 7);
    // The discriminator of an instruction instead of the event tag.
    instruction.data[..8].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    chain.send(vec![instruction]);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 3);
}

#[tokio::test]
async fn an_unknown_event_stops_the_checkpoint_before_it() {
    let mut chain = small_chain();
    let before = chain.slot;
    chain.wait(1);
    let mut unknown = chain.verified(named("scope"), named("registry"), 7);
    unknown.data[8..16].copy_from_slice(&[0xff; 8]);
    chain.send(vec![unknown]);
    let mut fixture = Fixture::new(&chain).await;
    let mut stopped = None;
    for _ in 0..3 {
        stopped = fixture.follower.step().await.err();
    }
    let stopped = stopped.unwrap();
    assert!(matches!(stopped, IndexerError::Event { .. }), "{stopped}");
    assert!(
        !stopped.is_retryable() && stopped.to_string().contains("update the client"),
        "{stopped}"
    );
    let checkpoint = fixture.database.store.checkpoint().await.unwrap().unwrap();
    assert!(checkpoint.slot <= before, "{checkpoint}");
}

#[tokio::test]
async fn the_events_of_a_slot_are_applied_in_order() {
    let registry = named("registry");
    let mut chain = TestChain::default();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    // Many changes in one slot: any other order has a gap. The source returns them in reverse
    // order.
    for leaf in 0..40 {
        chain.append(registry, &[leaf]).unwrap();
    }
    let mut fixture = Fixture::new(&chain).await;
    let step = fixture.settle().await;
    assert_eq!(step.events, 81);
    let stored = fixture.database.store.registry(registry).await.unwrap();
    assert_eq!((stored.sequence.get(), stored.next_index), (40, 40));
}

#[tokio::test]
async fn two_changes_in_one_transaction_are_both_applied() {
    let registry = named("registry");
    let mut chain = TestChain::default();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    chain.append(registry, &[1]).unwrap();
    let mut second = chain.clone();
    second.append(registry, &[2]).unwrap();
    // Moves the second change into the transaction of the first one, as instruction 1.
    let change = second.transactions.pop().unwrap().inner_instructions;
    let last = chain.transactions.last_mut().unwrap();
    last.inner_instructions
        .extend(change.into_iter().map(|mut inner| {
            inner.outer_index = 1;
            inner
        }));
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let stored = fixture.database.store.registry(registry).await.unwrap();
    assert_eq!(stored.sequence, Sequence::new(2));
}

#[tokio::test]
async fn reading_the_same_history_twice_changes_nothing() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    fixture.restart();
    chain.wait(1);
    fixture.source.set_chain(&chain);
    let step = fixture.settle().await;
    assert_eq!(step.events, 0);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn two_concurrent_followers_write_each_event_once() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    let mut other = Follower::new(
        Arc::clone(&fixture.source),
        fixture.database.store.clone(),
        settings(),
    );
    for round in 0..10 {
        chain.wait(1);
        chain
            .register(named("registry"), 1_000 + round, round, 7)
            .unwrap();
        fixture.source.set_chain(&chain);
        let (one, two) = tokio::join!(fixture.follower.step(), other.step());
        for outcome in [one, two] {
            if let Err(error) = outcome {
                assert!(error.is_retryable(), "{error}");
            }
        }
    }
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_source_behind_the_database_changes_nothing_and_stops_the_checkpoint_after_the_limit() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let checkpoint = fixture.database.store.checkpoint().await.unwrap();
    fixture.source.state().transactions.clear();
    fixture.source.state().head = Some(Head {
        confirmed: Slot::new(5),
        finalized: Slot::ZERO,
    });
    let step = fixture.follower.step().await.unwrap();
    assert_eq!((step.checkpoint, step.events), (checkpoint, 0));
    let no_tolerance = bauta_indexing::Settings {
        source_behind_limit: std::time::Duration::ZERO,
        ..settings()
    };
    let mut follower = Follower::new(
        Arc::clone(&fixture.source),
        fixture.database.store.clone(),
        no_tolerance,
    );
    let _ = follower.step().await;
    let stopped = follower.step().await.unwrap_err();
    assert!(
        matches!(stopped, IndexerError::SourceBehind { head, .. } if head == Slot::new(5)),
        "{stopped}"
    );
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), checkpoint);
}

#[tokio::test]
async fn failed_requests_leave_no_partial_data() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    for failures in 1..6 {
        fixture.source.state().failures = failures;
        while let Err(error) = fixture.follower.step().await {
            assert!(error.is_retryable(), "{error}");
        }
    }
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn only_slots_whose_transactions_are_finalized_become_final() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    let step = fixture.settle().await;
    // The node reports a newer finalized slot than the statuses of the transactions.
    fixture.source.state().head = Some(Head {
        confirmed: chain.slot,
        finalized: Slot::new(104),
    });
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    let finality = fixture.follower.finalize(head, None).await.unwrap().unwrap();
    assert_eq!(finality, Slot::new(104));
    assert_eq!(
        fixture.database.store.finalized_slot().await.unwrap(),
        Some(Slot::new(104))
    );
    assert!(step.checkpoint.unwrap().slot > Slot::new(104));
    assert_eq!(fixture.database.store.reconciled_slot().await.unwrap(), None);
    // Finality does not wait for the reconciliation. The two slots move independently.
    fixture.source.state().head = Some(head);
    let finality = fixture
        .follower
        .finalize(head, Some(Slot::new(106)))
        .await
        .unwrap();
    assert_eq!(finality, Some(chain.slot));
    let store = &fixture.database.store;
    assert_eq!(store.reconciled_slot().await.unwrap(), Some(Slot::new(106)));
    // A slot cannot be reconciled before it is final.
    fixture.follower.finalize(head, Some(Slot::MAX)).await.unwrap();
    assert_eq!(store.reconciled_slot().await.unwrap(), Some(chain.slot));
}

#[tokio::test]
async fn a_node_that_reports_every_status_in_another_slot_does_not_stop_finality() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    {
        let mut state = fixture.source.state();
        state.head = Some(head);
        for transaction in &chain.transactions {
            let moved_to = transaction.slot.previous();
            state.moved_statuses.insert(transaction.signature, moved_to);
        }
    }
    let finality = fixture.follower.finalize(head, None).await.unwrap();
    assert_eq!(finality, Some(chain.slot));
}

#[tokio::test]
async fn finality_names_the_slot_that_the_only_node_that_answers_contradicts() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    let contradicted = chain.transactions[2].clone();
    {
        let mut state = fixture.source.state();
        state.head = Some(head);
        state
            .moved_statuses
            .insert(contradicted.signature, contradicted.slot.previous());
        state.without_other_status.insert(contradicted.signature);
    }
    let finality = fixture.follower.finalize(head, None).await.unwrap();
    assert!(finality < Some(contradicted.slot), "{finality:?}");
    assert_eq!(fixture.follower.disputed_slot(), Some(contradicted.slot));
    fixture.source.state().without_other_status.clear();
    let finality = fixture.follower.finalize(head, None).await.unwrap();
    assert_eq!(finality, Some(chain.slot));
    assert_eq!(fixture.follower.disputed_slot(), None);
}

#[tokio::test]
async fn a_cold_start_marks_no_slot_final_before_it_has_read_it() {
    let mut chain = small_chain();
    for _ in 0..400 {
        chain.wait(1);
    }
    let mut fixture = Fixture::new(&chain).await;
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    fixture.source.state().head = Some(head);
    // The source fails after a few batches.
    fixture.source.state().failing_fetches = 3..usize::MAX;
    fixture.first_error().await;
    let store = &fixture.database.store;
    let checkpoint = store.checkpoint().await.unwrap().unwrap();
    assert!(checkpoint.slot < chain.slot, "{checkpoint}");
    assert_eq!(store.finalized_slot().await.unwrap(), Some(checkpoint.slot));
    // What was read is final, so it has no journal.
    assert_eq!(count(&fixture.database, "journal").await, 0);
    fixture.source.state().failing_fetches = 0..0;
    fixture.restart();
    fixture.settle().await;
    assert_eq!(
        fixture.database.store.finalized_slot().await.unwrap(),
        Some(chain.slot)
    );
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_source_of_another_cluster_is_refused_and_changes_nothing() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let before = rows(&fixture.database).await;
    chain.wait(1);
    chain.verify(named("scope"), named("registry"), 7);
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.source.state().genesis_hash = [9; 32];
    fixture.restart();
    let refused = fixture.follower.step().await.unwrap_err();
    assert!(
        matches!(refused, IndexerError::Source(SourceError::OtherCluster { .. })),
        "{refused}"
    );
    assert!(!refused.is_retryable());
    assert_eq!(rows(&fixture.database).await, before);
    // A setting that contradicts the database is refused as well.
    let required = Settings {
        cluster: ClusterCheck::Required([9; 32]),
        ..settings()
    };
    let store = fixture.database.store.clone();
    let mut follower = Follower::new(Arc::clone(&fixture.source), store, required);
    let refused = follower.step().await.unwrap_err();
    assert!(
        matches!(
            refused,
            IndexerError::OtherClusterRequired {
                recorded: [0, ..],
                ..
            }
        ),
        "{refused}"
    );
    // A local chain can be created again.
    let any = Settings {
        cluster: ClusterCheck::Off,
        ..settings()
    };
    fixture.follower = Follower::new(Arc::clone(&fixture.source), fixture.database.store.clone(), any);
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 4);
}

#[tokio::test]
async fn a_listed_transaction_that_is_not_on_the_chain_is_dismissed() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    let invented = ListedTransaction {
        slot: chain.slot.previous(),
        signature: Signature::from([77; 64]),
        succeeded: true,
        is_refused_reuse: false,
    };
    fixture.source.state().invented.push(invented);
    fixture.settle().await;
    for _ in 0..3 {
        chain.wait(1);
        chain.verify(named("scope"), named("registry"), 7);
        chain.wait(1);
        fixture.source.set_chain(&chain);
        fixture.settle().await;
    }
    fixture.source.state().invented.clear();
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn events_in_slots_that_are_not_final_have_the_commitment_confirmed() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let commitments = async |database: &TestDatabase| -> Vec<(i64, String)> {
        let query = "SELECT DISTINCT slot, commitment FROM events_with_commitment ORDER BY slot";
        sqlx::query_as(query).fetch_all(database.pool()).await.unwrap()
    };
    let before = commitments(&fixture.database).await;
    assert!(before.len() > 6 && before.iter().all(|(_, commitment)| commitment == "confirmed"));
    let head = Head {
        confirmed: chain.slot,
        finalized: Slot::new(104),
    };
    fixture.source.state().head = Some(head);
    fixture.follower.finalize(head, None).await.unwrap().unwrap();
    for (slot, commitment) in commitments(&fixture.database).await {
        let expected = if slot <= 104 { "finalized" } else { "confirmed" };
        assert_eq!(commitment, expected, "slot {slot}");
    }
}

#[test]
fn the_client_decodes_an_emitted_event() {
    let mut chain = small_chain();
    let inner = chain.verified(named("scope"), named("registry"), 7);
    let event = bauta_client::decode_event(&bauta::ID, &inner.accounts, &inner.data)
        .unwrap()
        .unwrap();
    assert_eq!(event.name(), "OwnershipVerified");
    let sealed = emitted(&bauta::events::RegistrySealed {
        registry: named("registry"),
        timestamp: 1,
    });
    assert_ne!(sealed.data, inner.data);
}
