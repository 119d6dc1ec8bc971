//! Webhooks: which deliveries are planned, leases, and what ends a delivery or a webhook.

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{
    AccountId, AuditRecord, BusyPlace, DeliveryAttempt, DeliveryOutcome, DueDelivery, Event, NewWebhook,
    Position, RegistryKind, Role, ScopeMode, Slot, Store, WebhookAdded, WebhookChange,
};

use crate::roles::as_role;
use crate::support::{Chain, address};

const ACCOUNT: AccountId = AccountId([1; 16]);
const ID: [u8; 16] = [7; 16];
const LASTING: u32 = 3_600;

fn record() -> AuditRecord {
    AuditRecord::of("changed", "account", "webhook")
}

fn webhook(id: u8) -> NewWebhook {
    NewWebhook {
        id: [id; 16],
        account: ACCOUNT,
        url: "https://example.org/".to_owned(),
        scope: Some(address("scope")),
        registry: None,
        types: vec!["OwnershipVerified".to_owned()],
        secret: vec![1; 57],
    }
}

/// Returns a database with a registry, two scopes and a developer's webhook.
async fn start() -> (TestDatabase, Store, Chain) {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let mut chain = Chain::new();
    chain.circuit(address("circuit"));
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    for scope in ["scope", "other"] {
        chain.scope(
            address(scope),
            address("registry"),
            address("circuit"),
            ScopeMode::Live,
        );
    }
    verify(&mut chain, "scope");
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    store
        .grant_role(ACCOUNT, Role::Developer, &record())
        .await
        .unwrap();
    let added = store.add_webhook(&webhook(7), 1, &record()).await.unwrap();
    assert_eq!(added, WebhookAdded::Stored);
    (database, store, chain)
}

fn verify(chain: &mut Chain, scope: &str) {
    chain.wait(1);
    let root = chain.root(address("registry"));
    chain.verify(address(scope), root, 7);
}

async fn plan(store: &Store) {
    while store.plan_deliveries().await.unwrap() {}
}

async fn lease(store: &Store) -> Vec<DueDelivery> {
    let mut due = store.lease_deliveries(true, 100, 100, 60, &[]).await.unwrap();
    loop {
        // One at a time of a webhook that has not answered.
        let further = store.lease_deliveries(false, 100, 100, 60, &[]).await.unwrap();
        if further.is_empty() {
            break;
        }
        due.extend(further);
    }
    due.sort_by_key(|delivery| delivery.position);
    due
}

async fn finish(store: &Store, delivery: &DueDelivery, outcome: DeliveryOutcome) -> bool {
    let attempt = attempt(outcome);
    let finished = store.finish_delivery(delivery, &attempt, LASTING);
    finished.await.unwrap()
}

fn attempt(outcome: DeliveryOutcome) -> DeliveryAttempt<'static> {
    DeliveryAttempt {
        outcome,
        status: Some(500),
        code: Some("refused"),
        disable: None,
        refusal: None,
    }
}

fn busy(webhook: u8, account: AccountId, answering: bool) -> BusyPlace {
    BusyPlace {
        webhook: [webhook; 16],
        account,
        answering,
    }
}

fn positions(deliveries: &[DueDelivery]) -> Vec<Position> {
    deliveries.iter().map(|delivery| delivery.position).collect()
}

