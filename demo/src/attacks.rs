//! What must not work, tried for real.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bauta_client::instructions::Verify;
use bauta_client::{MembershipPath, ReferenceTree};
use bauta_primitives::Scope;
use bauta_primitives::tree::Depth;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::time::sleep;

use crate::{
    Story,
    chain::{Failure, Sent},
    show::Show,
    world::{Member, ScopeAt, expiry},
};

/// How often a token may register: seconds.
const REGISTRATION_INTERVAL: i64 = 60;

/// Tries each; the number refused.
pub async fn all(story: &mut Story, used: &Verify) -> Result<usize> {
    used_again(story, used).await?;
    another_recipient(story).await?;
    expired(story).await?;
    non_member(story).await?;
    another_cluster(story).await?;
    around_the_gate(story).await?;
    sold_to_oneself(story).await?;
    Ok(7)
}

/// Shows a refusal by the rule that it must be refused by; anything else is an error.
fn expect(show: &Show, what: &str, outcome: Result<Sent, Failure>, rule: &str) -> Result<()> {
    match outcome {
        Ok(_) => bail!("ACCEPTED, and must not be: {what}"),
        Err(Failure::Refused(name)) if name == rule => {
            show.refused(what, rule);
            Ok(())
        }
        Err(Failure::Refused(name)) => bail!("{what}: refused, but as {name} where the rule is {rule}"),
        Err(Failure::Unsent(error)) => Err(error.context(what.to_owned())),
    }
}

impl Story {
    /// Sends a verification that has to be refused by this rule.
    async fn expect_refused(&self, what: &str, verify: &Verify, rule: &str) -> Result<()> {
        let outcome = self.chain.send(&[verify.instruction()], &[]).await;
        expect(&self.show, what, outcome, rule)
    }
}

/// Sent past the node's trial: it gets into a block, where it fails.
async fn used_again(story: &Story, verify: &Verify) -> Result<()> {
    let outcome = story.chain.send_untried(&[verify.instruction()], &[]).await;
    let what = "the same proof again: its nullifier is used";
    expect(&story.show, what, outcome, "NullifierUsed")
}

async fn another_recipient(story: &Story) -> Result<()> {
    let mut verify = story.prove(1, &story.scope, expiry(&story.chain).await?).await?;
    verify.recipient = Keypair::new().pubkey();
    let what = "a lifted proof, sent for another recipient";
    story.expect_refused(what, &verify, "ProofRefused").await
}

async fn expired(story: &Story) -> Result<()> {
    let verify = story
        .prove(2, &story.scope, story.chain.time().await? - 1)
        .await?;
    let what = "a proof a second past its expiry";
    story.expect_refused(what, &verify, "ProofExpired").await
}

/// Somebody without a registered token builds a tree of their own that has their leaf, and proves against that.
async fn non_member(story: &Story) -> Result<()> {
    let nft = story.mint(0).await?;
    let outsider = Member::new(&story.registry, nft, 1);
    let own = ReferenceTree::from_leaves(Depth::Ten, [outsider.leaf()])?;
    let path = MembershipPath::in_tree(&own, 0)?;
    let (payer, scope) = (story.chain.payer.pubkey(), &story.scope);
    let verify = story.circuit.prove(
        payer,
        &outsider,
        path,
        own.root(),
        scope,
        expiry(&story.chain).await?,
    )?;
    let what = "a non-member's proof against a tree of their own";
    story.expect_refused(what, &verify, "NotTheSnapshot").await
}

async fn another_cluster(story: &Story) -> Result<()> {
    let there = ScopeAt {
        element: Scope::derive(&[9; 32], bauta::ID.as_array(), story.scope.address.as_array()),
        ..story.scope
    };
    let verify = story.prove(3, &there, expiry(&story.chain).await?).await?;
    let what = "a proof made for another cluster";
    story.expect_refused(what, &verify, "ProofRefused").await
}

/// A scope whose gate is a consumer's PDA: nobody can burn a member's nullifier by calling `verify` directly.
async fn around_the_gate(story: &mut Story) -> Result<()> {
    let gate = Some(Keypair::new().pubkey());
    let created = story
        .registry
        .create_scope(&story.chain, &story.circuit, 2, gate)
        .await?;
    let (gated, sent) = created;
    story.database.reach(sent.slot).await?;
    let mut verify = story.prove(4, &gated, expiry(&story.chain).await?).await?;
    verify.gate = None;
    let what = "a call around the scope's gate";
    story.expect_refused(what, &verify, "GateMustSign").await
}

/// Claim, sell to yourself, register a new secret, claim again.
async fn sold_to_oneself(story: &mut Story) -> Result<()> {
    const SELLER: usize = 5;
    let verify = story
        .prove(SELLER, &story.scope, expiry(&story.chain).await?)
        .await?;
    let sent = story.chain.send(&[verify.instruction()], &[]).await;
    let sent = sent.map_err(anyhow::Error::from).context("the first claim")?;
    story.show.accepted("a token's first claim", &sent);

    let seller = &story.members[SELLER];
    let track = seller.track;
    let nft = story
        .tokens
        .transfer(&story.chain, &seller.nft, Keypair::new())
        .await?;
    wait(story, SELLER).await?;
    let path = story.current_path(SELLER).await?;
    let buyer = Member::new(&story.registry, nft, track);
    let group = story.groups[SELLER % story.groups.len()];
    let sent = story
        .registry
        .register(&story.chain, group, &buyer, Some(&path))
        .await;
    let sent = sent.map_err(anyhow::Error::from).context("registering again")?;
    story
        .show
        .accepted("sold to oneself and registered with a new secret", &sent);
    story.database.reach(sent.slot).await?;
    story.members[SELLER] = buyer;

    // The new leaf is in the tree of now, not in that of the scope.
    let path = story.current_path(SELLER).await?;
    let member = &story.members[SELLER];
    let root = path.root(member.leaf())?;
    let (payer, scope) = (story.chain.payer.pubkey(), &story.scope);
    let verify = story
        .circuit
        .prove(payer, member, path, root, scope, expiry(&story.chain).await?)?;
    let what = "and claimed again in the same scope";
    story.expect_refused(what, &verify, "NotTheSnapshot").await
}

/// Lets time pass on the chain, until a holder's token may register again.
async fn wait(story: &Story, holder: usize) -> Result<()> {
    let (_, holding) = story.holding(holder).await?;
    loop {
        let left = holding.last_change + REGISTRATION_INTERVAL + 1 - story.chain.time().await?;
        if left <= 0 {
            story.show.progressed();
            return Ok(());
        }
        story
            .show
            .progress(&format!("a token registers once a minute at most: {left} s left"));
        sleep(Duration::from_millis(500)).await;
    }
}
