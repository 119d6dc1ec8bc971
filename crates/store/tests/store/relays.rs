//! Relays: who may change them, and what follows from a transaction that was executed.

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{
    AddedRelay, Attempt, AuditRecord, Event, Execution, LedgerEntry, LedgerKind, NewRelay, NullifierUse,
    OpenRelay, RandomId, RegistryKind, RelayEnd, RelayLease, RelayLimits, RelayState, ScopeMode, Slot, Store,
};
use solana_address::Address;
use solana_signature::Signature;
use tokio::task::JoinSet;

use crate::support::{Chain, address, nullifier};

const ANN: RandomId = [1; 16];
const BEN: RandomId = [2; 16];
const OPENING: u64 = 1_000_000;
/// What a relay reserves.
const RESERVED: u64 = 1_000;

fn wallet() -> Address {
    address("wallet")
}

fn signature(number: u8) -> Signature {
    Signature::from([number; 64])
}

fn id(number: u64) -> RandomId {
    u128::from(number).to_be_bytes()
}

/// A database with a wallet.
async fn database() -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    store
        .open_relay_wallet(wallet(), OPENING, Some(signature(255)))
        .await
        .unwrap();
    database
}

fn limits() -> RelayLimits {
    RelayLimits {
        budget: address("scope"),
        lamports_per_day: 100 * RESERVED,
        min_balance: 0,
        max_open: 3,
        max_open_of_budget: None,
    }
}

fn relay(number: u64, delay_seconds: u32) -> NewRelay {
    NewRelay {
        id: id(number),
        scope: address("scope"),
        nullifier: nullifier(number),
        wallet: wallet(),
        request_hash: [9; 32],
        idempotency_hash: None,
        request: vec![7; 41],
        expiry: 0,
        delay_seconds,
        reserved: RESERVED,
        has_deposit: true,
        instance: ANN,
        lease_seconds: 60,
        record: None,
    }
}

/// Adds a relay that Ann's instance has leased.
async fn add(store: &Store, number: u64) -> RelayLease {
    let added = store.add_relay(&relay(number, 0), &limits()).await.unwrap();
    assert_eq!(added, AddedRelay::Added);
    RelayLease::first(id(number), ANN)
}

fn attempt(number: u16, signature: Signature) -> Attempt {
    Attempt {
        number,
        signature,
        last_heights: vec![5],
        price: 1_000,
        transaction: vec![8; 41],
    }
}

/// Ends the leases of Ann's instance, as if their time had passed, and leases what is due for
/// Ben's.
async fn take_over(store: &Store) -> Vec<OpenRelay> {
    store.release_relays(ANN).await.unwrap();
    store.lease_relays(BEN, &[wallet()], 60, 10).await.unwrap()
}

fn refused() -> RelayEnd {
    RelayEnd::NotExecuted {
        state: RelayState::Refused,
        reason: "nullifier_used".to_owned(),
    }
}

fn expired() -> RelayEnd {
    RelayEnd::NotExecuted {
        state: RelayState::Expired,
        reason: "not_executed".to_owned(),
    }
}

fn entry(signature: Signature, before: u64, after: u64) -> LedgerEntry {
    LedgerEntry {
        wallet: wallet(),
        signature,
        slot: 7,
        before,
        after,
        fee: 5,
    }
}

