//! The flags of operators.

use bauta_store::testing::TestDatabase;
use bauta_store::{AuditRecord, FlagChange};

use crate::roles::as_role;

const fn zkp(enabled: bool, rollout_percentage: u8) -> FlagChange {
    FlagChange::Zkp {
        enabled,
        rollout_percentage,
    }
}

#[tokio::test]
async fn flags_are_set_with_their_record_or_not_at_all() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let first = store.feature_flags().await.unwrap();
    assert!(first.zkp_enabled && first.rollout_percentage == 100);
    let record = AuditRecord::of("flags_set", "account", "zkp_enabled=false rollout_percentage=25");
    let set = store
        .set_feature_flags(zkp(false, 25), None, &record)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (set.zkp_enabled, set.rollout_percentage, set.salt, set.version),
        (false, 25, first.salt, first.version + 1)
    );
    assert_eq!(store.feature_flags().await.unwrap(), set);
    assert_eq!(store.audit_log(0, 10).await.unwrap()[0].record, record);

    // A percentage that is none changes nothing, and neither does a record that can't be added.
    let too_long = AuditRecord::of("flags_set", "account", &"x".repeat(129));
    assert!(
        store
            .set_feature_flags(zkp(true, 101), None, &record)
            .await
            .is_err()
    );
    assert!(
        store
            .set_feature_flags(zkp(true, 50), None, &too_long)
            .await
            .is_err()
    );
    assert_eq!(store.feature_flags().await.unwrap(), set);
    assert_eq!(store.audit_log(0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_is_made_and_recorded() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let version = store.feature_flags().await.unwrap().version;
    let (pause, open) = (FlagChange::SponsorshipPaused(true), zkp(true, 50));
    let (paused, opened) = (
        AuditRecord::of("sponsorship_set", "a", "paused=true"),
        AuditRecord::of("flags_set", "b", "zkp_enabled=true rollout_percentage=50"),
    );
    let both = tokio::join!(
        store.set_feature_flags(pause, Some(version), &paused),
        store.set_feature_flags(open, Some(version), &opened),
    );
    let (first, second) = (both.0.unwrap(), both.1.unwrap());
    assert_ne!(first.is_some(), second.is_some());
    let flags = store.feature_flags().await.unwrap();
    assert_eq!(Some(flags), first.or(second));
    assert_eq!(flags.version, version + 1);
    assert_eq!(
        (flags.sponsorship_paused, flags.rollout_percentage),
        if first.is_some() { (true, 100) } else { (false, 50) }
    );
    assert_eq!(store.audit_log(0, 10).await.unwrap().len(), 1);
    let largest = store.set_feature_flags(pause, Some(u64::MAX), &paused).await;
    assert_eq!(largest.unwrap(), None);
}

#[tokio::test]
async fn the_salts_of_two_databases_differ() {
    let mut salts = Vec::new();
    for _ in 0..2 {
        let database = TestDatabase::empty().await.unwrap();
        database.store.migrate().await.unwrap();
        salts.push(database.store.feature_flags().await.unwrap().salt);
    }
    assert_ne!(salts[0], salts[1]);
}
