//! The processes that are connected to a database.

use bauta_store::testing::TestDatabase;
use bauta_store::{Instance, SessionLimits, Store};

use crate::roles::as_role;

const SERVICES: [&str; 2] = ["bauta-indexer", "bauta-api"];

async fn connect(database: &TestDatabase, name: &str) -> Store {
    let url = database.url().unwrap();
    Store::connect_as(name, &url, 2, SessionLimits::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_role_of_the_api_sees_the_names_of_all_processes_and_which_one_leads() {
    let database = TestDatabase::create().await.unwrap();
    let first = connect(&database, "bauta-indexer/host-1").await;
    let _second = connect(&database, "bauta-indexer/host-2").await;
    let api = connect(&database, "bauta-api/host-3").await;
    // A process with two sessions is one process, and other programs are none.
    api.ping().await.unwrap();
    let _session = api.pool().acquire().await.unwrap();
    api.ping().await.unwrap();
    let _other = connect(&database, "psql").await;
    let reader = as_role(&database, "bauta_api").await;
    let instances = reader.instances(&SERVICES).await.unwrap();
    assert_eq!(instances.leader(), None);
    assert_eq!(instances.count("bauta-indexer"), 2);
    assert_eq!(instances.count("bauta-api"), 1);
    let names: Vec<&str> = instances.named().map(|instance| &*instance.name).collect();
    assert_eq!(names, ["host-3", "host-1", "host-2"]);

    let leadership = first.candidate().try_lead().await.unwrap().unwrap();
    let instances = reader.instances(&SERVICES).await.unwrap();
    let expected = Instance {
        service: "bauta-indexer".to_owned(),
        name: "host-1".to_owned(),
        is_leader: true,
    };
    assert_eq!(instances.leader(), Some(&expected));
    assert_eq!(instances.count("bauta-indexer"), 2);
    leadership.resign().await.unwrap();
    assert_eq!(reader.instances(&SERVICES).await.unwrap().leader(), None);
}

#[tokio::test]
async fn a_leader_without_a_name_is_found_and_a_leader_of_another_database_is_not() {
    let (database, other) = (
        TestDatabase::create().await.unwrap(),
        TestDatabase::create().await.unwrap(),
    );
    let leadership = database.store.candidate().try_lead().await.unwrap().unwrap();
    let instances = database.store.instances(&SERVICES).await.unwrap();
    assert!(instances.leader().is_some_and(|leader| leader.name.is_empty()));
    assert_eq!(instances.named().count(), 0);
    assert_eq!(other.store.instances(&SERVICES).await.unwrap().leader(), None);
    leadership.resign().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_no_replica_has_replayed_nothing() {
    let database = TestDatabase::create().await.unwrap();
    assert_eq!(database.store.replay_age_ms().await.unwrap(), None);
}
