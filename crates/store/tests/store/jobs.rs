//! Jobs of the prover service: fair turns, one result, and no witness after the end.

use bauta_store::testing::TestDatabase;
use bauta_store::{
    Enqueued, ExpiredJob, JobList, JobRates, JobResult, JobState, JobSummary, NewJob, QueueNotice, Store,
    Workload,
};

use crate::roles::as_role;

/// As long as the shortest sealed witness, or longer.
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
        max_queued: 1_000,
        max_queued_by_owner: 1_000,
    };
    let mut connection = store.pool().acquire().await.unwrap();
    match Store::enqueue_job(&mut connection, &job).await.unwrap() {
        Enqueued::New { turn } => turn,
        other => panic!("{other:?}"),
    }
}

async fn expire(store: &Store) -> Vec<ExpiredJob> {
    let mut connection = store.pool().acquire().await.unwrap();
    Store::expire_jobs(&mut connection, "code", "detail", 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_owner_with_many_jobs_does_not_delay_the_first_job_of_another_owner() {
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
    // After some jobs have started, a new owner's turn is that of the last started job.
    for number in 0..20 {
        store.start_job(&id(number)).await.unwrap().unwrap();
    }
    let late = enqueue(store, 101, "late", 5).await;
    assert_eq!(late, turns[19]);
}

#[tokio::test]
async fn a_job_that_ended_before_it_started_does_not_affect_turns() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    for number in 0..50 {
        enqueue(store, number, "greedy", 5).await;
    }
    store.start_job(&id(0)).await.unwrap().unwrap();
    // One is cancelled and one exceeds its deadline. Neither has started, and both have late turns.
    assert!(store.finish_job(&id(49), &JobResult::Cancelled).await.unwrap());
    sqlx::query("UPDATE jobs SET deadline = now() WHERE id = $1::text::uuid")
        .bind(id(48))
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(expire(store).await.len(), 1);
    let modest = enqueue(store, 100, "modest", 5).await;
    assert_eq!(modest, 0, "behind jobs that never started");
    let next = enqueue(store, 101, "greedy", 5).await;
    assert_eq!(next, 48 * 5, "behind the owner's cancelled jobs");
}

#[tokio::test]
async fn thousands_of_cancelled_jobs_do_not_make_a_new_job_more_expensive() {
    let database = TestDatabase::create().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO jobs (id, owner, circuit, priority, turn, state, deadline, ended_at)
         SELECT gen_random_uuid(), 'owner', 'c', 5, number, 'cancelled', now(), now()
         FROM generate_series(1, 20000) AS number;
         ANALYZE jobs",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT)
         SELECT max(turn) FROM jobs WHERE owner = 'owner' AND priority = 5 AND (state = 'queued' OR attempts > 0)",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("jobs_flow"), "{plan}");
    assert!(!plan.contains("Rows Removed by Filter"), "{plan}");
    assert_eq!(enqueue(&database.store, 1, "owner", 5).await, 0);
}

#[tokio::test]
async fn instances_that_delete_and_expire_jobs_do_not_wait_for_each_other() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    sqlx::raw_sql(
        "INSERT INTO jobs (id, owner, circuit, priority, turn, state, deadline, ended_at)
         SELECT gen_random_uuid(), 'owner', 'c', 5, 0, 'cancelled', now(), now() - number * interval '1 second'
         FROM generate_series(1, 10) AS number",
    )
    .execute(database.pool())
    .await
    .unwrap();
    for number in 0..2 {
        enqueue(store, number, "owner", 5).await;
    }
    sqlx::query("UPDATE jobs SET deadline = now() WHERE state = 'queued'")
        .execute(database.pool())
        .await
        .unwrap();
    // Another instance deletes the oldest job and ends a queued one.
    let mut other = store.begin_job_change().await.unwrap();
    for sql in [
        "DELETE FROM jobs WHERE ended_at = (SELECT min(ended_at) FROM jobs)",
        "UPDATE jobs SET attempts = 1 WHERE id = '00000000-0000-7000-8000-000000000000'",
    ] {
        sqlx::query(sql).execute(&mut *other).await.unwrap();
    }
    let work = async {
        let expired = expire(store).await;
        (
            expired.len(),
            store.delete_excess_jobs(3, 100, None).await.unwrap(),
        )
    };
    let done = tokio::time::timeout(std::time::Duration::from_secs(10), work).await;
    // One expired. With it 11 have ended, 8 too many, of which the other instance deletes one.
    assert_eq!(done.expect("the other instance's locks don't block"), (1, 7));
    other.commit().await.unwrap();
    assert_eq!(expire(store).await.len(), 1);
}

