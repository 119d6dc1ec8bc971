//! The scenario of the demo: a chain and a database with registered holders and a scope.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bauta::state::{CollectionKind, ScopeMode};
use bauta_client::instructions::Verify;
use bauta_client::{ReferenceTree, decode_account};
use bauta_primitives::tree::{Depth, MembershipPath};
use bauta_store::{Holding, Slot};
use futures_util::{StreamExt, TryStreamExt, stream};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::time::{sleep, timeout};

use crate::chain::{Chain, Sent};
use crate::database::Database;
use crate::output::{Output, grouped};
use crate::protocol::{Circuit, Member, ProofRequest, Registry, ScopeAccount, expiry};
use crate::tokens::{Collection, Nft, Tokens};

/// Number of holders.
pub const HOLDERS: usize = 300;
/// The tracks. Each holder has one of them, so each holder is anonymous among a third of the
/// holders.
pub const TRACKS: [u64; 3] = [1, 2, 3];
/// The kinds of the collections, one for each track.
const KINDS: [CollectionKind; 3] = [
    CollectionKind::Group,
    CollectionKind::TokenMetadata,
    CollectionKind::Core,
];
/// Number of concurrent transactions.
const CONCURRENCY: usize = 32;
/// Time limit for an event to reach Postgres.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Interval at which Postgres is read.
const POLL: Duration = Duration::from_millis(10);
/// Index of the holder who makes the proof. It is the owner of a Core asset.
const PROVER: usize = 137;

/// A chain and a database with registered holders and a scope.
pub struct Scenario {
    pub output: Output,
    pub chain: Chain,
    pub database: Database,
    pub tokens: Tokens,
    /// The collections, one for each track.
    pub collections: Vec<Collection>,
    pub circuit: Circuit,
    pub registry: Registry,
    pub members: Vec<Member>,
    pub scope: ScopeAccount,
}

impl Scenario {
    /// Starts the scenario: the chain, the circuit, the holders and a scope.
    pub async fn start() -> Result<Self> {
        let output = Output::new();
        output.heading("1. Start: a chain with the program, and a database");
        let chain = Chain::from_environment()?;
        let program = chain.account(&bauta::ID).await?;
        ensure!(program.executable, "there is no program at {}", bauta::ID);
        output.fact("node (JSON-RPC)", chain.rpc.host());
        output.fact("program", bauta::ID);
        output.fact("admin of the program, who pays all fees", chain.payer.pubkey());
        let mut database = Database::start().await?;
        output.fact("an indexer writes the events of the chain to", "Postgres");

        output.heading("2. Register the circuit's verifying key on chain");
        let start = Instant::now();
        let circuit = Circuit::register(&chain).await?;
        circuit.prepare()?;
        output.fact("statement", "ownership, version 1, depth 10 (1,048,576 entries)");
        output.fact("key loaded, prepared and registered in", seconds(start));
        output.warn(bauta_circuits::keys::DEVELOPMENT_WARNING);

        output.heading(&format!(
            "3. {HOLDERS} holders of three types of NFTs register, with one commitment each"
        ));
        let tokens = Tokens::new(&chain).await?;
        let registry = Registry::create(&chain, 1).await?;
        let mut collections = Vec::new();
        for (track, kind) in TRACKS.into_iter().zip(KINDS) {
            let collection = tokens.create_collection(&chain, kind, HOLDERS as u64).await?;
            registry.add_collection(&chain, &collection, track).await?;
            output.fact(&format!("collection of track {track}"), collection.name());
            collections.push(collection);
        }
        let start = Instant::now();
        let nfts = mint_all(&output, &chain, &tokens, &collections).await?;
        output.fact("minted in", seconds(start));
        let (members, last) = register_all(&output, &chain, &registry, &collections, nfts).await?;

        let start = Instant::now();
        database.reach(last).await?;
        output.fact("Postgres is up to date after", seconds(start));
        let root = check_roots(&chain, &database, &registry, &members).await?;
        output.fact(
            "root, equal in program, Postgres and reference tree",
            format!("{root:.18}..."),
        );

        output.heading("4. Create a scope (Snapshot): one verification per token, at the current root");
        let (scope, sent) = registry
            .create_scope(&chain, &circuit, 1, ScopeMode::Snapshot, None)
            .await?;
        database.reach(sent.slot).await?;
        output.fact("scope account", scope.address);
        Ok(Self {
            output,
            chain,
            database,
            tokens,
            collections,
            circuit,
            registry,
            members,
            scope,
        })
    }

