//! Analytics, compared with the rows that the rollups summarise.

use bauta_primitives::tree::Depth;
use bauta_primitives::{Claim, Root};
use bauta_store::analytics::{FirstVerificationDelay, Growth, Period, VerificationCounts};
use bauta_store::testing::TestDatabase;
use bauta_store::{Event, RegistryKind, ScopeMode};
use sqlx::Row;

use crate::roles::as_role;
use crate::support::{Chain, KEEP, START, address};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Returns a chain with two scopes on a registry, and its root. Track 1 has ann (two tokens) and
/// ben, track 2 has cat. Anonymity sets of two and more are recorded.
async fn two_scopes() -> (TestDatabase, Chain, Root) {
    let database = TestDatabase::create().await.unwrap();
    sqlx::query(
        "CREATE OR REPLACE FUNCTION anonymity_threshold() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2'",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let mut chain = Chain::new();
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders, Depth::Ten);
    chain.circuit(address("circuit"));
    chain.register(registry, address("mint 1"), address("ann"), 1, 1);
    chain.register(registry, address("mint 2"), address("ann"), 2, 1);
    chain.register(registry, address("mint 3"), address("ben"), 3, 1);
    chain.register(registry, address("mint 4"), address("cat"), 4, 2);
    chain.scope(address("scope 1"), registry, address("circuit"), ScopeMode::Live);
    chain.scope(address("scope 2"), registry, address("circuit"), ScopeMode::Live);
    let root = chain.root(registry);
    database.store.apply(&chain.batch()).await.unwrap();
    (database, chain, root)
}

#[tokio::test]
async fn verifications_are_counted_by_scope_track_hour_and_day() {
    let (database, mut chain, root) = two_scopes().await;
    let refused = |chain: &mut Chain, scope| {
        chain.emit(Event::ReuseRefused {
            scope: address(scope),
            claim: Claim::of_track(1),
        });
    };
    chain.verify(address("scope 1"), root, 1);
    chain.verify(address("scope 1"), root, 1);
    chain.verify(address("scope 1"), root, 2);
    refused(&mut chain, "scope 1");
    database.store.apply(&chain.batch()).await.unwrap();
    chain.wait(HOUR);
    chain.verify(address("scope 1"), root, 1);
    chain.verify(address("scope 2"), root, 1);
    chain.wait(DAY);
    refused(&mut chain, "scope 1");
    database.store.apply(&chain.batch()).await.unwrap();

    let store = &database.store;
    let end = START + 3 * DAY;
    let counts = |start, verifications, refused, small, sets: Option<(u64, u64)>| VerificationCounts {
        start,
        verifications,
        refused,
        small_anonymity_sets: small,
        anonymity_set_min: sets.map(|sets| sets.0),
        anonymity_set_mean: sets.map(|sets| sets.1),
    };
    let hours = store
        .verification_counts_of_scope(address("scope 1"), Period::Hour, START..end)
        .await
        .unwrap();
    let expected = [
        counts(START, 3, 1, 1, Some((2, 2))),
        counts(START + HOUR, 1, 0, 0, Some((2, 2))),
        counts(START + DAY + HOUR, 0, 1, 0, None),
    ];
    assert_eq!(hours, expected);
    let days = store
        .verification_counts_of_scope(address("scope 1"), Period::Day, START..end)
        .await
        .unwrap();
    assert_eq!(
        days,
        [
            counts(START, 4, 1, 1, Some((2, 2))),
            counts(START + DAY, 0, 1, 0, None)
        ]
    );
    let days = store
        .verification_counts_of_track(1, Period::Day, START..end)
        .await
        .unwrap();
    assert_eq!(
        days,
        [
            counts(START, 4, 1, 0, Some((2, 2))),
            counts(START + DAY, 0, 1, 0, None)
        ]
    );
    let one_hour = store
        .verification_counts_of_track(1, Period::Hour, START + HOUR..START + 2 * HOUR)
        .await
        .unwrap();
    assert_eq!(one_hour, [counts(START + HOUR, 2, 0, 0, Some((2, 2)))]);
    assert_eq!(
        store
            .verification_counts_of_scope(address("unknown"), Period::Day, START..end)
            .await
            .unwrap(),
        []
    );

    // The rollups equal sums over the verifications.
    for rollup in ["verifications_by_hour", "verifications_by_day"] {
        let sums = format!("SELECT sum(verifications)::bigint, sum(anonymity_set_sum)::bigint FROM {rollup}");
        let rolled = sqlx::query(sqlx::AssertSqlSafe(sums))
            .fetch_one(database.pool())
            .await
            .unwrap();
        let counted = sqlx::query("SELECT count(*), sum(anonymity_set)::bigint FROM verifications")
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(rolled.get::<i64, _>(0), counted.get::<i64, _>(0), "{rollup}");
        assert_eq!(rolled.get::<i64, _>(1), counted.get::<i64, _>(1), "{rollup}");
    }
}

