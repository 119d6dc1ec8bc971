//! Jobs of the prover: fair turns, one end, no witness after it.

use bauta_store::testing::TestDatabase;
use bauta_store::{End, Enqueued, JobState, NewJob, Store};

/// Bytes that could be sealed.
const SEALED: [u8; 64] = [7; 64];

fn id(number: u64) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

async fn enqueue(store: &Store, number: u64, owner: &str, priority: u8) -> u64 {
    let job = NewJob {
        id: &id(number),
        owner,
        idempotency_key: None,
        request_hash: [0; 32],
        circuit: "ownership-v1-depth10",
        priority,
        witness: &SEALED,
        deadline_ms: 60_000,
        most_waiting: 1_000,
        most_of_owner: 1_000,
    };
    let mut connection = store.pool().acquire().await.unwrap();
    match Store::enqueue_job(&mut connection, &job).await.unwrap() {
        Enqueued::New { turn } => turn,
        known => panic!("{known:?}"),
    }
}

#[tokio::test]
async fn an_owner_with_many_jobs_doesnt_keep_anothers_first_one_waiting() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut turns = Vec::new();
    for number in 0..50 {
        turns.push(enqueue(store, number, "greedy", 5).await);
    }
    assert!(turns.is_sorted_by(|a, b| a < b), "{turns:?}");
    let modest = enqueue(store, 100, "modest", 5).await;
    assert!(
        turns.iter().filter(|turn| **turn < modest).count() == 0,
        "{modest} among {turns:?}"
    );
    // Once some were begun, a newcomer starts where they are, not before.
    for number in 0..20 {
        store.begin_job(&id(number)).await.unwrap().unwrap();
    }
    let late = enqueue(store, 101, "late", 5).await;
    assert_eq!(late, turns[19]);
}

#[tokio::test]
async fn a_job_that_ended_without_a_worker_moves_nobodys_turn() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    for number in 0..50 {
        enqueue(store, number, "greedy", 5).await;
    }
    store.begin_job(&id(0)).await.unwrap().unwrap();
    // Taken back, and past its deadline: nobody ever began them, and their turns were far away.
    assert!(store.end_job(&id(49), &End::Cancelled).await.unwrap());
    sqlx::query("UPDATE jobs SET deadline = now() WHERE id = $1::text::uuid")
        .bind(id(48))
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(store.expire_jobs("code", "detail").await.unwrap().len(), 1);
    let modest = enqueue(store, 100, "modest", 5).await;
    assert_eq!(modest, 0, "behind what was never begun");
    let next = enqueue(store, 101, "greedy", 5).await;
    assert_eq!(next, 48 * 5, "behind what its own owner took back");
}

#[tokio::test]
async fn a_full_queue_takes_nothing_new_and_still_knows_what_it_has() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    let mut found = Vec::new();
    for (number, owner, key) in [
        (1, "greedy", "a"),
        (2, "greedy", "b"),
        // Hers is full, not the queue.
        (3, "greedy", "c"),
        (4, "modest", "a"),
        // Now it is, for everybody.
        (5, "late", "a"),
        (6, "greedy", "a"),
    ] {
        let job = NewJob {
            id: &id(number),
            owner,
            idempotency_key: Some(key),
            request_hash: [0; 32],
            circuit: "ownership-v1-depth10",
            priority: 5,
            witness: &SEALED,
            deadline_ms: 60_000,
            most_waiting: 3,
            most_of_owner: 2,
        };
        found.push(Store::enqueue_job(&mut connection, &job).await.unwrap());
    }
    let taken: Vec<bool> = found
        .iter()
        .map(|found| matches!(found, Enqueued::New { .. }))
        .collect();
    assert_eq!(taken, [true, true, false, true, false, false]);
    assert_eq!((&found[2], &found[4]), (&Enqueued::Full, &Enqueued::Full));
    assert_eq!(found[5], Enqueued::Known { id: id(1) });
    assert_eq!(database.store.open_jobs().await.unwrap().queued, 3);
}

#[tokio::test]
async fn a_deadline_that_passes_while_a_worker_has_the_job_is_its_end() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    enqueue(store, 1, "owner", 5).await;
    store.begin_job(&id(1)).await.unwrap().unwrap();
    sqlx::query("UPDATE jobs SET deadline = now()")
        .execute(database.pool())
        .await
        .unwrap();
    let expired = store.expire_jobs("code", "detail").await.unwrap();
    assert_eq!(expired, [(id(1), "owner".to_owned())]);
    assert!(store.expire_jobs("code", "detail").await.unwrap().is_empty());
    // Its worker comes too late.
    assert!(!store.end_job(&id(1), &End::Succeeded("answer")).await.unwrap());
    store.return_job(&id(1)).await.unwrap();
    assert_eq!(store.job(&id(1)).await.unwrap().unwrap().state, JobState::Failed);
}