    /// One holder makes a proof. The recipient is a new address, which nothing links to the token.
    pub async fn prove_once(&mut self) -> Result<Verify> {
        let output = &self.output;
        output.heading("5. One holder makes an anonymous proof");
        let start = Instant::now();
        let verify = self
            .prove(PROVER, &self.scope, expiry(&self.chain).await?)
            .await?;
        output.fact("path read from Postgres and proof made in", milliseconds(start));
        output.fact(
            "published on chain: a proof of",
            format!("{} bytes", verify.proof.len()),
        );
        output.fact("  a claim: the holder's track", self.members[PROVER].track);
        output.fact(
            "  a nullifier",
            format!("{:.18}...", verify.nullifier.to_string()),
        );
        output.fact("  a recipient", verify.recipient);
        let start = Instant::now();
        let sent = self.chain.send(&[verify.instruction()], &[]).await;
        let sent = sent
            .map_err(anyhow::Error::from)
            .context("the verification of the member's proof")?;
        output.accepted("verify", &sent);
        output.fact("transaction confirmed by the cluster in", milliseconds(start));

        let start = Instant::now();
        self.database.reach(sent.slot).await?;
        let store = &self.database.store;
        let scope = store.scope(self.scope.address).await?;
        let used = store.nullifier(&scope, verify.nullifier).await?;
        let used = used.context("the nullifier is not in Postgres")?;
        ensure!(
            used.signature == sent.signature,
            "another transaction used the nullifier"
        );
        output.fact("the event is in Postgres after", milliseconds(start));
        let track = used.track.context("the nullifier has no track")?;
        output.fact(
            "  table nullifiers: transaction and track",
            format!("track {track}"),
        );
        let [verification] = store.verifications(&scope, None, 1).await?[..] else {
            anyhow::bail!("the verification is not in Postgres");
        };
        let registry = store.registry(self.registry.address).await?;
        let set = store.anonymity_set(&registry, track).await?;
        output.fact(
            "  table verifications: track and time, no wallet",
            format!("number {}", verification.id),
        );
        output.fact(
            "  anonymity set of the track: owners who could have made the proof",
            set,
        );
        Ok(verify)
    }

    /// Waits until the nullifier of an accepted verification is in Postgres.
    pub async fn reach_nullifier(&self, verify: &Verify) -> Result<()> {
        let store = &self.database.store;
        let stored = async {
            loop {
                let scope = store.scope(verify.scope).await?;
                if store.nullifier(&scope, verify.nullifier).await?.is_some() {
                    return Ok(());
                }
                sleep(POLL).await;
            }
        };
        let stored = timeout(TIMEOUT, stored).await;
        stored.context("the nullifier is not in Postgres")?
    }

    /// Makes a proof of a holder for a scope's root, with a path from Postgres.
    pub async fn prove(&self, holder: usize, scope: &ScopeAccount, expiry: i64) -> Result<Verify> {
        let member = &self.members[holder];
        let kept = self.database.store.scope(scope.address).await?;
        let root = kept.root.context("a scope of mode Snapshot has a root")?;
        let path = self.path(holder, root).await?;
        self.circuit.prove(ProofRequest {
            payer: self.chain.payer.pubkey(),
            relayer: None,
            member,
            path,
            root,
            scope,
            expiry,
        })
    }

    /// Returns the path of a holder's leaf at the current root.
    pub async fn current_path(&self, holder: usize) -> Result<MembershipPath> {
        let store = &self.database.store;
        let registry = store.registry(self.registry.address).await?;
        let roots = store.valid_roots(&registry, self.chain.time().await?).await?;
        let root = roots.first().context("the registry has no root")?.root;
        self.path(holder, root).await
    }

    async fn path(&self, holder: usize, root: bauta_primitives::Root) -> Result<MembershipPath> {
        let (registry, holding) = self.holding(holder).await?;
        let now = self.chain.time().await?;
        self.database.path(&registry, root, holding.index, now).await
    }

