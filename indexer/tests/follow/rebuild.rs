//! A rebuild beside the running database.

use std::sync::Arc;

use bauta_indexer::chain::Head;
use bauta_indexer::rebuild;
use bauta_indexer::testing::named;

use crate::support::{Scene, count, rows, settings, small_chain};

#[tokio::test]
async fn a_rebuild_leaves_what_the_chain_says_and_nothing_else() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    // a use that never was, and one that is missing
    for damage in [
        "UPDATE nullifiers SET hash = decode(repeat('01', 32), 'hex') WHERE ctid = (SELECT ctid FROM nullifiers LIMIT 1)",
        "DELETE FROM merkle_leaves WHERE index = 3",
        "UPDATE growth_by_day SET registered = registered + 5",
    ] {
        sqlx::query(damage).execute(scene.database.pool()).await.unwrap();
    }
    chain.wait(1);
    chain.verify(scope, registry, 7);
    scene.source.follow(&chain);
    let url = scene.database.url().unwrap();
    let rebuilt = rebuild(Arc::clone(&scene.source), &scene.database.store, &url, settings()).await;
    assert_eq!(rebuilt.unwrap().slot, chain.slot);
    scene.assert_like_fresh(&chain).await;
    // and it can be followed on, and undone
    chain.wait(1);
    chain.register(registry, 900, 1, 7).unwrap();
    scene.source.follow(&chain);
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
    scene
        .database
        .store
        .roll_back_to(chain.slot.previous())
        .await
        .unwrap();
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
    let schemas = "SELECT FROM information_schema.schemata WHERE schema_name = 'bauta_rebuild'";
    assert!(
        sqlx::query(schemas)
            .fetch_all(scene.database.pool())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_rebuild_mends_a_hole_below_finality() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    let hidden = chain.verify(scope, registry, 8);
    for _ in 0..400 {
        chain.wait(1);
    }
    let mut scene = Scene::of(&chain).await;
    {
        let mut state = scene.source.state();
        state.hidden.insert(hidden);
        // everything is final, so that history is read in without a journal
        state.head = Some(Head {
            confirmed: chain.slot,
            finalized: chain.slot,
        });
    }
    scene.settle().await;
    assert_eq!(count(&scene.database, "nullifiers").await, 3);
    let url = scene.database.url().unwrap();
    rebuild(Arc::clone(&scene.source), &scene.database.store, &url, settings())
        .await
        .unwrap();
    assert_eq!(count(&scene.database, "nullifiers").await, 4);
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn readers_see_the_old_rows_until_the_new_ones_are_there() {
    let chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let before = rows(&scene.database).await;
    let url = scene.database.url().unwrap();
    let store = scene.database.store.clone();
    let source = Arc::clone(&scene.source);
    let rebuilding = tokio::spawn(async move { rebuild(source, &store, &url, settings()).await });
    let mut looked = 0;
    while !rebuilding.is_finished() {
        assert_eq!(count(&scene.database, "nullifiers").await, 3);
        assert_eq!(count(&scene.database, "merkle_leaves").await, 12);
        looked += 1;
    }
    rebuilding.await.unwrap().unwrap();
    assert!(looked > 0);
    assert_eq!(rows(&scene.database).await, before);
}
