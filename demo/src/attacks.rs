//! What must not work, tried for real.

use anyhow::{Context, Result, bail};
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

fn another_recipient(story: &mut Story) -> Result<()> {
    let Story {
        show,
        world,
        registry,
        holders,
        scope,
    } = story;
    let mut verify = world.prove(registry, &holders[1], scope);
    verify.recipient = world.next_keypair("thief").pubkey();
    expect(
        show,
        "a lifted proof, sent for another recipient",
        world.verify(&verify, &[]),
        "ProofRefused",
    )
}

fn expired(story: &mut Story) -> Result<()> {
    let Story {
        show,
        world,
        registry,
        holders,
        scope,
    } = story;
    let verify = world.prove(registry, &holders[2], scope);
    let mut later = world.clone();
    later.wait(verify.expiry - later.now() + 1);
    expect(
        show,
        "a proof a second past its expiry",
        later.verify(&verify, &[]),
        "ProofExpired",
    )
}

/// Somebody without a registered token builds a tree of their own that has their leaf, and proves against that.
fn non_member(story: &mut Story) -> Result<()> {
    let Story {
        show,
        world,
        registry,
        scope,
        ..
    } = story;
    let (mut own_world, mut own_registry) = (world.clone(), registry.clone());
    let outsider = own_world.holder(&mut own_registry, 1);
    let verify = own_world.prove(&own_registry, &outsider, scope);
    expect(
        show,
        "a non-member's proof against a tree of their own",
        world.verify(&verify, &[]),
        "NotTheSnapshot",
    )
}

fn another_cluster(story: &mut Story) -> Result<()> {
    let Story {
        show,
        world,
        registry,
        holders,
        scope,
    } = story;
    let here = scope.element;
    scope.element = Scope::derive(
        &seed("another cluster"),
        bauta::ID.as_array(),
        scope.address.as_array(),
    );
    let verify = world.prove(registry, &holders[3], scope);
    scope.element = here;
    expect(
        show,
        "a proof made for another cluster",
        world.verify(&verify, &[]),
        "ProofRefused",
    )
}

/// A scope whose gate is a consumer's PDA: nobody can burn a member's nullifier by calling `verify` directly.
fn around_the_gate(story: &mut Story) -> Result<()> {
    let Story {
        show,
        world,
        registry,
        holders,
        scope,
    } = story;
    let gate = world.next_keypair("the consumer's PDA").pubkey();
    let spec = ScopeSpec {
        circuit: Some(scope.circuit),
        gate: Some(gate),
        ..ScopeSpec::default()
    };
    let gated = world.create_scope(registry, &spec);
    let mut verify = world.prove(registry, &holders[4], &gated);
    verify.gate = None;
    expect(
        show,
        "a call around the scope's gate",
        world.verify(&verify, &[]),
        "GateMustSign",
    )
}

/// Claim, sell to yourself, register a new secret, claim again.
fn sold_to_oneself(story: &mut Story) -> Result<()> {
    let Story {
        show,
        world,
        registry,
        holders,
        scope,
    } = story;
    let seller = holders[5].clone();
    let verify = world.prove(registry, &seller, scope);
    let sent = world.verify(&verify, &[]).context("the first claim")?;
    show.accepted("a token's first claim", &sent);

    let buyer = world.person("the same person's other wallet");
    let moved = world.transfer_nft(&seller.nft, &buyer);
    world.wait(61);
    let (again, sent) = world
        .enter(registry, &moved, None, seller.track)
        .context("registering again")?;
    show.accepted("sold to oneself and registered with a new secret", &sent);
    let verify = world.prove(registry, &again, scope);
    expect(
        show,
        "and claimed again in the same scope",
        world.verify(&verify, &[]),
        "NotTheSnapshot",
    )
}
