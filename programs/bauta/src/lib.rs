//! The Bauta program: registries of members, scopes, and one `verify` for every statement. `docs/protocol.md` is the
//! specification.
//!
//! ```text
//!   admin ------> Config, Circuit (verifying key)
//!                             |
//!   authority --> Registry + Tree <-- leaves: register_holder, evict_holder | append_leaves, replace_leaf | publish_root
//!                    |        |
//!   creator -----> Scope <----+
//!                    |
//!   member ------> verify: root, claim, context -> digest -> pairing -> Nullifier, event, return data
//! ```

#[cfg(all(target_os = "solana", target_arch = "bpf"))]
use solana_compiler_builtins as _;

pub mod account;
pub mod errors;
pub mod events;
pub mod groth16;
pub mod instructions;
pub mod state;
pub mod token;

use anchor_lang::prelude::*;
use instructions::*;
use state::{Node, Path, RegistryKind};

declare_id!("BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2");

/// The instructions. Those that are called most come first: dispatch compares in this order.
#[program]
pub mod bauta {
    use super::*;

    /// Accepts a proof of any statement once per scope and nullifier. It says that at `root` a leaf with this claim
    /// belonged to somebody who knows its secret; for a registry of holders: that the token was held when its leaf was
    /// registered and had not been evicted by that root. A borrowed token registers too. It does not say that the token
    /// is held now.
    pub fn verify(ctx: Context<Verify>, presentation: Presentation) -> Result<()> {
        ctx.accounts.run(&presentation)
    }

    /// Registers the token that the signer holds: appends its leaf or, later, overwrites it by a path (at most once in
    /// 60 seconds per token).
    pub fn register_holder(
        ctx: Context<RegisterHolder>,
        commitment: [u8; 32],
        path: Option<Path>,
    ) -> Result<()> {
        ctx.accounts.run(commitment, path.as_ref())
    }

    /// Empties a token's leaf on evidence that its holder has it no more: supply 0, mint closed, or a token account with
    /// amount 1 of another owner.
    pub fn evict_holder(ctx: Context<EvictHolder>, path: Path) -> Result<()> {
        ctx.accounts.run(&path)
    }

    /// Appends 1 to 128 leaves to a Managed registry.
    pub fn append_leaves(ctx: Context<AppendLeaves>, leaves: Vec<Node>) -> Result<()> {
        ctx.accounts.run(leaves)
    }

    /// Replaces a leaf of a Managed registry; a new leaf of zero removes.
    pub fn replace_leaf(
        ctx: Context<ReplaceLeaf>,
        index: u64,
        old_leaf: Node,
        new_leaf: Node,
        path: Path,
    ) -> Result<()> {
        ctx.accounts.run(index, &old_leaf, &new_leaf, &path)
    }

    /// Makes a root of a tree kept off chain an Attested registry's current one.
    pub fn publish_root(ctx: Context<PublishRoot>, root: Node) -> Result<()> {
        ctx.accounts.run(root)
    }

    /// Returns a nullifier's rent to whoever paid it, once its scope is closed or past `closes_at`.
    pub fn reclaim_nullifier(ctx: Context<ReclaimNullifier>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Creates a scope. Snapshot counts once per token, whoever holds it later; Live once per registration, so a token
    /// that changes hands can be used again.
    pub fn create_scope(ctx: Context<CreateScope>, nonce: u64, rules: ScopeRules) -> Result<()> {
        ctx.accounts.run(ctx.bumps.scope, nonce, &rules)
    }

    /// Ends a scope early, for ever.
    pub fn close_scope(ctx: Context<CloseScope>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Creates a registry. Holders: leaves come from token holders alone. Managed: the authority writes leaves.
    /// Attested: the authority publishes roots.
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

    /// Lets the tokens of a mint or Token-2022 group register in a Holders registry, and says which track they give.
    pub fn add_collection(
        ctx: Context<AddCollection>,
        key: Pubkey,
        is_group: bool,
        track: u64,
    ) -> Result<()> {
        ctx.accounts.run(ctx.bumps.collection, key, is_group, track)
    }

    /// Fixes a Holders registry's collections for ever.
    pub fn seal_registry(ctx: Context<SealRegistry>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Registers a statement's circuit and verifying key.
    pub fn register_circuit(ctx: Context<RegisterCircuit>, registration: CircuitRegistration) -> Result<()> {
        ctx.accounts.run(ctx.bumps.circuit, &registration)
    }

    /// Retires a circuit: no more scopes, no more verifications.
    pub fn retire_circuit(ctx: Context<RetireCircuit>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Creates `Config`, once, by the program's upgrade authority.
    pub fn initialize(
        ctx: Context<Initialize>,
        cluster_tag: [u8; 32],
        admin: Pubkey,
        development_keys_allowed: bool,
    ) -> Result<()> {
        ctx.accounts
            .run(ctx.bumps.config, cluster_tag, admin, development_keys_allowed)
    }

    /// Names who may become admin by accepting; the zero address withdraws.
    pub fn set_admin(ctx: Context<SetAdmin>, new_admin: Pubkey) -> Result<()> {
        ctx.accounts.run(new_admin)
    }

    /// Makes the pending admin the admin.
    pub fn accept_admin(ctx: Context<AcceptAdmin>) -> Result<()> {
        ctx.accounts.run()
    }

    /// Stops verifications, and nothing else, or resumes them.
    pub fn pause(ctx: Context<Pause>, paused: bool) -> Result<()> {
        ctx.accounts.run(paused)
    }
}
