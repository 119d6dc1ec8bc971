//! The main job end to end, in a local Solana VM with the program's real ELF and real tokens: holders register, one of
//! them proves, the program accepts the proof once and refuses the attacks. `cargo xtask demo` runs it.

mod attacks;
mod show;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bauta_svm::{Elf, Member, ScopeSpec, TestRegistry, TestScope, World};
use show::{Show, grouped};

/// Holders in the story.
const HOLDERS: usize = 300;
/// Their tracks: every holder has one of these, so each hides among a third of them.
const TRACKS: [u64; 3] = [1, 2, 3];

/// A world after its first chapters.
struct Story {
    show: Show,
    world: World,
    registry: TestRegistry,
    holders: Vec<Member>,
    scope: TestScope,
}

fn main() -> ExitCode {
    let began = Instant::now();
    match tell(began) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tell(began: Instant) -> Result<()> {
    let mut story = Story::begin()?;
    story.prove_once()?;
    let refused = attacks::all(&mut story)?;
    story.show.chapter("Done");
    story.show.conclude(&format!(
        "{HOLDERS} holders, one anonymous proof accepted, {refused} attacks refused, in {:.1} s.",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

impl Story {
    /// The chain, the circuit, the holders and a scope.
    fn begin() -> Result<Self> {
        let show = Show::new();
        show.chapter("1. A chain with the program");
        let elf = Elf::Chosen.read();
        let start = Instant::now();
        let mut world = World::new();
        show.fact("program", bauta::ID);
        show.fact(
            "ELF, run by a real Solana VM (not native code)",
            format!("{} bytes", grouped(elf.len() as u64)),
        );
        show.fact(
            "loaded and initialised by its upgrade authority in",
            format!("{:.1} s", start.elapsed().as_secs_f64()),
        );

        show.chapter("2. The circuit's verifying key goes on chain");
        let start = Instant::now();
        let circuit = world.register_ownership().context("register_circuit")?;
        show.fact("statement", "ownership, version 1, depth 10 (1,048,576 entries)");
        show.fact(
            "key set up or read, prepared and registered in",
            format!("{:.1} s", start.elapsed().as_secs_f64()),
        );
        show.warn(bauta_circuits::keys::DEVELOPMENT_WARNING);

        show.chapter(&format!(
            "3. {HOLDERS} holders of real NFTs register a commitment"
        ));
        let mut registry = world.create_registry(bauta_svm::RegistrySpec::default());
        let start = Instant::now();
        let mut holders = Vec::with_capacity(HOLDERS);
        let mut most = (0, 0);
        for (number, track) in (1..=HOLDERS).zip(TRACKS.into_iter().cycle()) {
            let owner = world.person("holder");
            let nft = world.mint_nft(&owner);
            world
                .add_collection(&registry, &nft.mint, false, track)
                .context("add_collection")?;
            let (member, sent) = world
                .enter(&mut registry, &nft, None, track)
                .context("register_holder")?;
            most = most.max((sent.compute_units, sent.transaction_bytes));
            holders.push(member);
            show.progress(&format!("{number} of {HOLDERS}"));
        }
        show.progressed();
        let seconds = start.elapsed().as_secs_f64();
        show.fact(
            "tokens minted, listed and registered in",
            format!("{seconds:.1} s"),
        );
        show.fact(
            "register_holder, at most",
            format!("{} CU, {} bytes", grouped(most.0), most.1),
        );
        ensure!(
            world.registry_state(&registry).root == registry.root().to_bytes(),
            "the program's root differs from the reference tree's"
        );
        show.fact(
            "the program's root equals a plain reference tree's",
            format!("{:.18}...", registry.root().to_string()),
        );

        show.chapter("4. A scope: once per token, at the root of now (Snapshot)");
        let scope = world.create_scope(
            &registry,
            &ScopeSpec {
                circuit: Some(circuit),
                ..ScopeSpec::default()
            },
        );
        show.fact("scope account", scope.address);
        Ok(Self {
            show,
            world,
            registry,
            holders,
            scope,
        })
    }

    /// One holder proves, from an address that nothing links to the token.
    fn prove_once(&mut self) -> Result<()> {
        let Self {
            show,
            world,
            registry,
            holders,
            scope,
        } = self;
        show.chapter("5. One of them proves, and says not which");
        let member = &holders[137];
        let start = Instant::now();
        let verify = world.prove(registry, member, scope);
        show.fact(
            "proof made in",
            format!("{:.0} ms", start.elapsed().as_secs_f64() * 1e3),
        );
        show.fact(
            "what goes on chain: a proof of",
            format!("{} bytes", verify.proof.len()),
        );
        show.fact("  a claim: the holder's track", member.track);
        show.fact(
            "  a nullifier",
            format!("{:.18}...", verify.nullifier.to_string()),
        );
        show.fact("  a recipient", verify.recipient);
        let sent = world.verify(&verify, &[]).context("the member's proof")?;
        show.accepted("verify", &sent);
        let anonymous = holders.iter().filter(|other| other.track == member.track).count();
        show.fact("holders on that track, any of whom it may have been", anonymous);
        show.chapter("6. What is refused");
        let again = world.verify(&verify, &[]);
        attacks::expect(
            show,
            "the same proof again: its nullifier is used",
            again,
            "NullifierUsed",
        )
    }
}