#[tokio::test]
async fn ended_jobs_are_deleted_by_age_and_by_number_of_each_owner_in_batches() {
    let database = TestDatabase::create().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO jobs (id, owner, circuit, priority, turn, state, deadline, ended_at)
         SELECT gen_random_uuid(), owner, 'c', 5, 0, 'cancelled', now(), now() - number * interval '1 second'
         FROM generate_series(1, 100) AS number, (VALUES ('a'), ('b')) AS owners (owner)
         WHERE owner = 'a' OR number <= 5",
    )
    .execute(database.pool())
    .await
    .unwrap();
    enqueue(&database.store, 1, "a", 5).await;
    let left = || async {
        let sql = "SELECT owner || count(*) || (max(now() - ended_at) < interval '60 seconds')
                   FROM jobs WHERE ended_at IS NOT NULL GROUP BY owner ORDER BY owner";
        sqlx::query_scalar::<_, String>(sql)
            .fetch_all(database.pool())
            .await
            .unwrap()
    };
    let store = &database.store;
    assert_eq!(store.delete_old_jobs(80, 15).await.unwrap(), 15);
    assert_eq!(store.delete_old_jobs(80, 15).await.unwrap(), 6);
    assert_eq!(left().await, ["a79false", "b5true"]);
    assert_eq!(store.delete_excess_jobs(10, 50, None).await.unwrap(), 50);
    assert_eq!(store.delete_excess_jobs(10, 50, None).await.unwrap(), 19);
    // The newest are left, and queued jobs don't count.
    assert_eq!(left().await, ["a10true", "b5true"]);
    assert_eq!(store.open_jobs().await.unwrap().queued, 1);
    // Of several owners, one statement deletes what each has too much.
    assert_eq!(store.delete_excess_jobs(4, 50, None).await.unwrap(), 7);
    assert_eq!(left().await, ["a4true", "b4true"]);
    assert_eq!(store.delete_excess_jobs(4, 50, None).await.unwrap(), 0);
}

#[tokio::test]
async fn a_full_queue_refuses_new_jobs_and_still_returns_existing_ones() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    let mut results = Vec::new();
    for (number, owner, key) in [
        (1, "greedy", "a"),
        (2, "greedy", "b"),
        // This owner has reached its limit. The queue has not.
        (3, "greedy", "c"),
        (4, "modest", "a"),
        // Now the queue is full.
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
            max_queued: 3,
            max_queued_by_owner: 2,
        };
        results.push(Store::enqueue_job(&mut connection, &job).await.unwrap());
    }
    let added: Vec<bool> = results
        .iter()
        .map(|result| matches!(result, Enqueued::New { .. }))
        .collect();
    assert_eq!(added, [true, true, false, true, false, false]);
    assert_eq!((&results[2], &results[4]), (&Enqueued::Full, &Enqueued::Full));
    assert_eq!(results[5], Enqueued::Existing { id: id(1) });
    assert_eq!(database.store.open_jobs().await.unwrap().queued, 3);
}

#[tokio::test]
async fn a_running_job_fails_when_its_deadline_passes() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    enqueue(store, 1, "owner", 5).await;
    store.start_job(&id(1)).await.unwrap().unwrap();
    sqlx::query("UPDATE jobs SET deadline = now()")
        .execute(database.pool())
        .await
        .unwrap();
    let expired = expire(store).await;
    let expected = ExpiredJob {
        id: id(1),
        owner: "owner".to_owned(),
    };
    assert_eq!(expired, [expected]);
    assert!(expire(store).await.is_empty());
    // The worker's result arrives too late.
    assert!(
        !store
            .finish_job(&id(1), &JobResult::Succeeded("answer"))
            .await
            .unwrap()
    );
    let mut connection = database.pool().acquire().await.unwrap();
    assert!(!Store::requeue_job(&mut connection, &id(1)).await.unwrap());
    assert_eq!(store.job(&id(1)).await.unwrap().unwrap().state, JobState::Failed);
}

#[tokio::test]
async fn concurrent_requests_with_one_idempotency_key_create_one_job() {
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
                max_queued: 1_000,
                max_queued_by_owner: 1_000,
            };
            let mut transaction = pool.begin().await.unwrap();
            let result = Store::enqueue_job(&mut transaction, &job).await.unwrap();
            transaction.commit().await.unwrap();
            match result {
                Enqueued::New { .. } => (id(number), true),
                Enqueued::Existing { id } => (id, false),
                other => panic!("{other:?}"),
            }
        }
    };
    let results = tokio::join!(enqueue(1), enqueue(2), enqueue(3), enqueue(4), enqueue(5));
    let results = [results.0, results.1, results.2, results.3, results.4];
    assert_eq!(
        results.iter().filter(|(_, is_new)| *is_new).count(),
        1,
        "{results:?}"
    );
    assert!(results.iter().all(|(id, _)| *id == results[0].0), "{results:?}");
}