#[tokio::test]
async fn an_idempotency_key_that_comes_many_times_in_one_moment_is_one_job() {
    let database = TestDatabase::create().await.unwrap();
    let enqueue = |number: u64| {
        let pool = database.pool().clone();
        async move {
            let job = NewJob {
                id: &id(number),
                owner: "owner",
                idempotency_key: Some("key"),
                request_hash: [0; 32],
                circuit: "ownership-v1-depth10",
                priority: 5,
                witness: &SEALED,
                deadline_ms: 60_000,
                most_waiting: 1_000,
                most_of_owner: 1_000,
            };
            let mut transaction = pool.begin().await.unwrap();
            let found = Store::enqueue_job(&mut transaction, &job).await.unwrap();
            transaction.commit().await.unwrap();
            match found {
                Enqueued::New { .. } => (id(number), true),
                Enqueued::Known { id } => (id, false),
                other => panic!("{other:?}"),
            }
        }
    };
    let found = tokio::join!(enqueue(1), enqueue(2), enqueue(3), enqueue(4), enqueue(5));
    let found = [found.0, found.1, found.2, found.3, found.4];
    assert_eq!(found.iter().filter(|(_, new)| *new).count(), 1, "{found:?}");
    assert!(found.iter().all(|(id, _)| *id == found[0].0), "{found:?}");
}

#[tokio::test]
async fn urgent_jobs_go_ten_times_as_often_and_the_least_urgent_still_goes() {
    let database = TestDatabase::create().await.unwrap();
    let mut queue = Vec::new();
    for number in 0..30 {
        queue.push((enqueue(&database.store, number, "", 10).await, 10));
    }
    for number in 100..400 {
        queue.push((enqueue(&database.store, number, "", 1).await, 1));
    }
    queue.sort_unstable();
    for window in queue.chunks(110).take(3) {
        let least = window.iter().filter(|(_, priority)| *priority == 10).count();
        assert!(
            (8..=12).contains(&least),
            "{least} of {} are the least urgent",
            window.len()
        );
    }
}

#[tokio::test]
async fn a_job_ends_once_and_its_witness_goes_with_its_end() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    enqueue(store, 1, "", 5).await;
    assert_eq!(store.begin_job(&id(1)).await.unwrap().unwrap().witness, SEALED);
    // A second worker that was given the same job may prove it too; the first end stays.
    assert_eq!(store.begin_job(&id(1)).await.unwrap().unwrap().attempts, 2);
    assert!(store.end_job(&id(1), &End::Succeeded("first")).await.unwrap());
    assert!(!store.end_job(&id(1), &End::Succeeded("second")).await.unwrap());
    assert!(!store.end_job(&id(1), &End::Cancelled).await.unwrap());
    assert!(store.begin_job(&id(1)).await.unwrap().is_none());
    let job = store.job(&id(1)).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.answer.as_deref()),
        (JobState::Succeeded, Some("first"))
    );
    let kept: bool = sqlx::query_scalar("SELECT witness IS NOT NULL FROM jobs")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(!kept);
    // The database itself refuses a witness beside an end.
    let refused = sqlx::query("UPDATE jobs SET witness = 'x'")
        .execute(database.pool())
        .await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn an_idempotency_key_is_its_owners() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    let job = |number: u64, owner, asked: u8| (id(number), owner, [asked; 32]);
    let mut found = Vec::new();
    for (id, owner, request_hash) in [job(1, "a", 0), job(2, "a", 0), job(3, "b", 1), job(4, "a", 1)] {
        let job = NewJob {
            id: &id,
            owner,
            idempotency_key: Some("key"),
            request_hash,
            circuit: "ownership-v1-depth10",
            priority: 5,
            witness: &SEALED,
            deadline_ms: 60_000,
            most_waiting: 1_000,
            most_of_owner: 1_000,
        };
        found.push(Store::enqueue_job(&mut connection, &job).await.unwrap());
    }
    assert!(matches!(found[0], Enqueued::New { .. }));
    assert_eq!(found[1], Enqueued::Known { id: id(1) });
    assert!(matches!(found[2], Enqueued::New { .. }));
    assert_eq!(found[3], Enqueued::Another, "for another request it is a mistake");
}

#[tokio::test]
async fn old_ends_are_forgotten_and_open_jobs_never() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    enqueue(store, 1, "", 5).await;
    enqueue(store, 2, "", 5).await;
    store
        .end_job(&id(1), &End::Failed("code", "detail"))
        .await
        .unwrap();
    assert_eq!(store.forget_jobs(60).await.unwrap(), 0);
    sqlx::query("UPDATE jobs SET created_at = now() - interval '1 hour'")
        .execute(database.pool())
        .await
        .unwrap();
    sqlx::query("UPDATE jobs SET ended_at = now() - interval '61 seconds' WHERE ended_at IS NOT NULL")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(store.forget_jobs(60).await.unwrap(), 1);
    assert_eq!(store.job(&id(1)).await.unwrap(), None);
    assert_eq!(store.job_counts().await.unwrap().queued, 1);
}
