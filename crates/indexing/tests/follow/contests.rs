//! Tests of transactions that one node invents, alters or denies. Node 0 is the faulty one.

use std::time::{Duration, Instant};

use bauta::state::RegistryKind;
use bauta_indexing::chain::{Head, Transaction};
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{IndexerError, Outcome, Reconciler, Settings, Step};
use bauta_store::{ContestState, Slot};
use solana_signature::Signature;

use crate::support::{Fixture, settings, small_chain};

/// How long a test waits for a condition.
const LIMIT: Duration = Duration::from_mins(1);

/// Returns a chain with a registry of four leaves, and a fork that has one more transaction.
fn chain_and_invention() -> (TestChain, Transaction) {
    let registry = named("registry");
    let mut chain = TestChain::default();
    chain.initialize();
    chain.create(registry, RegistryKind::Managed);
    for leaf in 0..4 {
        chain.wait(1);
        chain.append(registry, &[leaf]).unwrap();
    }
    let mut fork = chain.forked();
    fork.wait(1);
    fork.append(registry, &[77]).unwrap();
    chain.wait(1);
    chain.wait(1);
    (chain, fork.transactions.pop().unwrap())
}

/// Adds a transaction to what the source lists and returns. `denied_by` other nodes do not have it.
fn invent(fixture: &Fixture, invented: Transaction, denied_by: usize) {
    let mut state = fixture.source.state();
    state.denied.insert(invented.signature, denied_by);
    let place = state
        .transactions
        .partition_point(|transaction| transaction.slot <= invented.slot);
    state.transactions.insert(place, invented);
    state.compared_nodes = state.compared_nodes.max(denied_by + 1);
    state.other_histories = vec![Some(std::collections::HashSet::new()); denied_by];
}

/// Removes what [`invent`] has added.
fn honest(chain: &TestChain, fixture: &Fixture) {
    fixture.source.set_chain(chain);
    fixture.source.state().denied.clear();
}

async fn states(fixture: &Fixture) -> Vec<(Signature, ContestState)> {
    let contested = fixture.database.store.contested().await.unwrap();
    contested.iter().map(|row| (row.signature, row.state)).collect()
}

