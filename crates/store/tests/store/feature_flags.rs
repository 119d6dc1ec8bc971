//! The flags of operators.

use bauta_store::AuditRecord;
use bauta_store::testing::TestDatabase;

use crate::roles::as_role;

#[tokio::test]
async fn flags_are_set_with_their_record_or_not_at_all() {
    let database = TestDatabase::create().await.unwrap();
    let store = as_role(&database, "bauta_api").await;
    let first = store.feature_flags().await.unwrap();
    assert!(first.zkp_enabled && first.rollout_percentage == 100);
    let record = AuditRecord::of("flags_set", "account", "zkp_enabled=false rollout_percentage=25");
    let set = store.set_feature_flags(false, 25, &record).await.unwrap();
    assert_eq!(
        (set.zkp_enabled, set.rollout_percentage, set.salt),
        (false, 25, first.salt)
    );
    assert_eq!(store.feature_flags().await.unwrap(), set);
    assert_eq!(store.audit_log(0, 10).await.unwrap()[0].record, record);

    // A percentage that is none changes nothing, and neither does a record that can't be added.
    let too_long = AuditRecord::of("flags_set", "account", &"x".repeat(129));
    assert!(store.set_feature_flags(true, 101, &record).await.is_err());
    assert!(store.set_feature_flags(true, 50, &too_long).await.is_err());
    assert_eq!(store.feature_flags().await.unwrap(), set);
    assert_eq!(store.audit_log(0, 10).await.unwrap().len(), 1);
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
