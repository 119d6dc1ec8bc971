//! The Bauta program: registries of members, scopes, and one `verify` instruction for every
//! statement.
//!
//! `docs/protocol.md` is the specification.
//!
//! ```text
//!   admin ------> Config, Circuit (verifying key)
//!                             |
//!   authority --> Registry + Tree <-- register_holder, evict_holder | append_leaves, replace_leaf
//!                    |        |                                     | publish_root
//!   creator -----> Scope <----+
//!                    |
//!   member ------> verify: root, claim, context -> digest -> pairing
//!                             |
//!                             +---> Nullifier, event, return data
//! ```

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

pub mod account;
pub mod bubblegum;
pub mod compressed;
pub mod core_asset;
pub mod eligibility;
pub mod errors;
pub mod events;
pub mod groth16;
pub mod instructions;
#[cfg(all(target_os = "solana", not(feature = "no-entrypoint")))]
mod panic;
#[cfg(all(target_os = "solana", not(feature = "no-entrypoint")))]
mod security_txt;
pub mod state;
mod system_data;
pub mod token;
pub mod token_metadata;
pub mod view;

use anchor_lang::prelude::*;
use bubblegum::CompressedLeaf;
use instructions::*;
use state::{CollectionKind, Node, Path, RegistryKind};

declare_id!("BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2");

/// Registries of members, scopes, and proofs of membership that a scope accepts once.
// The most frequent instructions come first, because dispatch compares in this order.
#[program]
pub mod bauta {
    use super::*;

    /// Verifies a proof of any statement and records the nullifier. A scope accepts each nullifier
    /// once.
    ///
    /// An accepted proof shows that at `root` there was a leaf with this claim, and that the prover
    /// knows the leaf's secret. In a registry of holders this means: the token was held when its
    /// leaf was registered, and the leaf had not been evicted at that root. A borrowed token can be
    /// registered. The proof does not show that the token is held now.
    pub fn verify(ctx: Context<Verify>, presentation: Presentation) -> Result<()> {
        ctx.accounts.run(&presentation)
    }

    /// Registers a token that the signer holds.
    ///
    /// The first registration of a token appends its leaf and takes no path. A later registration
    /// overwrites the token's leaf and needs its path. It is refused within 60 seconds of the
    /// leaf's last change. An eviction has no such limit.
    pub fn register_holder(
        ctx: Context<RegisterHolder>,
        commitment: [u8; 32],
        path: Option<Path>,
    ) -> Result<()> {
        ctx.accounts.run(commitment, path.as_ref())
    }

    /// Registers a Metaplex Core asset that the signer owns.
    ///
    /// The rules are those of `register_holder`.
    pub fn register_core_holder(
        ctx: Context<RegisterCoreHolder>,
        commitment: [u8; 32],
        path: Option<Path>,
    ) -> Result<()> {
        ctx.accounts.run(commitment, path.as_ref())
    }

    /// Empties a leaf on evidence that the registered holder no longer has the asset. Anyone may
    /// call it.
    ///
    /// The evidence for a token is a supply of 0, a closed mint, or a token account of another
    /// owner with amount 1. The evidence for a Core asset is another owner, or that it was burnt.
    /// If the asset's collection has the rule LEAVING, it is also evidence that the asset left the
    /// collection.
    pub fn evict_holder(ctx: Context<EvictHolder>, path: Path) -> Result<()> {
        ctx.accounts.run(&path)
    }

    /// Appends 1 to 128 leaves to a registry of kind `Managed`.
    pub fn append_leaves(ctx: Context<AppendLeaves>, leaves: Vec<Node>) -> Result<()> {
        ctx.accounts.run(leaves)
    }

    /// Replaces a leaf of a registry of kind `Managed`. A new leaf of zero removes the member.
    pub fn replace_leaf(
        ctx: Context<ReplaceLeaf>,
        index: u64,
        old_leaf: Node,
        new_leaf: Node,
        path: Path,
    ) -> Result<()> {
        ctx.accounts.run(index, &old_leaf, &new_leaf, &path)
    }

    /// Sets the current root of a registry of kind `Attested`, whose tree is stored off chain.
    pub fn publish_root(ctx: Context<PublishRoot>, root: Node) -> Result<()> {
        ctx.accounts.run(root)
    }

    /// Closes a nullifier account and returns its rent to the account that paid it. The scope must
    /// be closed, or `closes_at` must have passed. Anyone may call it.
    pub fn reclaim_nullifier(ctx: Context<ReclaimNullifier>, nullifier: Node) -> Result<()> {
        ctx.accounts.run(nullifier)
    }

    /// Creates a scope over a registry.
    ///
    /// A scope of mode `Snapshot` accepts each token once, also after the token changes hands. A
    /// scope of mode `Live` accepts each registration once, so a token can be used again after it
    /// changes hands.
    ///
    /// With `expected_root`, the registry must accept that root: it is the current root or a kept
    /// root that has not expired. A scope of mode `Snapshot` then has this root.
    pub fn create_scope(ctx: Context<CreateScope>, nonce: u64, rules: ScopeRules) -> Result<()> {
        ctx.accounts.run(ctx.bumps.scope, nonce, &rules)
    }

