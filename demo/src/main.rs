//! The main job end to end, on a real node over JSON-RPC with the program's real ELF, real tokens, and Postgres beside it:
//! holders register, an indexer brings their events into Postgres, one of them proves with a path from there, the program
//! accepts the proof once and refuses the attacks, and the use comes back into Postgres. `cargo xtask demo` runs it.
//!
//! ```text
//!   story ──transactions──> node (JSON-RPC) ──events──> indexer ──> Postgres ──paths, analytics──> story
//! ```

mod analytics;
mod attacks;
mod chain;
mod database;
mod show;
mod tokens;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bauta_client::instructions::Verify;
use bauta_client::{MembershipPath, ReferenceTree, decode_account};
use bauta_primitives::tree::Depth;
use bauta_store::{Address as StoreAddress, Holding};
use chain::{Chain, Sent};
use database::Database;
use futures_util::{StreamExt, TryStreamExt, stream};
use show::{Show, grouped};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokens::{Nft, Tokens};
use world::{Circuit, Member, Registry, ScopeAt, expiry};

/// Holders in the story.
const HOLDERS: usize = 300;
/// Their tracks: every holder has one of these, so each hides among a third of them.
const TRACKS: [u64; 3] = [1, 2, 3];
/// Transactions under way at once.
const AT_ONCE: usize = 32;
/// Who proves.
const PROVER: usize = 137;

/// A chain and a database after the first chapters.
struct Story {
    show: Show,
    chain: Chain,
    database: Database,
    tokens: Tokens,
    /// The collections, one for each track.
    groups: Vec<Address>,
    circuit: Circuit,
    registry: Registry,
    members: Vec<Member>,
    scope: ScopeAt,
}