    /// Returns the registry and a holder's token as stored in Postgres.
    pub async fn holding(&self, holder: usize) -> Result<(bauta_store::Registry, Holding)> {
        let store = &self.database.store;
        let registry = store.registry(self.registry.address).await?;
        let mint = self.members[holder].nft.mint;
        let holding = store.holding(&registry, mint).await?;
        Ok((registry, holding.context("the holder is not in Postgres")?))
    }

    /// Creates a token of a collection for a new owner.
    pub async fn mint(&self, collection: usize) -> Result<Nft> {
        self.tokens
            .mint(&self.chain, &self.collections[collection], Keypair::new())
            .await
    }
}

async fn mint_all(
    output: &Output,
    chain: &Chain,
    tokens: &Tokens,
    collections: &[Collection],
) -> Result<Vec<Nft>> {
    let minting = stream::iter(0..HOLDERS)
        .map(|number| tokens.mint(chain, &collections[number % collections.len()], Keypair::new()))
        .buffered(CONCURRENCY);
    let minted = minting.enumerate().map(|(number, nft)| {
        output.progress(&format!("minted {} of {HOLDERS}", number + 1));
        nft
    });
    let nfts = minted.try_collect().await;
    output.clear_progress();
    nfts
}

/// Registers all holders, many at the same time. Returns the members and the last slot.
async fn register_all(
    output: &Output,
    chain: &Chain,
    registry: &Registry,
    collections: &[Collection],
    nfts: Vec<Nft>,
) -> Result<(Vec<Member>, Slot)> {
    let start = Instant::now();
    let tracks = TRACKS.into_iter().cycle();
    let members = nfts
        .into_iter()
        .zip(tracks)
        .map(|(nft, track)| Member::new(registry, nft, track));
    let members: Vec<Member> = members.collect();
    let registering = stream::iter(&members)
        .map(|member| registry.register(chain, member, None))
        .buffered(CONCURRENCY);
    let registered = registering.enumerate().map(|(number, sent)| {
        output.progress(&format!("registered {} of {HOLDERS}", number + 1));
        sent.map_err(anyhow::Error::from)
    });
    let sent: Vec<Sent> = registered.try_collect().await.context("register_holder")?;
    output.clear_progress();
    output.fact("registered in", seconds(start));
    for (first, collection) in collections.iter().enumerate() {
        let own = || sent.iter().skip(first).step_by(collections.len());
        let units = own().map(|sent| sent.compute_units).max().unwrap_or(0);
        let bytes = own().map(|sent| sent.transaction_bytes).max().unwrap_or(0);
        output.fact(
            &format!("cost of a registration, maximum: {}", collection.name()),
            format!("{} CU, {bytes} bytes", grouped(units)),
        );
    }
    let last = sent.iter().map(|sent| sent.slot).max().unwrap_or_default();
    Ok((members, last))
}

/// Checks that three roots are equal: that of the program, that of Postgres, and that of a
/// reference tree of the holders' leaves.
async fn check_roots(
    chain: &Chain,
    database: &Database,
    registry: &Registry,
    members: &[Member],
) -> Result<String> {
    let account = chain.account(&registry.address).await?;
    let on_chain: bauta::state::Registry = decode_account(&account.owner, &account.data)?;
    let store = &database.store;
    let kept = store.registry(registry.address).await?;
    let root = store.valid_roots(&kept, chain.time().await?).await?;
    let root = root.first().context("the registry has no root")?.root;
    let mut tree = ReferenceTree::new(Depth::Ten);
    for member in members {
        let mint = member.nft.mint;
        let holding = store
            .holding(&kept, mint)
            .await?
            .context("the holder is not in Postgres")?;
        tree.set(holding.index.get(), member.leaf())?;
    }
    ensure!(
        on_chain.root == root.to_bytes(),
        "the roots in Postgres and in the program differ"
    );
    ensure!(
        tree.root() == root,
        "the roots in Postgres and of the reference tree differ"
    );
    Ok(root.to_string())
}

fn seconds(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}

fn milliseconds(start: Instant) -> String {
    format!("{:.0} ms", start.elapsed().as_secs_f64() * 1e3)
}