#[tokio::test]
async fn each_final_event_that_a_webhook_wants_has_one_delivery_also_after_a_repair() {
    let (database, store, mut chain) = start().await;
    assert_eq!(
        store.add_webhook(&webhook(8), 1, &record()).await.unwrap(),
        WebhookAdded::TooMany
    );
    let other = NewWebhook {
        account: AccountId([2; 16]),
        ..webhook(9)
    };
    assert_eq!(
        store.add_webhook(&other, 1, &record()).await.unwrap(),
        WebhookAdded::NotDeveloper
    );
    // The event before the webhook is not sent.
    plan(&store).await;
    assert!(lease(&store).await.is_empty());
    let start = chain.slot();
    let before_repair = chain.clone();
    verify(&mut chain, "other");
    verify(&mut chain, "scope");
    chain.emit(Event::ReuseRefused {
        scope: address("scope"),
        claim: bauta_primitives::Claim::of_track(7),
    });
    verify(&mut chain, "scope");
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();
    plan(&store).await;
    assert!(lease(&store).await.is_empty(), "nothing is final yet");
    database.store.mark_final(chain.slot()).await.unwrap();
    let (one, another) = tokio::join!(store.plan_deliveries(), database.store.plan_deliveries());
    assert!(one.unwrap() || another.unwrap());
    plan(&store).await;
    let due = lease(&store).await;
    let expected = [batch.records[1].position, batch.records[3].position];
    assert_eq!(positions(&due), expected);
    assert_eq!(
        (due[0].scope, due[0].registry),
        (Some(address("scope")), Some(address("registry")))
    );
    assert!(lease(&store).await.is_empty(), "another instance has them");

    // A repair adds an event before one that was sent.
    for delivery in &due {
        assert!(finish(&store, delivery, DeliveryOutcome::Delivered).await);
    }
    database.store.roll_back_for_repair(start).await.unwrap();
    let mut repaired = before_repair;
    verify(&mut repaired, "scope");
    verify(&mut repaired, "scope");
    verify(&mut repaired, "scope");
    let batch = repaired.batch();
    database.store.apply(&batch).await.unwrap();
    plan(&store).await;
    let again = lease(&store).await;
    let sent: Vec<Position> = batch.records.iter().map(|record| record.position).collect();
    let new: Vec<Position> = sent
        .into_iter()
        .filter(|position| !expected.contains(position))
        .collect();
    assert_eq!(positions(&again), new);
    assert!(!new.is_empty());
}

#[tokio::test]
async fn a_delivery_ends_once_and_only_the_instance_that_has_it_ends_it() {
    let (database, store, mut chain) = start().await;
    verify(&mut chain, "scope");
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let late = lease(&store).await.remove(0);
    assert_eq!((late.attempt, late.secrets.len()), (1, 1));
    let hurry = async || {
        sqlx::query("UPDATE webhook_deliveries SET next_attempt_at = now()")
            .execute(database.pool())
            .await
            .unwrap();
    };
    hurry().await;
    let place = busy(ID[0], ACCOUNT, false);
    let further = store
        .lease_deliveries(false, 100, 100, 60, &[place])
        .await
        .unwrap();
    assert!(further.is_empty());
    // The lease has ended, and another instance has the delivery.
    let newer = lease(&store).await.remove(0);
    assert_eq!(newer.attempt, 2);
    assert!(
        !finish(&store, &late, DeliveryOutcome::Delivered).await,
        "its lease has ended"
    );
    assert!(finish(&store, &newer, DeliveryOutcome::Retry(60)).await);
    assert!(lease(&store).await.is_empty());
    hurry().await;
    let third = lease(&store).await.remove(0);
    assert!(finish(&store, &third, DeliveryOutcome::Dead).await);
    assert!(!finish(&store, &third, DeliveryOutcome::Delivered).await);
    let listed = store.deliveries(ACCOUNT, &ID, 10).await.unwrap().unwrap();
    assert_eq!(
        (
            listed[0].state.as_str(),
            listed[0].attempts,
            listed[0].last_status,
            listed[0].next_attempt_at
        ),
        ("dead", 3, Some(500), None)
    );
    assert_eq!(store.deliveries(AccountId([2; 16]), &ID, 10).await.unwrap(), None);
}

