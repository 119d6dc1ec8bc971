//! Second uses of a nullifier: only counted, and exactly.

use bauta_indexer::chain::{Call, InnerCall};
use bauta_indexer::testing::{Chain, named, verify_call};
use solana_address::Address;
use sqlx::Row;

use crate::support::{Scene, count, small_chain};

/// A consumer program's instruction.
fn consumer() -> Call {
    Call {
        program: Address::from([5; 32]),
        accounts: Vec::new(),
        data: vec![1],
    }
}

fn called(call: Call) -> InnerCall {
    InnerCall {
        instruction: 0,
        position: 0,
        program: call.program,
        accounts: call.accounts,
        data: call.data,
    }
}

async fn refused(scene: &Scene) -> i64 {
    sqlx::query("SELECT coalesce(sum(refused), 0)::bigint FROM verifications_by_hour")
        .fetch_one(scene.database.pool())
        .await
        .unwrap()
        .get(0)
}

/// Uses refused by `verify` itself, sent directly and called by a consumer program.
fn with_two_refusals() -> Chain {
    let mut chain = small_chain();
    chain.fail_as_used(verify_call(named("scope"), 7), vec![]);
    chain.fail_as_used(consumer(), vec![called(verify_call(named("scope"), 8))]);
    chain
}

#[tokio::test]
async fn a_refused_reuse_is_counted_and_nothing_else_happens() {
    let mut scene = Scene::of(&with_two_refusals()).await;
    scene.settle().await;
    scene.settle().await;
    assert_eq!(refused(&scene).await, 2);
    assert_eq!(count(&scene.database, "nullifiers").await, 3);
    assert_eq!(count(&scene.database, "verifications").await, 3);
}

#[tokio::test]
async fn a_failure_with_the_same_code_that_is_no_refusal_is_not_counted() {
    let (scope, registry) = (named("scope"), named("registry"));
    let mut chain = small_chain();
    // verify succeeded, and the consumer program failed afterwards
    let verified = chain.verified(scope, registry, 7);
    chain.fail_as_used(consumer(), vec![called(verify_call(scope, 7)), verified]);
    // another program with the same code, and the same bytes
    let foreign = Call {
        program: Address::from([6; 32]),
        ..verify_call(scope, 7)
    };
    chain.fail_as_used(foreign.clone(), vec![]);
    chain.fail_as_used(consumer(), vec![called(foreign)]);
    // bytes that are no verify
    let mut cut = verify_call(scope, 7);
    cut.data.truncate(40);
    chain.fail_as_used(cut, vec![]);
    // a failure of another kind
    chain.send_failing(vec![called(verify_call(scope, 7))]);
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    assert_eq!(refused(&scene).await, 0);
}

#[tokio::test]
async fn a_fork_without_a_refusal_takes_it_back() {
    let before = small_chain();
    let mut scene = Scene::of(&with_two_refusals()).await;
    scene.settle().await;
    let mut chain = before.forked();
    chain.wait(3);
    scene.source.follow(&chain);
    // an absence is believed the second time
    scene.settle().await;
    scene.settle().await;
    assert_eq!(refused(&scene).await, 0);
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_refusal_that_a_list_hid_is_counted_once_it_is_listed() {
    let mut chain = small_chain();
    let hidden = chain.fail_as_used(verify_call(named("scope"), 7), vec![]);
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    scene.source.state().hidden.insert(hidden);
    scene.settle().await;
    assert_eq!(refused(&scene).await, 0);
    scene.source.state().hidden.clear();
    scene.settle().await;
    assert_eq!(refused(&scene).await, 1);
    scene.assert_like_fresh(&chain).await;
}
