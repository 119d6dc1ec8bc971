//! Tests of refused reuses of a nullifier, which are only counted.

use bauta_indexing::chain::{InnerInstruction, Instruction};
use bauta_indexing::testing::{TestChain, named, verify_instruction};
use solana_address::Address;
use sqlx::Row;

use crate::support::{Fixture, count, small_chain};

/// Returns an instruction of a consumer program.
fn consumer() -> Instruction {
    Instruction {
        program: Address::from([5; 32]),
        accounts: Vec::new(),
        data: vec![1],
    }
}

/// Returns the inner instruction with which a program invokes `instruction`.
fn invoked(instruction: Instruction) -> InnerInstruction {
    InnerInstruction {
        outer_index: 0,
        inner_index: 0,
        program: instruction.program,
        accounts: instruction.accounts,
        data: instruction.data,
    }
}

async fn refused_count(fixture: &Fixture) -> i64 {
    sqlx::query("SELECT coalesce(sum(refused), 0)::bigint FROM verifications_by_hour")
        .fetch_one(fixture.database.pool())
        .await
        .unwrap()
        .get(0)
}

/// Returns a chain with two refused reuses: one of a direct `verify`, one of a `verify` that a
/// consumer program invoked.
fn with_two_refusals() -> TestChain {
    let mut chain = small_chain();
    chain.fail_as_reused(verify_instruction(named("scope"), 7), vec![]);
    chain.fail_as_reused(consumer(), vec![invoked(verify_instruction(named("scope"), 8))]);
    chain
}

#[tokio::test]
async fn a_refused_reuse_is_only_counted() {
    let mut fixture = Fixture::new(&with_two_refusals()).await;
    fixture.settle().await;
    fixture.settle().await;
    assert_eq!(refused_count(&fixture).await, 2);
    assert_eq!(count(&fixture.database, "nullifiers").await, 3);
    assert_eq!(count(&fixture.database, "verifications").await, 3);
}

#[tokio::test]
async fn another_failure_with_the_same_error_code_is_not_counted() {
    let (scope, registry) = (named("scope"), named("registry"));
    let mut chain = small_chain();
    // `verify` succeeded, and the consumer program failed after it.
    let verified = chain.verified(scope, registry, 7);
    chain.fail_as_reused(consumer(), vec![invoked(verify_instruction(scope, 7)), verified]);
    // Another program fails with the same error code and the same instruction data.
    let foreign = Instruction {
        program: Address::from([6; 32]),
        ..verify_instruction(scope, 7)
    };
    chain.fail_as_reused(foreign.clone(), vec![]);
    chain.fail_as_reused(consumer(), vec![invoked(foreign)]);
    // The instruction data is truncated, so it is not a `verify`.
    let mut truncated = verify_instruction(scope, 7);
    truncated.data.truncate(40);
    chain.fail_as_reused(truncated, vec![]);
    // The transaction fails with another error.
    chain.send_failing(vec![invoked(verify_instruction(scope, 7))]);
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    assert_eq!(refused_count(&fixture).await, 0);
}

#[tokio::test]
async fn a_fork_without_a_refused_reuse_removes_it_from_the_count() {
    let before = small_chain();
    let mut fixture = Fixture::new(&with_two_refusals()).await;
    fixture.settle().await;
    let mut chain = before.forked();
    chain.wait(3);
    fixture.source.set_chain(&chain);
    // An absence counts when it is found a second time.
    fixture.settle().await;
    fixture.settle().await;
    assert_eq!(refused_count(&fixture).await, 0);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_refused_reuse_that_is_listed_late_is_counted() {
    let mut chain = small_chain();
    let missing = chain.fail_as_reused(verify_instruction(named("scope"), 7), vec![]);
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted.insert(missing);
    fixture.settle().await;
    assert_eq!(refused_count(&fixture).await, 0);
    fixture.source.state().omitted.clear();
    fixture.settle().await;
    assert_eq!(refused_count(&fixture).await, 1);
    fixture.assert_equals_new_database(&chain).await;
}