#[tokio::test]
async fn a_replay_sends_dead_messages_again_and_a_webhook_that_fails_for_long_is_disabled() {
    let (database, store, mut chain) = start().await;
    verify(&mut chain, "scope");
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let first = lease(&store).await.remove(0);
    assert!(finish(&store, &first, DeliveryOutcome::Dead).await);
    // A replay from the beginning: the dead one, and the event before the webhook.
    let beginning = Position {
        slot: Slot::ZERO,
        transaction_index: 0,
        instruction_index: 0,
        inner_index: 0,
    };
    let replayed = store.replay_webhook(ACCOUNT, &ID, beginning, &record()).await;
    assert_eq!(replayed.unwrap(), WebhookChange::Changed);
    let other = AccountId([2; 16]);
    let of_other = store.replay_webhook(other, &ID, beginning, &record()).await;
    assert_eq!(of_other.unwrap(), WebhookChange::NotDeveloper);
    plan(&store).await;
    let replayed = lease(&store).await;
    assert_eq!(replayed.len(), 2);
    assert!(replayed.iter().all(|delivery| delivery.attempt == 1));
    sqlx::query("UPDATE webhooks SET failing_since = now() - interval '2 hours'")
        .execute(database.pool())
        .await
        .unwrap();
    assert!(finish(&store, &replayed[0], DeliveryOutcome::Delivered).await);
    assert_eq!(store.webhooks(ACCOUNT).await.unwrap()[0].disabled, None);
    sqlx::query("UPDATE webhooks SET failing_since = now() - interval '2 hours'")
        .execute(database.pool())
        .await
        .unwrap();
    assert!(finish(&store, &replayed[1], DeliveryOutcome::Retry(0)).await);
    let failing = store.webhooks(ACCOUNT).await.unwrap().remove(0);
    assert_eq!(
        (failing.disabled.as_deref(), failing.pending),
        (Some("failing"), 1)
    );
    assert!(lease(&store).await.is_empty() && !store.plan_deliveries().await.unwrap());
    let enabled = store.enable_webhook(ACCOUNT, &ID, &record()).await;
    assert_eq!(enabled.unwrap(), WebhookChange::Changed);
    assert_eq!(lease(&store).await.len(), 1);
    // Without the role, the account's webhooks send nothing.
    store
        .set_roles(ACCOUNT, &[Role::Auditor], &record())
        .await
        .unwrap();
    assert_eq!(
        store.webhooks(ACCOUNT).await.unwrap()[0].disabled.as_deref(),
        Some("role")
    );
    sqlx::query(
        "UPDATE webhook_deliveries SET ended_at = now() - interval '31 days' WHERE state <> 'pending'",
    )
    .execute(database.pool())
    .await
    .unwrap();
    assert_eq!(store.tidy_webhooks(30, 10).await.unwrap(), 1);
    let delete = async |account| store.delete_webhook(account, &ID, &record()).await.unwrap();
    assert!(!delete(Some(AccountId([2; 16]))).await);
    assert!(delete(Some(ACCOUNT)).await);
    assert!(!delete(None).await);
}