    /// Closes a scope before `closes_at`. A closed scope can't be reopened.
    pub fn close_scope(ctx: Context<CloseScope>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Creates a registry.
    ///
    /// In a registry of kind `Holders`, only token holders write leaves. In one of kind `Managed`,
    /// the authority writes leaves. In one of kind `Attested`, the authority publishes roots.
    pub fn create_registry(
        ctx: Context<CreateRegistry>,
        nonce: u64,
        kind: RegistryKind,
        depth: u8,
        leaf_format: u8,
        root_ttl: i64,
    ) -> Result<()> {
        ctx.accounts
            .run(ctx.bumps.registry, nonce, kind, depth, leaf_format, root_ttl)
    }

    /// Allows the holders of a collection's assets to register in a registry of kind `Holders`, and
    /// sets the rules of the collection and the track of their leaves.
    pub fn add_collection(
        ctx: Context<AddCollection>,
        key: Pubkey,
        kind: CollectionKind,
        rules: u16,
        track: u64,
    ) -> Result<()> {
        ctx.accounts.run(ctx.bumps.collection, key, kind, rules, track)
    }

    /// Seals a registry of kind `Holders`: no collection can be added after that. Assets that join
    /// a listed collection later can still be registered.
    pub fn seal_registry(ctx: Context<SealRegistry>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Registers a circuit: its statement and its verifying key. The same key with other metadata
    /// is another circuit, at another address.
    pub fn register_circuit(ctx: Context<RegisterCircuit>, registration: CircuitRegistration) -> Result<()> {
        ctx.accounts.run(ctx.bumps.circuit, &registration)
    }

    /// Suspends or resumes a circuit. While it is suspended, the program refuses new scopes and
    /// verifications with it.
    pub fn suspend_circuit(ctx: Context<ChangeCircuit>, suspended: bool) -> Result<()> {
        ctx.accounts.suspend(suspended)
    }

    /// Schedules the retirement of a circuit in 7 days, or cancels a scheduled retirement. A
    /// retired circuit accepts no scopes and no verifications, and no one can undo that.
    pub fn retire_circuit(ctx: Context<ChangeCircuit>, retire: bool) -> Result<()> {
        ctx.accounts.retire(retire)
    }

    /// Creates the account `Config`. Only the program's upgrade authority may call it, once.
    pub fn initialize(
        ctx: Context<Initialize>,
        cluster_tag: [u8; 32],
        admin: Pubkey,
        development_keys_allowed: bool,
    ) -> Result<()> {
        ctx.accounts
            .run(ctx.bumps.config, cluster_tag, admin, development_keys_allowed)
    }

    /// Sets the pending admin, who becomes the admin with `accept_admin`. The zero address cancels
    /// a pending handover.
    pub fn set_admin(ctx: Context<ChangeConfig>, new_admin: Pubkey) -> Result<()> {
        ctx.accounts.set_admin(new_admin)
    }

    /// Makes the signer, the pending admin, the admin.
    pub fn accept_admin(ctx: Context<AcceptAdmin>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Replaces the admin and removes the pending admin. Only the program's upgrade authority may
    /// call it.
    pub fn replace_admin(ctx: Context<ReplaceAdmin>, new_admin: Pubkey) -> Result<()> {
        ctx.accounts.run(new_admin)
    }

    /// Pauses or resumes `verify`. All other instructions stay available.
    pub fn pause(ctx: Context<ChangeConfig>, paused: bool) -> Result<()> {
        ctx.accounts.pause(paused)
    }

    /// Registers a compressed asset of Bubblegum that the signer owns.
    ///
    /// The rules are those of `register_holder`. The leaf must be in its tree at the tree's current
    /// root, so a change below the same node of the canopy makes the proof stale.
    pub fn register_compressed_holder(
        ctx: Context<RegisterCompressedHolder>,
        commitment: [u8; 32],
        path: Option<Path>,
        index: u32,
        leaf: CompressedLeaf,
        proof: Vec<Node>,
    ) -> Result<()> {
        ctx.accounts.run(commitment, path.as_ref(), index, &leaf, &proof)
    }

    /// Empties a leaf on evidence that the registered holder no longer has the compressed asset.
    /// Anyone may call it.
    ///
    /// The evidence is another owner in the asset's leaf, an empty leaf, or that the tree was
    /// closed. If the asset's collection has the rule LEAVING, it is also evidence that the asset
    /// left the collection.
    pub fn evict_compressed_holder(
        ctx: Context<EvictCompressedHolder>,
        path: Option<Path>,
        index: u32,
        leaf: Option<CompressedLeaf>,
        proof: Vec<Node>,
    ) -> Result<()> {
        ctx.accounts.run(path.as_ref(), index, leaf.as_ref(), &proof)
    }

    /// Stores a path for a later transaction of the same or of another signer. A second call
    /// overwrites it.
    pub fn stage_path(ctx: Context<StagePath>, number: u8, path: Path) -> Result<()> {
        ctx.accounts.stage(number, &path)
    }

    /// Closes the signer's staged path and returns its rent.
    pub fn unstage(ctx: Context<StagePath>) -> Result<()> {
        ctx.accounts.unstage()
    }
}
