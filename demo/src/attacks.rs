//! Attacks that the program must refuse. Each is sent to a real node.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bauta::state::ScopeMode;
use bauta_client::ReferenceTree;
use bauta_client::instructions::Verify;
use bauta_primitives::Scope;
use bauta_primitives::tree::Depth;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::time::sleep;

use crate::{
    chain::{Failure, Sent},
    output::Output,
    protocol::{Member, ProofRequest, ScopeAccount, expiry},
    scenario::Scenario,
};

/// The minimum time between two registrations of a token, in seconds.
const REGISTRATION_INTERVAL: i64 = 60;

/// Tries all attacks. Returns the number of refused ones.
pub async fn try_all(scenario: &mut Scenario, used: &Verify) -> Result<usize> {
    used_again(scenario, used).await?;
    another_recipient(scenario).await?;
    expired(scenario).await?;
    non_member(scenario).await?;
    another_cluster(scenario).await?;
    around_the_gate(scenario).await?;
    sold_to_oneself(scenario).await?;
    Ok(7)
}

/// Prints a refusal. Returns an error if the outcome is not a refusal by the expected rule.
fn expect(output: &Output, what: &str, outcome: Result<Sent, Failure>, rule: &str) -> Result<()> {
    match outcome {
        Ok(_) => bail!("the program accepted what it must refuse: {what}"),
        Err(Failure::Refused(name)) if name == rule => {
            output.refused(what, rule);
            Ok(())
        }
        Err(Failure::Refused(name)) => {
            bail!("{what}: refused by the rule {name}, but the expected rule is {rule}")
        }
        Err(Failure::Failed(error)) => Err(error.context(what.to_owned())),
    }
}

impl Scenario {
    /// Sends a verification and expects its refusal by a rule.
    async fn expect_refused(&self, what: &str, verify: &Verify, rule: &str) -> Result<()> {
        let outcome = self.chain.send(&[verify.instruction()], &[]).await;
        expect(&self.output, what, outcome, rule)
    }
}

/// The node's preflight check is skipped, so the transaction gets into a block, where it fails.
async fn used_again(scenario: &Scenario, verify: &Verify) -> Result<()> {
    let outcome = scenario
        .chain
        .send_without_preflight(&[verify.instruction()], &[])
        .await;
    let what = "the same proof again (its nullifier is used)";
    expect(&scenario.output, what, outcome, "NullifierUsed")
}

async fn another_recipient(scenario: &Scenario) -> Result<()> {
    let mut verify = scenario
        .prove(1, &scenario.scope, expiry(&scenario.chain).await?)
        .await?;
    verify.recipient = Keypair::new().pubkey();
    let what = "a copied proof with another recipient";
    scenario.expect_refused(what, &verify, "ProofRefused").await
}

async fn expired(scenario: &Scenario) -> Result<()> {
    let verify = scenario
        .prove(2, &scenario.scope, scenario.chain.time().await? - 1)
        .await?;
    let what = "a proof one second after its expiry";
    scenario.expect_refused(what, &verify, "ProofExpired").await
}

/// Someone without a registered token makes a tree that contains their own leaf, and a proof for
/// that tree.
async fn non_member(scenario: &Scenario) -> Result<()> {
    let nft = scenario.mint(0).await?;
    let outsider = Member::new(&scenario.registry, nft, 1);
    let own = ReferenceTree::from_leaves(Depth::Ten, [outsider.leaf()])?;
    let path = own.path(0)?;
    let (payer, scope) = (scenario.chain.payer.pubkey(), &scenario.scope);
    let verify = scenario.circuit.prove(ProofRequest {
        payer,
        relayer: None,
        member: &outsider,
        path,
        root: own.root(),
        scope,
        expiry: expiry(&scenario.chain).await?,
    })?;
    let what = "a non-member's proof for a self-made tree";
    scenario.expect_refused(what, &verify, "NotTheSnapshot").await
}

async fn another_cluster(scenario: &Scenario) -> Result<()> {
    let there = ScopeAccount {
        element: Scope::derive(&[9; 32], bauta::ID.as_array(), scenario.scope.address.as_array()),
        ..scenario.scope
    };
    let verify = scenario.prove(3, &there, expiry(&scenario.chain).await?).await?;
    let what = "a proof made for another cluster";
    scenario.expect_refused(what, &verify, "ProofRefused").await
}

/// The scope's gate is a PDA of a consumer program. No one can use up a member's nullifier by
/// calling `verify` directly.
async fn around_the_gate(scenario: &mut Scenario) -> Result<()> {
    let gate = Some(Keypair::new().pubkey());
    let created = scenario
        .registry
        .create_scope(&scenario.chain, &scenario.circuit, 2, ScopeMode::Snapshot, gate)
        .await?;
    let (gated, sent) = created;
    scenario.database.reach(sent.slot).await?;
    let mut verify = scenario.prove(4, &gated, expiry(&scenario.chain).await?).await?;
    verify.gate = None;
    let what = "a call that bypasses the scope's gate";
    scenario.expect_refused(what, &verify, "GateMustSign").await
}

/// Verifies with a token, sells the token to its owner, registers a new secret, and verifies again.
async fn sold_to_oneself(scenario: &mut Scenario) -> Result<()> {
    // The owner of a token of the Token-2022 group, which a real program transfers.
    const SELLER: usize = 6;
    let verify = scenario
        .prove(SELLER, &scenario.scope, expiry(&scenario.chain).await?)
        .await?;
    let sent = scenario.chain.send(&[verify.instruction()], &[]).await;
    let sent = sent
        .map_err(anyhow::Error::from)
        .context("the first verification")?;
    scenario.output.accepted("first verification with a token", &sent);

    let seller = &scenario.members[SELLER];
    let track = seller.track;
    let nft = scenario
        .tokens
        .transfer(&scenario.chain, &seller.nft, Keypair::new())
        .await?;
    skip_registration_interval(scenario, SELLER).await?;
    let path = scenario.current_path(SELLER).await?;
    let buyer = Member::new(&scenario.registry, nft, track);
    let sent = scenario
        .registry
        .register(&scenario.chain, &buyer, Some(&path))
        .await;
    let sent = sent.map_err(anyhow::Error::from).context("registering again")?;
    scenario
        .output
        .accepted("token sold to its owner, registered again", &sent);
    scenario.database.reach(sent.slot).await?;
    scenario.members[SELLER] = buyer;

    // The new leaf is in the current tree, but not in the tree of the scope.
    let path = scenario.current_path(SELLER).await?;
    let member = &scenario.members[SELLER];
    let root = path.root(member.leaf());
    let (payer, scope) = (scenario.chain.payer.pubkey(), &scenario.scope);
    let verify = scenario.circuit.prove(ProofRequest {
        payer,
        relayer: None,
        member,
        path,
        root,
        scope,
        expiry: expiry(&scenario.chain).await?,
    })?;
    let what = "second verification with it in the same scope";
    scenario.expect_refused(what, &verify, "NotTheSnapshot").await
}

/// Moves the chain's clock to the time at which a holder's token may register again.
async fn skip_registration_interval(scenario: &Scenario, holder: usize) -> Result<()> {
    let (_, holding) = scenario.holding(holder).await?;
    let target = holding.last_change + REGISTRATION_INTERVAL + 1;
    scenario.chain.advance_clock(target).await?;
    scenario
        .output
        .fact("the local chain's clock moved forward by, at most", "60 s");
    loop {
        let left = target - scenario.chain.time().await?;
        if left <= 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(200)).await;
    }
}