/// Returns reserved lamports of the wallet, and reserved and spent lamports of the budget.
async fn money(database: &TestDatabase) -> (i64, i64, i64) {
    sqlx::query_as("SELECT w.reserved, b.reserved, b.spent FROM relay_wallets w, relay_budgets b")
        .fetch_one(database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_instance_whose_lease_another_one_has_taken_changes_nothing() {
    let database = database().await;
    let store = &database.store;
    let late = add(store, 1).await;
    assert!(store.add_attempt(&late, &attempt(1, signature(1))).await.unwrap());
    let leased = take_over(store).await;
    let lease = leased[0].lease;
    assert_eq!((lease.relay, lease.instance, lease.epoch), (id(1), BEN, 2));

    // The executed transaction of Ben's relay can't be recorded as dead. Nothing else is changed.
    assert!(!store.end_relay(&late, 1, &refused()).await.unwrap());
    assert!(!store.add_attempt(&late, &attempt(2, signature(2))).await.unwrap());
    assert_eq!(store.confirm_relays(&[late]).await.unwrap(), []);
    assert_eq!(store.renew_relays(&[late], 60).await.unwrap(), []);
    let status = store.relay_status(id(1)).await.unwrap().unwrap();
    assert_eq!((status.state, status.attempts), (RelayState::Sent, 1));

    assert_eq!(store.renew_relays(&[late, lease], 60).await.unwrap(), [lease]);
    assert_eq!(store.confirm_relays(&[lease, late]).await.unwrap(), [lease]);
    let landed = RelayEnd::Finalized {
        signature: signature(1),
    };
    assert!(store.end_relay(&lease, 1, &landed).await.unwrap());
    assert!(
        !store.end_relay(&lease, 1, &refused()).await.unwrap(),
        "it has ended"
    );
    let state: String = sqlx::query_scalar("SELECT state FROM relay_attempts")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(state, "landed");
}

#[tokio::test]
async fn an_instance_that_leases_a_relay_again_has_no_right_from_its_former_lease() {
    let database = database().await;
    let store = &database.store;
    let first = add(store, 1).await;
    store.release_relays(ANN).await.unwrap();
    let again = store.lease_relays(ANN, &[wallet()], 60, 10).await.unwrap()[0].lease;
    assert!(!store.end_relay(&first, 0, &expired()).await.unwrap());
    assert!(store.end_relay(&again, 0, &expired()).await.unwrap());
}

#[tokio::test]
async fn an_end_that_does_not_know_the_last_transaction_changes_nothing() {
    let database = database().await;
    let store = &database.store;
    let lease = add(store, 1).await;
    assert!(
        store
            .add_attempt(&lease, &attempt(1, signature(1)))
            .await
            .unwrap()
    );
    assert!(!store.end_relay(&lease, 0, &expired()).await.unwrap());
    assert!(store.end_relay(&lease, 1, &expired()).await.unwrap());
}

#[tokio::test]
async fn an_instance_leases_only_relays_of_its_wallets() {
    let database = database().await;
    let store = &database.store;
    add(store, 1).await;
    store.release_relays(ANN).await.unwrap();
    let others = store
        .lease_relays(BEN, &[address("other")], 60, 10)
        .await
        .unwrap();
    assert!(others.is_empty());
    assert!(store.lease_relays(BEN, &[], 60, 10).await.unwrap().is_empty());
    assert_eq!(
        store.lease_relays(BEN, &[wallet()], 60, 10).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_transaction_that_lands_after_the_end_is_the_relays_in_state_budget_and_rent() {
    let database = database().await;
    let store = &database.store;
    let lease = add(store, 1).await;
    assert!(
        store
            .add_attempt(&lease, &attempt(1, signature(1)))
            .await
            .unwrap()
    );
    assert!(
        store
            .add_attempt(&lease, &attempt(2, signature(2)))
            .await
            .unwrap()
    );
    assert!(store.end_relay(&lease, 2, &expired()).await.unwrap());
    assert_eq!(money(&database).await, (0, 0, 0), "nothing was executed");

    let landed = entry(signature(1), OPENING, OPENING - 700);
    let kind = store.book(&landed, Execution::Succeeded).await.unwrap();
    assert_eq!(kind, Some(LedgerKind::Relay));
    assert_eq!(money(&database).await, (0, 0, 700));
    let status = store.relay_status(id(1)).await.unwrap().unwrap();
    assert_eq!(
        (status.state, status.signature, status.reason),
        (RelayState::Finalized, Some(signature(1)), None)
    );
    let same = store.find_relay(address("scope"), nullifier(1), &[9; 32]);
    assert_eq!(same.await.unwrap(), Some(AddedRelay::Same(id(1))));
    let other = store.find_relay(address("scope"), nullifier(1), &[8; 32]);
    assert_eq!(other.await.unwrap(), Some(AddedRelay::Used));
}

#[tokio::test]
async fn a_nullifier_is_in_flight_until_its_relay_is_final_and_used_afterwards() {
    let database = database().await;
    let store = &database.store;
    let lease = add(store, 1).await;
    let find = async |hash: u8| {
        let hash = [hash; 32];
        let found = store.find_relay(address("scope"), nullifier(1), &hash);
        found.await.unwrap()
    };
    assert_eq!(find(8).await, Some(AddedRelay::InFlight));
    let sent = attempt(1, signature(1));
    assert!(store.add_attempt(&lease, &sent).await.unwrap());
    assert_eq!(store.confirm_relays(&[lease]).await.unwrap(), [lease]);
    // A fork can still revert it.
    assert_eq!(find(8).await, Some(AddedRelay::InFlight));
    let end = RelayEnd::Finalized {
        signature: signature(1),
    };
    assert!(store.end_relay(&lease, 1, &end).await.unwrap());
    assert_eq!(find(8).await, Some(AddedRelay::Used));
    assert_eq!(find(9).await, Some(AddedRelay::Same(id(1))));
    let other = NewRelay {
        id: id(2),
        request_hash: [8; 32],
        ..relay(1, 0)
    };
    let added = store.add_relay(&other, &limits()).await.unwrap();
    assert_eq!(added, AddedRelay::Used);
}

#[tokio::test]
async fn a_relay_that_a_key_pays_for_is_in_the_audit_log_once_and_with_its_row() {
    let database = database().await;
    let store = &database.store;
    let record = AuditRecord {
        event: "relay_accepted".to_owned(),
        code: None,
        actor: Some("0000000a".to_owned()),
        subject: None,
    };
    let paid = |number: u64| NewRelay {
        record: Some(record.clone()),
        ..relay(number, 0)
    };
    let again = store.add_relay(&paid(1), &limits()).await.unwrap();
    assert_eq!(again, AddedRelay::Added);
    let again = store.add_relay(&paid(1), &limits()).await.unwrap();
    assert_eq!(again, AddedRelay::Same(id(1)));
    let none = RelayLimits {
        lamports_per_day: 0,
        ..limits()
    };
    let refused = store.add_relay(&paid(2), &none).await.unwrap();
    assert_eq!(refused, AddedRelay::BudgetExhausted);
    add(store, 3).await;
    let log = store.audit_log(0, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].record, record);
}

#[tokio::test]
async fn a_transaction_that_failed_after_the_end_costs_its_fee_and_has_no_rent() {
    let database = database().await;
    let store = &database.store;
    let lease = add(store, 1).await;
    assert!(
        store
            .add_attempt(&lease, &attempt(1, signature(1)))
            .await
            .unwrap()
    );
    assert!(store.end_relay(&lease, 1, &refused()).await.unwrap());
    let failed = entry(signature(1), OPENING, OPENING - 5);
    store.book(&failed, Execution::Failed).await.unwrap().unwrap();
    assert_eq!(money(&database).await, (0, 0, 5));
    let status = store.relay_status(id(1)).await.unwrap().unwrap();
    assert_eq!(status.state, RelayState::Refused);
}

#[tokio::test]
async fn a_wallet_that_a_relay_of_another_wallet_names_is_not_the_one_that_paid() {
    let database = database().await;
    let store = &database.store;
    let other = address("other wallet");
    store
        .open_relay_wallet(other, 10, Some(signature(254)))
        .await
        .unwrap();
    let lease = add(store, 1).await;
    assert!(
        store
            .add_attempt(&lease, &attempt(1, signature(1)))
            .await
            .unwrap()
    );
    let named = LedgerEntry {
        wallet: other,
        ..entry(signature(1), 10, 12)
    };
    let kind = store.book(&named, Execution::Succeeded).await.unwrap();
    assert_eq!(kind, Some(LedgerKind::Other));
}

#[tokio::test]
async fn relays_that_are_confirmed_but_not_final_are_open() {
    let database = database().await;
    let store = &database.store;
    let lease = add(store, 1).await;
    store
        .add_attempt(&lease, &attempt(1, signature(1)))
        .await
        .unwrap();
    store.confirm_relays(&[lease]).await.unwrap();
    assert_eq!(store.open_relays().await.unwrap().0, 1);
}

/// The relays of one API key leave room for those of others.
#[tokio::test]
async fn requests_at_the_same_time_do_not_exceed_the_largest_number_of_open_relays_of_a_budget() {
    let database = database().await;
    let store = &database.store;
    let of_key = RelayLimits {
        max_open: 100,
        max_open_of_budget: Some(2),
        ..limits()
    };
    let mut tasks = JoinSet::new();
    for number in 1..=12 {
        let store = store.clone();
        tasks.spawn(async move { store.add_relay(&relay(number, 60), &of_key).await.unwrap() });
    }
    let added = tasks.join_all().await;
    let count = |wanted: AddedRelay| added.iter().filter(|added| **added == wanted).count();
    assert_eq!(
        (count(AddedRelay::Added), count(AddedRelay::TooManyOpenOfBudget)),
        (2, 10)
    );
    let other = RelayLimits {
        budget: address("other"),
        ..of_key
    };
    let refused = store.add_relay(&relay(13, 0), &of_key).await.unwrap();
    assert_eq!(refused, AddedRelay::TooManyOpenOfBudget);
    // What was refused reserves nothing.
    let both = i64::try_from(2 * RESERVED).unwrap();
    assert_eq!(money(&database).await, (both, both, 0));
    assert_eq!(
        store.add_relay(&relay(13, 0), &other).await.unwrap(),
        AddedRelay::Added
    );
    sqlx::query("UPDATE relays SET state = 'expired', reason = 'not_executed' WHERE budget = $1")
        .bind(of_key.budget.to_bytes())
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(
        store.add_relay(&relay(14, 0), &of_key).await.unwrap(),
        AddedRelay::Added
    );
}

#[tokio::test]
async fn requests_at_the_same_time_do_not_exceed_the_largest_number_of_open_relays() {
    let database = database().await;
    let store = &database.store;
    let mut tasks = JoinSet::new();
    for number in 1..=12 {
        let store = store.clone();
        tasks.spawn(async move { store.add_relay(&relay(number, 0), &limits()).await.unwrap() });
    }
    let added = tasks.join_all().await;
    let count = |wanted: AddedRelay| added.iter().filter(|added| **added == wanted).count();
    assert_eq!((count(AddedRelay::Added), count(AddedRelay::TooManyOpen)), (3, 9));
    let reserved = i64::try_from(3 * RESERVED).unwrap();
    assert_eq!(money(&database).await, (reserved, reserved, 0));
}

/// A chain whose scope is closed, after one verification.
async fn chain(store: &Store) -> Chain {
    let mut chain = Chain::new();
    chain.circuit(address("circuit"));
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    chain.scope(
        address("scope"),
        address("registry"),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    let root = chain.root(address("registry"));
    chain.verify(address("scope"), root, 7);
    chain.emit(Event::ScopeClosed {
        scope: address("scope"),
    });
    store.apply(&chain.batch()).await.unwrap();
    chain
}

/// Relays the verification of the chain. Returns the relay's lease and the transaction.
async fn relayed(database: &TestDatabase) -> (RelayLease, Signature) {
    let store = &database.store;
    let used: Vec<u8> = sqlx::query_scalar("SELECT tx_signature::bytea FROM nullifiers")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let signature = Signature::try_from(used.as_slice()).unwrap();
    let lease = add(store, 1).await;
    store.add_attempt(&lease, &attempt(1, signature)).await.unwrap();
    (lease, signature)
}

#[tokio::test]
async fn only_finalized_events_say_who_used_a_nullifier() {
    let database = database().await;
    let store = &database.store;
    let chain = chain(store).await;
    let (lease, own) = relayed(&database).await;
    store.finalize(Slot::new(99)).await.unwrap();
    assert_eq!(store.nullifier_use(lease.relay).await.unwrap(), None, "not final");
    store.finalize(chain.slot()).await.unwrap();
    assert_eq!(
        store.nullifier_use(lease.relay).await.unwrap(),
        Some(NullifierUse::Own(own))
    );
    sqlx::query("UPDATE relay_attempts SET signature = $1")
        .bind(signature(3).as_ref())
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(
        store.nullifier_use(lease.relay).await.unwrap(),
        Some(NullifierUse::Other)
    );
}

#[tokio::test]
async fn rent_is_due_until_a_finalized_event_shows_that_the_account_is_closed() {
    let database = database().await;
    let store = &database.store;
    let mut chain = chain(store).await;
    let (lease, signature) = relayed(&database).await;
    let take = async || {
        let taken = store
            .take_rent_deposits(wallet(), chain_now(), 0, 10)
            .await
            .unwrap();
        taken.len()
    };
    assert_eq!(take().await, 0, "the relay has not ended");
    // The relay ended as expired, and its transaction was executed after all.
    assert!(store.end_relay(&lease, 1, &expired()).await.unwrap());
    assert_eq!(take().await, 0);
    let landed = entry(signature, OPENING, OPENING - 700);
    store.book(&landed, Execution::Succeeded).await.unwrap().unwrap();
    assert_eq!(take().await, 1);
    let again = store
        .take_rent_deposits(wallet(), chain_now(), 60, 10)
        .await
        .unwrap();
    assert!(again.is_empty(), "it is not taken again for a minute");

    store.finalize(chain.slot()).await.unwrap();
    chain.wait(1);
    chain.emit(Event::NullifierReclaimed {
        scope: address("scope"),
        nullifier: nullifier(1),
    });
    let open = chain.slot();
    assert_eq!(store.mark_reclaimed(wallet()).await.unwrap(), 0);
    store.apply(&chain.batch()).await.unwrap();
    assert_eq!(store.mark_reclaimed(wallet()).await.unwrap(), 0, "not final");
    store.finalize(open).await.unwrap();
    assert_eq!(store.mark_reclaimed(wallet()).await.unwrap(), 1);
    assert_eq!(take().await, 0);
}

fn chain_now() -> i64 {
    crate::support::START + 1_000
}

#[tokio::test]
async fn of_an_ended_relay_only_the_day_is_kept_and_later_only_the_ledger() {
    let database = database().await;
    let store = &database.store;
    let (gone, kept) = (add(store, 1).await, add(store, 2).await);
    for (lease, number) in [(gone, 1), (kept, 2)] {
        store
            .add_attempt(&lease, &attempt(1, signature(number)))
            .await
            .unwrap();
    }
    assert!(store.end_relay(&gone, 1, &refused()).await.unwrap());
    let failed = entry(signature(1), OPENING, OPENING - 5);
    store.book(&failed, Execution::Failed).await.unwrap().unwrap();
    let landed = RelayEnd::Finalized {
        signature: signature(2),
    };
    assert!(store.end_relay(&kept, 1, &landed).await.unwrap());
    let times: Vec<String> =
        sqlx::query_scalar("SELECT to_char(created_at AT TIME ZONE 'UTC', 'HH24:MI:SS.US') FROM relays")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(times, ["00:00:00.000000", "00:00:00.000000"]);

    assert_eq!(store.prune_relays(2, 10).await.unwrap(), 0, "they are of today");
    sqlx::query("UPDATE relays SET created_at = created_at - interval '3 days'")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(store.prune_relays(2, 10).await.unwrap(), 2);
    assert_eq!(store.prune_relays(2, 10).await.unwrap(), 0);
    let left: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT id::bytea, request_hash::bytea FROM relays")
        .fetch_all(database.pool())
        .await
        .unwrap();
    // Its rent was not returned, so the service still needs scope and nullifier.
    assert_eq!(left, [(id(2).to_vec(), vec![0; 32])]);
    let ledger = store.ledger_after(wallet(), 0, 10).await.unwrap();
    assert_eq!(ledger, [(failed, LedgerKind::Relay, None)]);
}

#[tokio::test]
async fn a_ledger_is_late_until_a_turn_has_booked_everything() {
    let database = database().await;
    let store = &database.store;
    let age = "UPDATE relay_wallets SET complete_at = now() - interval '400 seconds'";
    sqlx::query(age).execute(database.pool()).await.unwrap();
    let wallet_now = async || store.relay_wallets().await.unwrap()[0];
    store
        .end_booking(wallet(), 0, false, Some(signature(4)))
        .await
        .unwrap();
    let late = wallet_now().await;
    assert!((400..500).contains(&late.incomplete_seconds), "{late:?}");
    assert_eq!(late.unread_before, Some(signature(4)));
    store.end_booking(wallet(), 0, true, None).await.unwrap();
    let complete = wallet_now().await;
    assert!(complete.incomplete_seconds < 60, "{complete:?}");
    assert_eq!(complete.unread_before, None);
}

#[tokio::test]
async fn a_request_with_the_same_idempotency_key_has_the_same_relay_also_after_its_end() {
    let database = database().await;
    let store = &database.store;
    let with_key = |number: u64| NewRelay {
        idempotency_hash: Some([5; 32]),
        ..relay(number, 0)
    };
    assert_eq!(store.find_repeated_relay(&[5; 32]).await.unwrap(), None);
    let added = store.add_relay(&with_key(1), &limits()).await.unwrap();
    assert_eq!(added, AddedRelay::Added);
    let lease = RelayLease::first(id(1), ANN);
    assert!(store.end_relay(&lease, 0, &expired()).await.unwrap());
    assert_eq!(store.find_repeated_relay(&[5; 32]).await.unwrap(), Some(id(1)));
    // Both requests arrived at the same time, and one was later.
    let again = NewRelay {
        id: id(2),
        ..with_key(1)
    };
    let added = store.add_relay(&again, &limits()).await.unwrap();
    assert_eq!(added, AddedRelay::Same(id(1)));
    assert_eq!(money(&database).await, (0, 0, 0));
    // Without the key, the nullifier of the expired relay can be relayed again.
    let later = NewRelay {
        id: id(3),
        ..relay(1, 0)
    };
    let added = store.add_relay(&later, &limits()).await.unwrap();
    assert_eq!(added, AddedRelay::Added);
}
