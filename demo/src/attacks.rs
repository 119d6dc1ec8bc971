//! What must not work, tried for real.

use anyhow::{Context, Result, bail};
use bauta_client::instructions::Verify;
use bauta_primitives::Scope;
use bauta_svm::{Refused, ScopeSpec, Sent, seed};
use solana_signer::Signer;

use crate::Story;
use crate::show::Show;

/// Tries each; the number refused, with the one of the story's main line.
pub fn all(story: &mut Story) -> Result<usize> {
    let attacks: [fn(&mut Story) -> Result<()>; 6] = [
        another_recipient,
        expired,
        non_member,
        another_cluster,
        around_the_gate,
        sold_to_oneself,
    ];
    for attack in attacks {
        attack(story)?;
    }
    Ok(1 + attacks.len())
}

/// Shows a refusal by the rule that it must be refused by; anything else is an error.
pub fn expect(show: &Show, what: &str, outcome: Result<Sent, Refused>, rule: &str) -> Result<()> {
    match outcome {
        Ok(_) => bail!("ACCEPTED, and must not be: {what}"),
        Err(refused) if refused.name() == rule => {
            show.refused(what, rule);
            Ok(())
        }
        Err(refused) => bail!(
            "{what}: refused, but as {} where the rule is {rule}",
            refused.name()
        ),
    }
}

impl Story {
    /// A proof of one of the holders, as the registry is now.
    fn proof_of(&mut self, holder: usize) -> Verify {
        self.world
            .prove(&self.registry, &self.holders[holder], &self.scope)
    }

    /// Sends a verification that has to be refused by this rule.
    fn expect_refused(&mut self, what: &str, verify: &Verify, rule: &str) -> Result<()> {
        expect(&self.show, what, self.world.verify(verify, &[]), rule)
    }
}

fn another_recipient(story: &mut Story) -> Result<()> {
    let mut verify = story.proof_of(1);
    verify.recipient = story.world.next_keypair("thief").pubkey();
    story.expect_refused(
        "a lifted proof, sent for another recipient",
        &verify,
        "ProofRefused",
    )
}

fn expired(story: &mut Story) -> Result<()> {
    let verify = story.proof_of(2);
    let mut later = story.world.clone();
    later.wait(verify.expiry - later.now() + 1);
    expect(
        &story.show,
        "a proof a second past its expiry",
        later.verify(&verify, &[]),
        "ProofExpired",
    )
}

/// Somebody without a registered token builds a tree of their own that has their leaf, and proves against that.
fn non_member(story: &mut Story) -> Result<()> {
    let (mut own_world, mut own_registry) = (story.world.clone(), story.registry.clone());
    let outsider = own_world.holder(&mut own_registry, 1);
    let verify = own_world.prove(&own_registry, &outsider, &story.scope);
    story.expect_refused(
        "a non-member's proof against a tree of their own",
        &verify,
        "NotTheSnapshot",
    )
}

fn another_cluster(story: &mut Story) -> Result<()> {
    let here = story.scope.element;
    story.scope.element = Scope::derive(
        &seed("another cluster"),
        bauta::ID.as_array(),
        story.scope.address.as_array(),
    );
    let verify = story.proof_of(3);
    story.scope.element = here;
    story.expect_refused("a proof made for another cluster", &verify, "ProofRefused")
}

/// A scope whose gate is a consumer's PDA: nobody can burn a member's nullifier by calling `verify` directly.
fn around_the_gate(story: &mut Story) -> Result<()> {
    let gate = story.world.next_keypair("the consumer's PDA").pubkey();
    let spec = ScopeSpec {
        circuit: Some(story.scope.circuit),
        gate: Some(gate),
        ..ScopeSpec::default()
    };
    let gated = story.world.create_scope(&story.registry, &spec);
    let mut verify = story.world.prove(&story.registry, &story.holders[4], &gated);
    verify.gate = None;
    story.expect_refused("a call around the scope's gate", &verify, "GateMustSign")
}

/// Claim, sell to yourself, register a new secret, claim again.
fn sold_to_oneself(story: &mut Story) -> Result<()> {
    let verify = story.proof_of(5);
    let sent = story.world.verify(&verify, &[]).context("the first claim")?;
    story.show.accepted("a token's first claim", &sent);

    let seller = story.holders[5].clone();
    let buyer = story.world.person("the same person's other wallet");
    let moved = story.world.transfer_nft(&seller.nft, &buyer);
    story.world.wait(61);
    let (again, sent) = story
        .world
        .enter(&mut story.registry, &moved, None, seller.track)
        .context("registering again")?;
    story
        .show
        .accepted("sold to oneself and registered with a new secret", &sent);
    let verify = story.world.prove(&story.registry, &again, &story.scope);
    story.expect_refused("and claimed again in the same scope", &verify, "NotTheSnapshot")
}