#[tokio::test]
async fn the_anonymity_set_is_that_of_the_proof_s_root_and_not_the_current_one() {
    let (database, mut chain, root) = two_scopes().await;
    let registry = address("registry");
    chain.wait(KEEP);
    // After the eviction of ann's second token there are still two owners. Ben's token moves to dan
    // and is then evicted, so that one owner is left.
    chain.evict(registry, address("mint 2"));
    let two = chain.root(registry);
    chain.wait(KEEP);
    chain.register(registry, address("mint 3"), address("dan"), 9, 1);
    chain.wait(KEEP);
    chain.evict(registry, address("mint 3"));
    let one = chain.root(registry);
    for root in [root, two, one] {
        chain.verify(address("scope 1"), root, 1);
    }
    // A track that no leaf has.
    chain.verify(address("scope 1"), one, 77);
    database.store.apply(&chain.batch()).await.unwrap();
    let store = &database.store;
    let scope = store.scope(address("scope 1")).await.unwrap();
    let verifications = store.verifications(&scope, None, 10).await.unwrap();
    let sets: Vec<_> = verifications
        .iter()
        .rev()
        .map(|v| (v.id, v.anonymity_set))
        .collect();
    assert_eq!(sets, [(1, Some(2)), (2, Some(2)), (3, None), (4, None)]);
    let older = store.verifications(&scope, Some(3), 1).await.unwrap();
    assert_eq!(older[0].id, 2);
    let known = store.registry(registry).await.unwrap();
    assert_eq!(store.anonymity_set(&known, 1).await.unwrap(), 1);
    assert_eq!(store.anonymity_set(&known, 77).await.unwrap(), 0);
}