#[tokio::test]
async fn jobs_of_priority_1_start_ten_times_as_often_as_jobs_of_priority_10() {
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
        let least_urgent = window.iter().filter(|(_, priority)| *priority == 10).count();
        assert!(
            (8..=12).contains(&least_urgent),
            "{least_urgent} of {} have priority 10",
            window.len()
        );
    }
}

#[tokio::test]
async fn a_job_has_one_result_and_loses_its_witness_when_it_ends() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    enqueue(store, 1, "", 5).await;
    assert_eq!(store.start_job(&id(1)).await.unwrap().unwrap().witness, SEALED);
    // Another worker may run the same job. The first result is final.
    assert_eq!(store.start_job(&id(1)).await.unwrap().unwrap().attempts, 2);
    let finish = async |result| store.finish_job(&id(1), &result).await.unwrap();
    assert!(finish(JobResult::Succeeded("first")).await);
    assert!(!finish(JobResult::Succeeded("second")).await);
    assert!(!finish(JobResult::Cancelled).await);
    assert!(store.start_job(&id(1)).await.unwrap().is_none());
    let job = store.job(&id(1)).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.answer.as_deref()),
        (JobState::Succeeded, Some("first"))
    );
    let has_witness: bool = sqlx::query_scalar("SELECT witness IS NOT NULL FROM jobs")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(!has_witness);
    // The database refuses a witness for an ended job.
    let refused = sqlx::query("UPDATE jobs SET witness = 'x'")
        .execute(database.pool())
        .await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn idempotency_keys_are_separate_for_each_owner() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = database.pool().acquire().await.unwrap();
    let job = |number: u64, owner, request: u8| (id(number), owner, [request; 32]);
    let mut results = Vec::new();
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
            max_queued: 1_000,
            max_queued_by_owner: 1_000,
        };
        results.push(Store::enqueue_job(&mut connection, &job).await.unwrap());
    }
    assert!(matches!(results[0], Enqueued::New { .. }));
    assert_eq!(results[1], Enqueued::Existing { id: id(1) });
    assert!(matches!(results[2], Enqueued::New { .. }));
    assert_eq!(results[3], Enqueued::KeyReused, "the request differs");
}

#[tokio::test]
async fn only_jobs_that_ended_long_ago_are_deleted() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    enqueue(store, 1, "", 5).await;
    enqueue(store, 2, "", 5).await;
    let failure = JobResult::Failed {
        code: "code",
        detail: "detail",
    };
    store.finish_job(&id(1), &failure).await.unwrap();
    assert_eq!(store.delete_old_jobs(60, 10).await.unwrap(), 0);
    sqlx::query("UPDATE jobs SET created_at = now() - interval '1 hour'")
        .execute(database.pool())
        .await
        .unwrap();
    sqlx::query("UPDATE jobs SET ended_at = now() - interval '61 seconds' WHERE ended_at IS NOT NULL")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(store.delete_old_jobs(60, 10).await.unwrap(), 1);
    assert_eq!(store.job(&id(1)).await.unwrap(), None);
    assert_eq!(store.job_counts().await.unwrap().queued, 1);
}

#[tokio::test]
async fn the_deletion_of_excess_jobs_looks_only_at_owners_whose_jobs_ended_recently() {
    let database = TestDatabase::create().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO jobs (id, owner, circuit, priority, turn, state, deadline, ended_at)
         SELECT gen_random_uuid(), owner, 'c', 5, 0, 'cancelled', now(), now() - age * number
         FROM generate_series(1, 10) AS number,
              (VALUES ('busy', interval '0'), ('idle', interval '1 day')) AS owners (owner, age)",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let store = &database.store;
    assert_eq!(store.delete_excess_jobs(4, 50, Some(3600)).await.unwrap(), 6);
    assert_eq!(store.delete_excess_jobs(4, 50, Some(3600)).await.unwrap(), 0);
    assert_eq!(store.delete_excess_jobs(4, 50, None).await.unwrap(), 6);
}

#[tokio::test]
async fn jobs_expire_in_batches() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    for number in 0..5 {
        enqueue(store, number, "owner", 5).await;
    }
    sqlx::query("UPDATE jobs SET deadline = now()")
        .execute(database.pool())
        .await
        .unwrap();
    let mut connection = store.pool().acquire().await.unwrap();
    for expected in [3, 2, 0] {
        let expired = Store::expire_jobs(&mut connection, "code", "detail", 3).await;
        assert_eq!(expired.unwrap().len(), expected);
    }
}