/// Steps and finalizes until all slots are final.
async fn until_final(fixture: &mut Fixture, chain: &TestChain) -> Step {
    fixture.source.state().head = Some(Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    });
    let start = Instant::now();
    loop {
        let step = fixture.settle().await;
        fixture
            .follower
            .finalize(step.head, Some(Slot::ZERO))
            .await
            .unwrap();
        let finalized = fixture.database.store.finalized_slot().await.unwrap();
        if finalized == Some(chain.slot) {
            return step;
        }
        assert!(start.elapsed() < LIMIT, "{finalized:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_contested_invention_that_contradicts_the_database_stops_nothing() {
    let (mut chain, mut invented) = chain_and_invention();
    chain.append(named("registry"), &[5]).unwrap();
    chain.wait(1);
    // It has the sequence of the transaction before it.
    invented.slot = chain.slot;
    chain.wait(1);
    chain.append(named("registry"), &[6]).unwrap();
    let mut fixture = Fixture::new(&chain).await;
    let signature = invented.signature;
    invent(&fixture, invented, 1);
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.map(|at| at.slot), Some(chain.slot));
    assert_eq!(states(&fixture).await, [(signature, ContestState::Aside)]);
    assert_eq!(fixture.follower.contested(), (1, 0));
    honest(&chain, &fixture);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_contested_invention_that_fits_is_undone_when_the_chain_contradicts_it() {
    let (mut chain, invented) = chain_and_invention();
    let mut fixture = Fixture::new(&chain).await;
    let signature = invented.signature;
    invent(&fixture, invented.clone(), 1);
    fixture.settle().await;
    let applied = fixture
        .database
        .store
        .applied_transactions_after(Slot::ZERO)
        .await;
    assert!(applied.unwrap().iter().any(|entry| entry.signature == signature));

    chain.wait(1);
    chain.append(named("registry"), &[5]).unwrap();
    chain.wait(1);
    chain.append(named("registry"), &[6]).unwrap();
    fixture.source.set_chain(&chain);
    invent(&fixture, invented, 1);
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.map(|at| at.slot), Some(chain.slot));
    assert_eq!(states(&fixture).await, [(signature, ContestState::Aside)]);
    // A restart continues without it.
    fixture.restart();
    fixture.settle().await;
    assert_eq!(fixture.follower.contested(), (1, 0));
    honest(&chain, &fixture);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_contested_event_that_one_node_alters_is_read_from_another_node() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        let mut altered = chain.transactions[4].clone();
        // The last event announces the new root.
        let data = &mut altered.inner_instructions.last_mut().unwrap().data;
        data[16 + 32 + 8 + 31] ^= 1;
        state.altered.insert(altered.signature, altered);
        state.compared_nodes = 2;
        state.other_histories = vec![Some(std::collections::HashSet::new())];
    }
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.map(|at| at.slot), Some(chain.slot));
    let rows = fixture.database.store.contested().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0].has_other && rows[0].state == ContestState::Aside,
        "{rows:?}"
    );
    assert_eq!(fixture.source.state().wrong, [0]);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn an_event_that_no_version_can_decode_is_contested_and_stops_nothing() {
    let (mut chain, mut invented) = chain_and_invention();
    invented.inner_instructions[0].data[8] ^= 1;
    chain.append(named("registry"), &[5]).unwrap();
    let mut fixture = Fixture::new(&chain).await;
    invent(&fixture, invented, 1);
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.map(|at| at.slot), Some(chain.slot));
    honest(&chain, &fixture);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn with_three_nodes_what_two_do_not_have_is_undone_before_it_is_final() {
    let (chain, invented) = chain_and_invention();
    let mut fixture = Fixture::new(&chain).await;
    let signature = invented.signature;
    invent(&fixture, invented, 2);
    until_final(&mut fixture, &chain).await;
    assert_eq!(states(&fixture).await, [(signature, ContestState::Undone)]);
    assert_eq!(fixture.source.state().wrong, [0]);
    assert_eq!(fixture.follower.contested(), (0, 0));
    honest(&chain, &fixture);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn with_three_nodes_what_one_does_not_have_is_kept_without_a_contest() {
    let (mut chain, _) = chain_and_invention();
    let real = chain.append(named("registry"), &[5]).unwrap();
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.denied.insert(real, 1);
        state.compared_nodes = 3;
    }
    until_final(&mut fixture, &chain).await;
    assert_eq!(states(&fixture).await, []);
    fixture.assert_equals_new_database(&chain).await;
}

/// Applies an invention that nothing contradicts but one other node, up to finality.
async fn kept() -> (TestChain, Transaction, Fixture) {
    let (chain, invented) = chain_and_invention();
    let mut fixture = Fixture::new(&chain).await;
    invent(&fixture, invented.clone(), 1);
    until_final(&mut fixture, &chain).await;
    assert_eq!(states(&fixture).await, [(invented.signature, ContestState::Kept)]);
    assert_eq!(fixture.follower.contested(), (0, 1));
    (chain, invented, fixture)
}