#[tokio::test]
async fn no_reader_sees_who_was_alone_in_an_anonymity_set() {
    let (database, mut chain, root) = two_scopes().await;
    // Cat is alone in track 2.
    chain.verify(address("scope 1"), root, 2);
    chain.verify(address("scope 1"), root, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let recorded: Vec<Option<i32>> =
        sqlx::query_scalar("SELECT anonymity_set FROM verifications ORDER BY id")
            .fetch_all(database.pool())
            .await
            .unwrap();
    assert_eq!(recorded, [None, Some(2)]);
    for rollup in ["verifications_by_hour", "verifications_by_day"] {
        let query = format!(
            "SELECT small_anonymity_sets, anonymity_sets, anonymity_set_sum, anonymity_set_min::bigint
             FROM {rollup} WHERE track_id = 2"
        );
        let counted: (i64, i64, i64, Option<i64>) = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(counted, (1, 0, 0, None), "{rollup}");
    }
    // The present size, which warns members, is readable. Its history is not.
    for role in ["bauta_api", "bauta_analytics"] {
        let store = as_role(&database, role).await;
        let present = "SELECT present_anonymity_set(id, 2) FROM registries";
        let owners: i32 = sqlx::query_scalar(present).fetch_one(store.pool()).await.unwrap();
        assert_eq!(owners, 1);
        let history = sqlx::query("SELECT owners FROM anonymity_sets").fetch_all(store.pool());
        let error = history.await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{role}: {error}");
    }
}

#[tokio::test]
async fn growth_is_counted_by_day() {
    let (database, mut chain, _) = two_scopes().await;
    let registry = address("registry");
    chain.wait(DAY);
    chain.register(registry, address("mint 1"), address("ann"), 11, 1);
    chain.register(registry, address("mint 5"), address("eve"), 12, 1);
    chain.evict(registry, address("mint 3"));
    database.store.apply(&chain.batch()).await.unwrap();
    let known = database.store.registry(registry).await.unwrap();
    let growth = database
        .store
        .growth(&known, 1, START..START + 2 * DAY)
        .await
        .unwrap();
    let expected = [
        Growth {
            start: START,
            registered: 3,
            renewed: 0,
            evicted: 0,
        },
        Growth {
            start: START + DAY,
            registered: 1,
            renewed: 1,
            evicted: 1,
        },
    ];
    assert_eq!(growth, expected);
    let first = database
        .store
        .growth(&known, 1, START..START + DAY)
        .await
        .unwrap();
    assert_eq!(first, expected[..1]);
}

/// Returns the rows of a query by an analyst, as text.
async fn analyst_reads(database: &TestDatabase, query: &str) -> Vec<String> {
    let store = as_role(database, "bauta_analytics").await;
    let query = format!("SELECT row_to_json(t)::text FROM ({query}) t");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_all(store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_analyst_reads_no_count_of_verifications_below_the_threshold() {
    let (database, mut chain, root) = two_scopes().await;
    // Day 0: three uses in an hour and a single one in the next. Day 1: two uses in an hour. Day 2:
    // two uses and a refusal. Day 3: two single uses.
    for (wait, uses) in [(0, 3), (HOUR, 1), (DAY, 2), (DAY, 2), (DAY, 1), (HOUR, 1)] {
        chain.wait(wait);
        for _ in 0..uses {
            chain.verify(address("scope 1"), root, 1);
        }
        if chain.now / DAY == START / DAY + 2 {
            chain.emit(Event::ReuseRefused {
                scope: address("scope 1"),
                claim: Claim::of_track(1),
            });
        }
    }
    // Two uses of which one has a small set.
    chain.verify(address("scope 2"), root, 1);
    chain.verify(address("scope 2"), root, 2);
    database.store.apply(&chain.batch()).await.unwrap();

    let start = format!("to_timestamp({})", START / DAY * DAY);
    let hours = format!(
        "SELECT (extract(epoch FROM hour - {start}) / 3600)::int AS hour, verifications, refused, anonymity_sets
         FROM verifications_by_hour_for_analysts ORDER BY hour"
    );
    let first = START % DAY / HOUR;
    let row = |period: &str, at: i64, uses: i64, refused: &str| {
        format!(
            "{{\"{period}\":{at},\"verifications\":{uses},\"refused\":{refused},\"anonymity_sets\":{uses}}}"
        )
    };
    assert_eq!(
        analyst_reads(&database, &hours).await,
        [
            row("hour", first, 3, "0"),
            row("hour", first + 25, 2, "0"),
            row("hour", first + 49, 2, "null")
        ]
    );
    // The first day has four uses, and its visible hour has three. The last day has two single
    // uses.
    let days = format!(
        "SELECT (extract(epoch FROM day - {start}) / 86400)::int AS day, verifications, refused, anonymity_sets
         FROM verifications_by_day_for_analysts ORDER BY day"
    );
    assert_eq!(
        analyst_reads(&database, &days).await,
        [
            row("day", 1, 2, "0"),
            row("day", 2, 2, "null"),
            row("day", 3, 2, "0")
        ]
    );
}

#[tokio::test]
async fn an_analyst_reads_no_growth_of_a_track_below_the_threshold() {
    let (database, mut chain, _) = two_scopes().await;
    let registry = address("registry");
    // Track 1 has three tokens. It has four on day 1, two on day 2, one on day 3 and three on day
    // 4.
    chain.wait(DAY);
    chain.register(registry, address("mint 5"), address("eve"), 12, 1);
    chain.wait(DAY);
    chain.evict(registry, address("mint 1"));
    chain.evict(registry, address("mint 2"));
    chain.wait(DAY);
    chain.evict(registry, address("mint 3"));
    chain.wait(DAY);
    chain.register(registry, address("mint 6"), address("fay"), 13, 1);
    chain.register(registry, address("mint 7"), address("gus"), 14, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let rows = analyst_reads(
        &database,
        "SELECT track_id, registered, evicted FROM growth_by_day_for_analysts ORDER BY day",
    )
    .await;
    assert_eq!(
        rows,
        [
            r#"{"track_id":1,"registered":1,"evicted":0}"#,
            r#"{"track_id":1,"registered":0,"evicted":2}"#
        ]
    );
}

/// A function of the reader that is cheaper than the condition of a view would run before it.
#[tokio::test]
async fn no_function_of_an_analyst_sees_a_row_that_is_left_out() {
    let (database, mut chain, root) = two_scopes().await;
    chain.verify(address("scope 1"), root, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let store = as_role(&database, "bauta_analytics").await;
    let mut connection = store.pool().acquire().await.unwrap();
    sqlx::query(
        "CREATE FUNCTION pg_temp.leak(n bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
         AS 'BEGIN RAISE EXCEPTION ''leak of %'', n; END'",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    for (view, column) in [
        ("verifications_by_hour_for_analysts", "verifications"),
        ("verifications_by_day_for_analysts", "verifications"),
        ("growth_by_day_for_analysts", "registered"),
    ] {
        let query = format!("SELECT FROM {view} WHERE pg_temp.leak({column})");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&mut *connection)
            .await;
        assert_eq!(rows.unwrap().len(), 0, "{view}");
    }
}

#[tokio::test]
async fn the_delay_of_a_root_s_first_verification_is_measured_once() {
    let (database, mut chain, root) = two_scopes().await;
    let registry = address("registry");
    chain.wait(30);
    chain.verify(address("scope 1"), root, 1);
    chain.wait(500);
    chain.verify(address("scope 1"), root, 1);
    chain.register(registry, address("mint 6"), address("fay"), 13, 1);
    let next = chain.root(registry);
    chain.wait(7);
    chain.verify(address("scope 1"), next, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let known = database.store.registry(registry).await.unwrap();
    let delay = database
        .store
        .first_verification_delay(&known, START..START + DAY)
        .await
        .unwrap();
    assert_eq!(
        delay,
        FirstVerificationDelay {
            roots: 2,
            median: Some(7),
            p95: Some(30)
        }
    );
    let none = database
        .store
        .first_verification_delay(&known, START + DAY..START + 2 * DAY)
        .await
        .unwrap();
    assert_eq!(
        none,
        FirstVerificationDelay {
            roots: 0,
            median: None,
            p95: None
        }
    );
}

#[tokio::test]
async fn the_documented_queries_run() {
    let (database, _, _) = two_scopes().await;
    let page = include_str!("../../../../docs/store.md");
    let queries: Vec<&str> = page
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(queries.len(), 6);
    for query in queries {
        sqlx::query(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_all(database.pool())
            .await
            .unwrap();
    }
}