#[tokio::test]
async fn webhooks_that_answer_have_turns_of_their_own_and_the_one_that_waits_longest_is_next() {
    let (database, store, mut chain) = start().await;
    for id in [8, 9] {
        let added = store.add_webhook(&webhook(id), 3, &record()).await.unwrap();
        assert_eq!(added, WebhookAdded::Stored);
    }
    for _ in 0..6 {
        verify(&mut chain, "scope");
    }
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let lease = async |answering, limit| {
        let due = store.lease_deliveries(answering, limit, 100, 60, &[]);
        due.await.unwrap()
    };
    let ids = |due: &[DueDelivery]| {
        due.iter()
            .map(|delivery| delivery.webhook[0])
            .collect::<Vec<u8>>()
    };
    // None has answered yet. Each has its turn.
    assert!(lease(true, 100).await.is_empty());
    let mut turns = Vec::new();
    for _ in 0..2 {
        let mut round = Vec::new();
        for _ in 0..3 {
            round.extend(lease(false, 1).await);
        }
        let mut all = ids(&round);
        all.sort_unstable();
        assert_eq!(all, [7, 8, 9]);
        turns.push(round);
    }
    assert_eq!(ids(&turns[0]), ids(&turns[1]));
    // One answers. It has one more at a time after each success, and the others do not delay it.
    for delivery in turns.iter().flatten() {
        let outcome = match delivery.webhook[0] {
            7 => DeliveryOutcome::Delivered,
            _ => DeliveryOutcome::Retry(0),
        };
        assert!(finish(&store, delivery, outcome).await);
    }
    let two = lease(true, 100).await;
    assert_eq!(ids(&two), [7; 2]);
    for delivery in &two {
        assert!(finish(&store, delivery, DeliveryOutcome::Delivered).await);
    }
    assert_eq!(
        ids(&lease(true, 100).await),
        [7; 2],
        "no more than these are left"
    );
    let mut failing = ids(&lease(false, 100).await);
    failing.sort_unstable();
    assert_eq!(failing, [8, 9]);
    // A failure moves it to the others.
    let beginning = Position {
        slot: Slot::ZERO,
        ..turns[0][0].position
    };
    let replayed = store.replay_webhook(ACCOUNT, &ID, beginning, &record()).await;
    assert_eq!(replayed.unwrap(), WebhookChange::Changed);
    plan(&store).await;
    let four = lease(true, 100).await;
    assert_eq!(ids(&four), [7; 4]);
    let again = &four[0];
    assert!(finish(&store, again, DeliveryOutcome::Retry(0)).await);
    assert!(lease(true, 100).await.is_empty());
    assert!(ids(&lease(false, 100).await).contains(&7));
}

#[tokio::test]
async fn a_webhook_keeps_the_newest_messages_that_ended_and_no_secret_that_signs_no_more() {
    let (database, store, mut chain) = start().await;
    for _ in 0..3 {
        verify(&mut chain, "scope");
    }
    let batch = chain.batch();
    database.store.apply(&batch).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let due = lease(&store).await;
    for delivery in &due[1..] {
        assert!(finish(&store, delivery, DeliveryOutcome::Delivered).await);
    }
    assert_eq!(store.tidy_webhooks(30, 2).await.unwrap(), 0);
    assert_eq!(store.tidy_webhooks(30, 1).await.unwrap(), 1);
    let left = store.deliveries(ACCOUNT, &ID, 10).await.unwrap().unwrap();
    let positions: Vec<Position> = left.iter().map(|delivery| delivery.position).collect();
    assert_eq!(
        positions,
        [due[2].position, due[0].position],
        "the pending one stays"
    );
    let secrets = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE previous_secret IS NOT NULL")
            .fetch_one(database.pool())
            .await
            .unwrap()
    };
    let rotated = store
        .rotate_webhook_secret(ACCOUNT, &ID, &[2; 57], 86_400, &record())
        .await
        .unwrap();
    assert_eq!(rotated, WebhookChange::Changed);
    store.tidy_webhooks(30, 1).await.unwrap();
    assert_eq!(secrets().await, 1);
    sqlx::query("UPDATE webhooks SET previous_until = now()")
        .execute(database.pool())
        .await
        .unwrap();
    store.tidy_webhooks(30, 1).await.unwrap();
    assert_eq!(secrets().await, 0);
}