#[tokio::test]
async fn a_contested_transaction_that_is_final_is_undone_when_a_third_node_does_not_have_it() {
    let (chain, invented, mut fixture) = kept().await;
    // A new follower compares it at once.
    fixture.restart();
    {
        let mut state = fixture.source.state();
        state.denied.insert(invented.signature, 2);
        state.compared_nodes = 3;
    }
    let start = Instant::now();
    while states(&fixture).await != [(invented.signature, ContestState::Undone)] {
        assert!(start.elapsed() < LIMIT);
        until_final(&mut fixture, &chain).await;
        fixture.source.state().head = Some(Head {
            confirmed: chain.slot,
            finalized: chain.slot,
        });
        let head = fixture.settle().await.head;
        fixture.follower.finalize(head, Some(Slot::ZERO)).await.unwrap();
    }
    fixture.settle().await;
    honest(&chain, &fixture);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_contested_transaction_is_undone_when_the_accounts_of_the_nodes_differ_from_it() {
    let (chain, _, mut fixture) = kept().await;
    let accounts = bauta_indexing::testing::TestSource::new(&chain).present_accounts();
    fixture.source.state().stale_accounts = Some(accounts);
    let mut reconciler = Reconciler::default();
    let start = Instant::now();
    loop {
        let outcome = reconciler.round(&mut fixture.follower).await;
        fixture.settle().await;
        if let Ok(Outcome::Agreement { up_to: Some(up_to) }) = outcome {
            let head = fixture.settle().await.head;
            fixture.follower.finalize(head, Some(up_to)).await.unwrap();
            if fixture.follower.contested() == (0, 0) {
                break;
            }
        }
        assert!(start.elapsed() < LIMIT, "{outcome:?}");
    }
    assert_eq!(states(&fixture).await[0].1, ContestState::Undone);
    honest(&chain, &fixture);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_contradiction_that_all_nodes_share_stops_the_checkpoint() {
    let mut chain = small_chain();
    let lost = chain.transactions[4].signature;
    chain
        .transactions
        .retain(|transaction| transaction.signature != lost);
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.compared_nodes = 2;
        state.other_histories = vec![Some(std::collections::HashSet::new())];
    }
    let error = fixture.first_error().await;
    assert!(
        matches!(&error, IndexerError::Store(_)) && error.may_be_gap(),
        "{error}"
    );
    assert_eq!(states(&fixture).await, []);
}

#[tokio::test]
async fn what_only_the_only_node_that_answers_contradicts_stops_finality_for_a_limited_time() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    let contradicted = chain.transactions[2].clone();
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    {
        let mut state = fixture.source.state();
        state.head = Some(head);
        state.other_histories = vec![None];
        let moved_to = contradicted.slot.previous();
        state.moved_statuses.insert(contradicted.signature, moved_to);
        state.without_other_status.insert(contradicted.signature);
    }
    let settings = Settings {
        contest_after: Duration::from_hours(1),
        ..settings()
    };
    fixture.restart_with(settings.clone());
    fixture.settle().await;
    let finality = fixture.follower.finalize(head, None).await.unwrap();
    assert!(finality < Some(contradicted.slot), "{finality:?}");
    fixture.restart_with(Settings {
        contest_after: Duration::ZERO,
        ..settings
    });
    fixture.settle().await;
    let finality = fixture.follower.finalize(head, None).await.unwrap();
    assert_eq!(finality, Some(chain.slot));
    // Its journal is kept, because nothing shows whether it is right.
    assert_eq!(
        states(&fixture).await,
        [(contradicted.signature, ContestState::Kept)]
    );
    let before = contradicted.slot.previous();
    assert!(fixture.database.store.try_roll_back(before).await.is_ok());
}

#[tokio::test]
async fn late_inventions_that_fit_cause_a_limited_number_of_rollbacks() {
    let (mut chain, _) = chain_and_invention();
    chain.wait(1);
    let late = chain.slot;
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    for number in 0..12 {
        let mut fork = chain.forked();
        fork.slot = late;
        fork.create(named(&format!("invented {number}")), RegistryKind::Managed);
        let mut invented = fork.transactions.pop().unwrap();
        invented.index += number;
        invented.signature = Signature::from([100 + u8::try_from(number).unwrap(); 64]);
        invent(&fixture, invented, 1);
        fixture.settle().await;
    }
    assert_eq!(crate::support::count(&fixture.database, "rewinds").await, 8);
    // No slot is final before they are added or undone.
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    fixture.source.state().head = Some(head);
    fixture.settle().await;
    let finality = fixture.follower.finalize(head, Some(Slot::ZERO)).await.unwrap();
    assert!(finality < Some(late), "{finality:?}");
}