#[tokio::test]
async fn the_jobs_of_an_owner_in_a_state_are_listed_without_reading_those_in_other_states() {
    let database = TestDatabase::create().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO jobs (id, owner, circuit, priority, turn, state, deadline, ended_at)
         SELECT gen_random_uuid(), 'owner', 'c', 5, 0, 'cancelled', now(), now() FROM generate_series(1, 20000);
         INSERT INTO jobs (id, owner, circuit, priority, turn, state, deadline, ended_at, error_code, error_detail)
         SELECT gen_random_uuid(), 'other', 'c', 5, 0, 'failed', now(), now(), 'a', 'b' FROM generate_series(1, 20000);
         ANALYZE jobs",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN (ANALYZE, FORMAT TEXT)
         SELECT id FROM jobs WHERE owner = 'owner' AND id < 'ffffffff-ffff-ffff-ffff-ffffffffffff'
            AND state = 'failed'::text
         ORDER BY id DESC LIMIT 100",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(!plan.contains("Rows Removed by Filter"), "{plan}");
    enqueue(&database.store, 1, "owner", 5).await;
    let list = async |state| {
        let jobs = database.store.jobs_of_owner("owner", None, state, 10).await;
        jobs.unwrap().len()
    };
    assert_eq!(list(Some(JobState::Failed)).await, 0);
    assert_eq!(list(Some(JobState::Queued)).await, 1);
    assert_eq!(list(None).await, 10);
}

#[tokio::test]
async fn the_role_of_the_api_sees_the_queue_without_witnesses_answers_or_owners() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    for (number, priority) in [(1, 5), (2, 5), (3, 1), (4, 5), (5, 1)] {
        enqueue(store, number, "0a0a0a0a", priority).await;
    }
    for number in [2, 3, 4] {
        store.start_job(&id(number)).await.unwrap().unwrap();
    }
    store
        .finish_job(&id(3), &JobResult::Succeeded("answer"))
        .await
        .unwrap();
    let failed = JobResult::Failed {
        code: "proof_failed",
        detail: "detail",
    };
    store.finish_job(&id(4), &failed).await.unwrap();

    let api = as_role(&database, "bauta_api").await;
    let priorities = api.jobs_by_priority().await.unwrap();
    let counts: Vec<_> = priorities
        .iter()
        .map(|jobs| (jobs.priority, jobs.queued, jobs.running))
        .collect();
    assert_eq!(counts, [(1, 1, 0), (5, 1, 1)]);
    let ids = |jobs: &[JobSummary]| jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>();
    let open = api.job_summaries(JobList::Open, 10).await.unwrap();
    assert_eq!(ids(&open), [id(2), id(1), id(5)], "the running one first");
    assert_eq!((open[0].state, open[0].attempts), (JobState::Running, 1));
    assert_eq!(api.job_summaries(JobList::Open, 1).await.unwrap(), open[..1]);
    let dead = api.job_summaries(JobList::Failed, 10).await.unwrap();
    assert_eq!(ids(&dead), [id(4)]);
    assert_eq!(dead[0].error.as_deref(), Some("proof_failed"));
    let ended = api.ended_jobs(3_600).await.unwrap();
    assert_eq!((ended.succeeded, ended.failed), (1, 1));
    assert!(ended.p50_ms.is_some() && ended.p50_ms == ended.p99_ms);
    let counts = api.job_counts().await.unwrap();
    assert_eq!((counts.queued, counts.running, counts.failed), (2, 1, 1));
    for column in [
        "witness",
        "answer",
        "owner",
        "idempotency_key",
        "request_hash",
        "*",
    ] {
        let query = sqlx::AssertSqlSafe(format!("SELECT {column} FROM jobs"));
        let refused = sqlx::query(query).fetch_all(api.pool()).await.unwrap_err();
        assert!(
            refused.to_string().contains("permission denied"),
            "{column}: {refused}"
        );
    }
    assert!(api.job(&id(1)).await.is_err());
}

#[tokio::test]
async fn progress_and_workload_reach_the_listeners_of_the_api() {
    let database = TestDatabase::create().await.unwrap();
    let mut listener = as_role(&database, "bauta_api")
        .await
        .listen_to_queue()
        .await
        .unwrap();
    let prover = as_role(&database, "bauta_prover").await;
    let rates = JobRates {
        arrivals_per_second: 7.5,
        service_seconds: 0.25,
    };
    let workload = Workload::new(2, 4, 9, rates);
    prover.announce_workload(workload).await.unwrap();
    prover
        .announce_progress(&id(1), "proving", 0.5, Some(20))
        .await
        .unwrap();
    assert_eq!(
        listener.next().await.unwrap(),
        Some(QueueNotice::Workload(workload))
    );
    let Some(QueueNotice::Job(text)) = listener.next().await.unwrap() else {
        panic!("no progress");
    };
    assert!(text.contains(&id(1)) && text.contains("proving"), "{text}");
}