#[tokio::main]
async fn main() -> ExitCode {
    let began = Instant::now();
    match tell(began).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(began: Instant) -> Result<()> {
    let mut story = Story::begin().await?;
    let used = story.prove_once().await?;
    story.show.chapter("6. What is refused");
    let refused = attacks::all(&mut story, &used).await?;
    story
        .show
        .chapter("7. What an operator sees: rollups in Postgres");
    analytics::show(&story).await?;
    story.show.chapter("Done");
    let Story { show, database, .. } = story;
    database.stop().await?;
    show.conclude(&format!(
        "{HOLDERS} holders, two anonymous proofs accepted, {refused} attacks refused, over real RPC, in {:.1} s.",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

impl Story {
    /// The chain, the circuit, the holders and a scope.
    async fn begin() -> Result<Self> {
        let show = Show::new();
        show.chapter("1. A chain with the program, and a database");
        let chain = Chain::from_environment()?;
        let program = chain.account(&bauta::ID).await?;
        ensure!(program.executable, "there is no program at {}", bauta::ID);
        show.fact("node, over JSON-RPC", chain.rpc.host());
        show.fact("program", bauta::ID);
        show.fact("its admin, who pays for everything here", chain.payer.pubkey());
        let mut database = Database::start().await?;
        show.fact("an indexer follows the chain into", "Postgres");

        show.chapter("2. The circuit's verifying key goes on chain");
        let start = Instant::now();
        let circuit = Circuit::register(&chain).await?;
        show.fact("statement", "ownership, version 1, depth 10 (1,048,576 entries)");
        show.fact("key set up or read, prepared and registered in", seconds(start));
        show.warn(bauta_circuits::keys::DEVELOPMENT_WARNING);

        show.chapter(&format!(
            "3. {HOLDERS} holders of real NFTs register a commitment"
        ));
        let tokens = Tokens::new(&chain).await?;
        let registry = Registry::create(&chain).await?;
        let mut groups = Vec::new();
        for track in TRACKS {
            let group = tokens.create_group(&chain, HOLDERS as u64).await?;
            registry.add_collection(&chain, group, track).await?;
            groups.push(group);
        }
        show.fact("collections (Token-2022 groups), each a track", groups.len());
        let start = Instant::now();
        let nfts = mint_all(&show, &chain, &tokens, &groups).await?;
        show.fact("tokens minted in", seconds(start));
        let (members, last) = register_all(&show, &chain, &registry, &groups, nfts).await?;

        let start = Instant::now();
        database.reach(last).await?;
        show.fact("Postgres has caught up after", seconds(start));
        let root = check_roots(&chain, &database, &registry, &members).await?;
        show.fact(
            "one root: the program's, Postgres's, a reference tree's",
            format!("{root:.18}..."),
        );

        show.chapter("4. A scope: once per token, at the root of now (Snapshot)");
        let (scope, sent) = registry.create_scope(&chain, &circuit, 1, None).await?;
        database.reach(sent.slot).await?;
        show.fact("scope account", scope.address);
        Ok(Self {
            show,
            chain,
            database,
            tokens,
            groups,
            circuit,
            registry,
            members,
            scope,
        })
    }

    /// One holder proves, from an address that nothing links to the token.
    async fn prove_once(&mut self) -> Result<Verify> {
        let show = &self.show;
        show.chapter("5. One of them proves, and says not which");
        let start = Instant::now();
        let verify = self
            .prove(PROVER, &self.scope, expiry(&self.chain).await?)
            .await?;
        show.fact("path read from Postgres and proof made in", milliseconds(start));
        show.fact(
            "what goes on chain: a proof of",
            format!("{} bytes", verify.proof.len()),
        );
        show.fact("  a claim: the holder's track", self.members[PROVER].track);
        show.fact(
            "  a nullifier",
            format!("{:.18}...", verify.nullifier.to_string()),
        );
        show.fact("  a recipient", verify.recipient);
        let start = Instant::now();
        let sent = self.chain.send(&[verify.instruction()], &[]).await;
        let sent = sent.map_err(anyhow::Error::from).context("the member's proof")?;
        show.accepted("verify", &sent);
        show.fact("sent, and confirmed by the cluster, in", milliseconds(start));

        let start = Instant::now();
        self.database.reach(sent.slot).await?;
        let store = &self.database.store;
        let scope = store.scope(StoreAddress(self.scope.address.to_bytes())).await?;
        let used = store.nullifier(&scope, verify.nullifier).await?;
        let used = used.context("the nullifier is not in Postgres")?;
        ensure!(
            used.signature.0 == *sent.signature.as_array(),
            "another transaction used it"
        );
        show.fact("the event is in Postgres after", milliseconds(start));
        let track = used.track.context("no track")?;
        show.fact(
            "  nullifiers: the use, its track, its transaction",
            format!("track {track}"),
        );
        let [verification] = store.verifications(&scope, None, 1).await?[..] else {
            anyhow::bail!("the verification is not in Postgres");
        };
        let set = verification.anonymity_set.context("no anonymity set")?;
        show.fact(
            "  verifications: track, time, and no wallet",
            format!("number {}", verification.id),
        );
        show.fact("  distinct owners, any of whom it may have been", set);
        Ok(verify)
    }

    /// A proof of one of the holders at a scope's root, by a path from Postgres.
    async fn prove(&self, holder: usize, scope: &ScopeAt, expiry: i64) -> Result<Verify> {
        let member = &self.members[holder];
        let kept = self
            .database
            .store
            .scope(StoreAddress(scope.address.to_bytes()))
            .await?;
        let root = kept.root.context("a snapshot has a root")?;
        let path = self.path(holder, root).await?;
        self.circuit
            .prove(self.chain.payer.pubkey(), member, path, root, scope, expiry)
    }

    /// The path of a holder's leaf at the root of now.
    async fn current_path(&self, holder: usize) -> Result<MembershipPath> {
        let store = &self.database.store;
        let registry = store
            .registry(StoreAddress(self.registry.address.to_bytes()))
            .await?;
        let roots = store.valid_roots(&registry, self.chain.time().await?).await?;
        let root = roots.first().context("a registry has a root")?.root;
        self.path(holder, root).await
    }

    async fn path(&self, holder: usize, root: bauta_primitives::Root) -> Result<MembershipPath> {
        let (registry, holding) = self.holding(holder).await?;
        let now = self.chain.time().await?;
        self.database.path(&registry, root, holding.index, now).await
    }

    /// What Postgres knows of a holder's token.
    async fn holding(&self, holder: usize) -> Result<(bauta_store::Registry, Holding)> {
        let store = &self.database.store;
        let registry = store
            .registry(StoreAddress(self.registry.address.to_bytes()))
            .await?;
        let mint = StoreAddress(self.members[holder].nft.mint.to_bytes());
        let holding = store.holding(&registry, mint).await?;
        Ok((registry, holding.context("a holder is in Postgres")?))
    }

    /// A new token of a collection, for somebody new.
    async fn mint(&self, collection: usize) -> Result<Nft> {
        self.tokens
            .mint(&self.chain, &self.groups[collection], Keypair::new())
            .await
    }
}

async fn mint_all(show: &Show, chain: &Chain, tokens: &Tokens, groups: &[Address]) -> Result<Vec<Nft>> {
    let minting = stream::iter(0..HOLDERS)
        .map(|number| tokens.mint(chain, &groups[number % groups.len()], Keypair::new()))
        .buffered(AT_ONCE);
    let minted = minting.enumerate().map(|(number, nft)| {
        show.progress(&format!("minted {} of {HOLDERS}", number + 1));
        nft
    });
    let nfts = minted.try_collect().await;
    show.progressed();
    nfts
}

/// Registers everybody, many at once as they would; also gives the last slot.
async fn register_all(
    show: &Show,
    chain: &Chain,
    registry: &Registry,
    groups: &[Address],
    nfts: Vec<Nft>,
) -> Result<(Vec<Member>, u64)> {
    let start = Instant::now();
    let tracks = TRACKS.into_iter().cycle();
    let members = nfts
        .into_iter()
        .zip(tracks)
        .map(|(nft, track)| Member::new(registry, nft, track));
    let members: Vec<Member> = members.collect();
    let groups = groups.iter().copied().cycle();
    let registering = stream::iter(members.iter().zip(groups))
        .map(|(member, group)| registry.register(chain, group, member, None))
        .buffered(AT_ONCE);
    let registered = registering.enumerate().map(|(number, sent)| {
        show.progress(&format!("registered {} of {HOLDERS}", number + 1));
        sent.map_err(anyhow::Error::from)
    });
    let sent: Vec<Sent> = registered.try_collect().await.context("register_holder")?;
    show.progressed();
    show.fact("registered in", seconds(start));
    let most = |figure: fn(&Sent) -> u64| sent.iter().map(figure).max().unwrap_or(0);
    let (units, bytes) = (
        most(|sent| sent.compute_units),
        most(|sent| sent.transaction_bytes as u64),
    );
    show.fact(
        "register_holder, at most",
        format!("{} CU, {bytes} bytes", grouped(units)),
    );
    let last = most(|sent| sent.slot);
    Ok((members, last))
}

/// That three have the same root: the program, Postgres, and a plain tree of the leaves that the holders know.
async fn check_roots(
    chain: &Chain,
    database: &Database,
    registry: &Registry,
    members: &[Member],
) -> Result<String> {
    let account = chain.account(&registry.address).await?;
    let on_chain: bauta::state::Registry = decode_account(&account.owner, &account.data)?;
    let store = &database.store;
    let kept = store.registry(StoreAddress(registry.address.to_bytes())).await?;
    let root = store.valid_roots(&kept, chain.time().await?).await?;
    let root = root.first().context("a registry has a root")?.root;
    let mut tree = ReferenceTree::new(Depth::Ten);
    for member in members {
        let mint = StoreAddress(member.nft.mint.to_bytes());
        let holding = store
            .holding(&kept, mint)
            .await?
            .context("a holder is in Postgres")?;
        tree.set(holding.index, member.leaf())?;
    }
    ensure!(
        on_chain.root == root.to_bytes(),
        "Postgres has another root than the program"
    );
    ensure!(
        tree.root() == root,
        "Postgres has another root than the reference tree"
    );
    Ok(root.to_string())
}

fn seconds(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}

fn milliseconds(start: Instant) -> String {
    format!("{:.0} ms", start.elapsed().as_secs_f64() * 1e3)
}