/// Adds webhooks of an account that each want all events.
async fn add(database: &TestDatabase, store: &Store, account: AccountId, ids: std::ops::Range<u8>) {
    let granted = store.grant_role(account, Role::Developer, &record()).await;
    granted.unwrap();
    for id in ids {
        let new = NewWebhook {
            account,
            scope: None,
            types: Vec::new(),
            ..webhook(id)
        };
        let added = store.add_webhook(&new, 200, &record()).await.unwrap();
        assert_eq!(added, WebhookAdded::Stored);
    }
    sqlx::query("UPDATE webhooks SET leased_at = now() - make_interval(secs => 300 - get_byte(id, 0))")
        .execute(database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn many_webhooks_are_planned_together_and_those_without_a_new_event_are_not_written() {
    let (database, store, mut chain) = start().await;
    add(&database, &store, AccountId([2; 16]), 100..200).await;
    for _ in 0..2 {
        verify(&mut chain, "other");
    }
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    let mut calls = 0;
    while store.plan_deliveries().await.unwrap() {
        calls += 1;
    }
    assert_eq!(calls, 2, "101 webhooks");
    let planned: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook_deliveries")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(planned, 200, "the first webhook wants another scope");
    // A slot without events, and a further final event.
    let versions = async || -> Vec<i64> {
        sqlx::query_scalar("SELECT xmin::text::bigint FROM webhooks ORDER BY id")
            .fetch_all(database.pool())
            .await
            .unwrap()
    };
    let before = versions().await;
    database
        .store
        .mark_final(Slot::new(chain.slot().get() + 1))
        .await
        .unwrap();
    assert!(!store.plan_deliveries().await.unwrap());
    assert_eq!(versions().await, before);
}

#[tokio::test]
async fn a_webhook_with_10000_open_messages_waits_and_gets_further_ones_when_they_end() {
    let (database, store, mut chain) = start().await;
    sqlx::query(
        "INSERT INTO webhook_deliveries (webhook, slot, transaction_index, instruction_index, inner_index, kind, happened_at)
         SELECT id, 0, number, 0, 0, 'OwnershipVerified', now() FROM webhooks, generate_series(1, 9500) number",
    )
    .execute(database.pool())
    .await
    .unwrap();
    verify(&mut chain, "scope");
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let open = async || store.webhooks(ACCOUNT).await.unwrap()[0].pending;
    assert_eq!(open().await, 9_500);
    sqlx::query(
        "UPDATE webhook_deliveries SET state = 'delivered', ended_at = now() WHERE transaction_index > 100",
    )
    .execute(database.pool())
    .await
    .unwrap();
    plan(&store).await;
    assert_eq!(open().await, 100, "it is counted again later");
    sqlx::query("UPDATE webhooks SET planned_at = now()")
        .execute(database.pool())
        .await
        .unwrap();
    plan(&store).await;
    assert_eq!(open().await, 101);
    let room: i32 = sqlx::query_scalar("SELECT room FROM webhooks")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(room, 9_899);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_places_in_each_group() {
    let (database, store, mut chain) = start().await;
    let (many, other) = (AccountId([2; 16]), AccountId([3; 16]));
    add(&database, &store, many, 20..30).await;
    add(&database, &store, other, 40..41).await;
    for _ in 0..6 {
        verify(&mut chain, "other");
    }
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let of = |due: &[DueDelivery], account| due.iter().filter(|delivery| delivery.account == account).count();
    // The account with many webhooks waits longest.
    let first = store.lease_deliveries(false, 32, 8, 60, &[]).await.unwrap();
    assert_eq!((of(&first, many), of(&first, other)), (8, 1));
    // Its attempts have not ended. Those of the other group do not count.
    let mut places: Vec<BusyPlace> = first
        .iter()
        .filter(|delivery| delivery.account == many)
        .map(|delivery| busy(delivery.webhook[0], many, false))
        .collect();
    places[0].answering = true;
    let second = store.lease_deliveries(false, 32, 8, 60, &places).await.unwrap();
    assert_eq!((of(&second, many), of(&second, other)), (1, 1));
    // Webhooks that answer have up to four places each, and the account no more than its part.
    sqlx::query("UPDATE webhooks SET answers = true, successes = 4")
        .execute(database.pool())
        .await
        .unwrap();
    let place = busy(29, many, true);
    let third = store.lease_deliveries(true, 128, 11, 60, &[place]).await.unwrap();
    assert_eq!((of(&third, many), of(&third, other)), (10, 4));
}

#[tokio::test]
async fn an_internal_address_is_recorded_once_in_an_hour_and_disables_a_webhook_the_second_time() {
    let (database, store, mut chain) = start().await;
    for _ in 0..2 {
        verify(&mut chain, "scope");
    }
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let refusal = AuditRecord::refusal("webhook_refused", "private_address", Some("account"));
    let refuse = async |delivery: &DueDelivery| {
        let attempt = DeliveryAttempt {
            status: None,
            code: Some("private_address"),
            refusal: Some(&refusal),
            ..attempt(DeliveryOutcome::Retry(60))
        };
        let finished = store.finish_delivery(delivery, &attempt, LASTING);
        assert!(finished.await.unwrap());
    };
    let state = async || {
        let log = store.audit_log(0, 100).await.unwrap();
        let records = log.iter().filter(|stored| stored.record == refusal).count();
        (
            records,
            store.webhooks(ACCOUNT).await.unwrap()[0].disabled.clone(),
        )
    };
    let due = lease(&store).await;
    refuse(&due[0]).await;
    assert_eq!(state().await, (1, None));
    refuse(&due[1]).await;
    let disabled = Some("private_address".to_owned());
    assert_eq!(state().await, (1, disabled.clone()));
    let enabled = store.enable_webhook(ACCOUNT, &ID, &record()).await;
    assert_eq!(enabled.unwrap(), WebhookChange::Changed);
    sqlx::query("UPDATE webhooks SET refused_at = now() - interval '61 minutes'")
        .execute(database.pool())
        .await
        .unwrap();
    sqlx::query("UPDATE webhook_deliveries SET next_attempt_at = now()")
        .execute(database.pool())
        .await
        .unwrap();
    let due = lease(&store).await;
    refuse(&due[0]).await;
    assert_eq!(state().await, (2, disabled));
}

#[tokio::test]
async fn an_account_that_is_no_developer_any_more_changes_no_webhook() {
    let (_database, store, chain) = start().await;
    let set = store.set_roles(ACCOUNT, &[Role::Auditor], &record()).await;
    set.unwrap();
    let position = Position {
        slot: chain.slot(),
        transaction_index: 0,
        instruction_index: 0,
        inner_index: 0,
    };
    for change in [
        store.enable_webhook(ACCOUNT, &ID, &record()).await,
        store
            .rotate_webhook_secret(ACCOUNT, &ID, &[2; 57], 60, &record())
            .await,
        store.replay_webhook(ACCOUNT, &ID, position, &record()).await,
    ] {
        assert_eq!(change.unwrap(), WebhookChange::NotDeveloper);
    }
    let left = store.webhooks(ACCOUNT).await.unwrap().remove(0);
    assert_eq!(left.disabled.as_deref(), Some("role"));
    // An operator deletes it.
    assert!(store.delete_webhook(None, &ID, &record()).await.unwrap());
}

#[tokio::test]
async fn one_instance_at_a_time_deletes_and_messages_of_a_webhook_that_is_long_disabled_end() {
    let (database, store, mut chain) = start().await;
    verify(&mut chain, "scope");
    database.store.apply(&chain.batch()).await.unwrap();
    database.store.mark_final(chain.slot()).await.unwrap();
    plan(&store).await;
    let disable = async |days: i32| {
        sqlx::query(
            "UPDATE webhooks SET disabled_code = 'failing', disabled_at = now() - make_interval(days => $1)",
        )
        .bind(days)
        .execute(database.pool())
        .await
        .unwrap();
    };
    disable(29).await;
    assert_eq!(store.tidy_webhooks(30, 10).await.unwrap(), 0);
    disable(30).await;
    let mut other = database.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('bauta_tidy_webhooks'))")
        .execute(&mut *other)
        .await
        .unwrap();
    assert_eq!(store.tidy_webhooks(30, 10).await.unwrap(), 0);
    other.rollback().await.unwrap();
    assert_eq!(store.tidy_webhooks(30, 10).await.unwrap(), 1);
    assert_eq!(store.webhooks(ACCOUNT).await.unwrap()[0].pending, 0);
}
