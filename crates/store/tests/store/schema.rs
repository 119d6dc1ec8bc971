//! The rules of the schema: domains, missing columns, and the list of the tables that follow the
//! chain.

use std::collections::{BTreeMap, BTreeSet};

use bauta_primitives::FieldElement;
use bauta_store::testing::{TestDatabase, chain_tables};
use sqlx::Row;

/// Tables that do not follow the chain.
const OTHER_TABLES: [&str; 28] = [
    "_sqlx_migrations",
    "accounts",
    "api_key_changes",
    "api_keys",
    "audit_head",
    "audit_log",
    "audit_seals",
    "backfill",
    "backfill_histories",
    "backfill_lists",
    "backfill_transactions",
    "contested",
    "feature_flags",
    "jobs",
    "logins",
    "quarantine",
    "relay_attempts",
    "relay_budgets",
    "relay_ledger",
    "relay_reclaims",
    "relay_wallets",
    "relays",
    "rewinds",
    "schema_compatibility",
    "tickets",
    "used_nonces",
    "webhook_deliveries",
    "webhooks",
];

async fn strings(database: &TestDatabase, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query)
        .fetch_all(database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn every_table_of_the_schema_is_in_the_list_of_chain_tables() {
    let database = TestDatabase::create().await.unwrap();
    let in_schema = strings(
        &database,
        "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
    );
    let in_schema: BTreeSet<String> = in_schema.await.into_iter().collect();
    let mut listed = chain_tables(database.pool()).await.unwrap();
    listed.extend(OTHER_TABLES.map(str::to_owned));
    assert_eq!(listed.len(), in_schema.len());
    assert_eq!(BTreeSet::from_iter(listed), in_schema);
}

#[tokio::test]
async fn chain_tables_are_listed_after_the_tables_that_they_refer_to() {
    let database = TestDatabase::create().await.unwrap();
    let tables = chain_tables(database.pool()).await.unwrap();
    let place: BTreeMap<&str, usize> = tables.iter().map(String::as_str).zip(0..).collect();
    let references = sqlx::query(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(references.len() > 10);
    for reference in references {
        let (child, parent): (String, String) = (reference.get(0), reference.get(1));
        let place = |table: &str| place.get(table).copied();
        match (place(&parent), place(&child)) {
            (Some(parent_place), Some(child_place)) => {
                assert!(parent_place < child_place, "{child} before {parent}");
            }
            // A rebuild of the chain's tables deletes their rows.
            (Some(_), None) => panic!("{child} does not follow the chain, but refers to {parent}"),
            (None, Some(_)) => panic!("{child} follows the chain, but refers to {parent}"),
            (None, None) => {}
        }
    }
}

#[tokio::test]
async fn every_journaled_table_has_the_triggers_that_write_its_journal() {
    let database = TestDatabase::create().await.unwrap();
    let journaled = strings(
        &database,
        "SELECT name FROM chain_tables() WHERE journaled ORDER BY 1",
    )
    .await;
    let not_journaled = strings(
        &database,
        "SELECT name FROM chain_tables() WHERE NOT journaled ORDER BY 1",
    );
    assert_eq!(not_journaled.await, ["cluster", "finality", "journal", "tiles"]);
    for operation in ["insert", "update", "delete"] {
        let with_trigger = sqlx::query_scalar::<_, String>(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = $1 AND NOT tgisinternal ORDER BY 1",
        )
        .bind(format!("journal_{operation}"))
        .fetch_all(database.pool());
        assert_eq!(with_trigger.await.unwrap(), journaled, "{operation}");
    }
}

/// Returns each column as table, name, and domain or type.
async fn columns(database: &TestDatabase) -> Vec<(String, String, String)> {
    let rows = sqlx::query(
        "SELECT table_name::text, column_name::text, coalesce(domain_name, data_type)::text
         FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

#[tokio::test]
async fn a_field_element_of_r_or_above_or_of_other_than_32_bytes_is_refused() {
    let database = TestDatabase::create().await.unwrap();
    let accepts = async |bytes: &[u8]| {
        sqlx::query("SELECT $1::bytea::field_element")
            .bind(bytes)
            .execute(database.pool())
            .await
            .is_ok()
    };
    let modulus = FieldElement::MODULUS;
    let mut below = modulus;
    below[31] -= 1;
    assert!(accepts(&below).await);
    assert!(accepts(&[0; 32]).await);
    assert!(!accepts(&modulus).await, "public input of r accepted");
    assert!(!accepts(&[0xff; 32]).await);
    let mut above = modulus;
    above[31] += 1;
    assert!(!accepts(&above).await);
    assert!(!accepts(&[0; 31]).await);
    assert!(!accepts(&[0; 33]).await);
    assert!(!accepts(&[]).await);
}

#[tokio::test]
async fn every_bytea_column_has_a_rule() {
    let database = TestDatabase::create().await.unwrap();
    let columns = columns(&database).await;
    let free: Vec<_> = columns.iter().filter(|column| column.2 == "bytea").collect();
    // The nodes of a tile have a CHECK of their length. Their hash is computed before they are
    // written.
    assert_eq!(
        free,
        [&("tiles".to_owned(), "nodes".to_owned(), "bytea".to_owned())]
    );
    for (table, column) in [
        ("merkle_leaves", "leaf_hash"),
        ("merkle_leaves", "wallet_hash"),
        ("merkle_leaves", "token_id"),
        ("nullifiers", "hash"),
        ("roots", "root"),
        ("scopes", "scope"),
        ("scopes", "root"),
        ("scopes", "required_claim"),
        ("tiles", "hash"),
        ("holdings", "commitment"),
        ("verifications_by_hour", "claim"),
        ("verifications_by_day", "claim"),
    ] {
        let found = columns.iter().find(|found| found.0 == table && found.1 == column);
        assert_eq!(
            found.map(|found| found.2.as_str()),
            Some("field_element"),
            "{table}.{column}"
        );
    }
}

#[tokio::test]
async fn every_domain_refuses_other_values() {
    let database = TestDatabase::create().await.unwrap();
    for (domain, good) in [
        ("registry_kind", "holders"),
        ("scope_mode", "live"),
        ("scope_status", "open"),
        ("circuit_provenance", "ceremony"),
        ("circuit_status", "active"),
        ("job_state", "queued"),
        ("relay_state", "queued"),
        ("tree_depth", "16"),
        ("uint64", "18446744073709551615"),
    ] {
        let cast = |value: &str| format!("SELECT '{value}'::{domain}");
        let accepts = async |value: &str| {
            sqlx::query(sqlx::AssertSqlSafe(cast(value)))
                .execute(database.pool())
                .await
                .is_ok()
        };
        assert!(accepts(good).await, "{domain}");
        assert!(!accepts("x").await, "{domain}");
        assert!(!accepts("18446744073709551616").await, "{domain}");
    }
}

#[tokio::test]
async fn no_verification_names_a_wallet_recipient_or_payer() {
    let database = TestDatabase::create().await.unwrap();
    let columns = columns(&database).await;
    let of = |table: &str| -> Vec<&str> {
        columns
            .iter()
            .filter(|column| column.0 == table)
            .map(|column| column.1.as_str())
            .collect()
    };
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    let mut verifications = of("verifications");
    verifications.sort_unstable();
    let allowed = [
        "id",
        "scope_id",
        "track_id",
        "timestamp",
        "root_sequence",
        "anonymity_set",
    ];
    assert_eq!(verifications, sorted(allowed.to_vec()));
    let mut nullifiers = of("nullifiers");
    nullifiers.sort_unstable();
    let allowed = [
        "hash",
        "scope_id",
        "track_id",
        "used_at",
        "tx_signature",
        "reclaimed_at",
    ];
    assert_eq!(nullifiers, sorted(allowed.to_vec()));
    for (table, column, _) in &columns {
        for word in ["recipient", "payer", "relayer", "payload"] {
            assert!(!column.contains(word), "{table}.{column}");
        }
    }
    // Columns that the queries of operators use.
    for (table, names) in [
        (
            "merkle_leaves",
            vec![
                "id",
                "wallet_hash",
                "token_id",
                "track_id",
                "leaf_hash",
                "index",
                "created_at",
            ],
        ),
        ("nullifiers", vec!["hash", "track_id", "used_at", "tx_signature"]),
        ("verifications", vec!["id", "track_id", "timestamp"]),
    ] {
        for name in names {
            assert!(of(table).contains(&name), "{table}.{name}");
        }
    }
}

/// Otherwise a role that can create temporary tables could replace what a function with the rights
/// of another role reads and writes.
#[tokio::test]
async fn functions_with_other_rights_or_a_path_of_their_own_look_temporary_tables_up_last() {
    let database = TestDatabase::create().await.unwrap();
    let functions: Vec<String> = sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = current_schema() AND (p.prosecdef OR p.proconfig IS NOT NULL)",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(
        functions.contains(&"count_api_key_change".to_owned()),
        "{functions:?}"
    );
    let others: Vec<String> = sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = current_schema() AND (p.prosecdef OR p.proconfig IS NOT NULL)
         AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c (setting)
                         WHERE c.setting LIKE 'search\\_path=%, pg\\_temp')",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    assert!(others.is_empty(), "{others:?}");
}
