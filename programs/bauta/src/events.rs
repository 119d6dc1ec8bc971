//! Events: one for every state change, sent by self-CPI with the event authority as signer, never as logs.
//! Times are Unix seconds.

use crate::state::{Provenance, Registry, RegistryKind, ScopeMode};
use anchor_lang::{
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
    },
};

/// Sends an event to this program itself, as `emit_cpi!` does, but building the data once.
pub fn emit<E: AnchorSerialize + Discriminator>(event: &E, authority: &UncheckedAccount<'_>) -> Result<()> {
    let mut data = Vec::with_capacity(352);
    data.extend_from_slice(EVENT_IX_TAG_LE);
    data.extend_from_slice(E::DISCRIMINATOR);
    event.serialize(&mut data)?;
    let instruction = Instruction {
        program_id: crate::ID,
        accounts: vec![AccountMeta::new_readonly(*authority.key, true)],
        data,
    };
    let bump = [crate::EVENT_AUTHORITY_AND_BUMP.1];
    invoke_signed(
        &instruction,
        &[authority.to_account_info()],
        &[&[b"__event_authority", &bump]],
    )?;
    Ok(())
}

/// Sends the event that follows each tree change: what is in `registry` now.
pub fn emit_root(
    key: Pubkey,
    registry: &Registry,
    replaced_root_kept: bool,
    authority: &UncheckedAccount<'_>,
) -> Result<()> {
    let event = MerkleRootUpdated {
        registry: key,
        sequence: registry.sequence,
        root: registry.root,
        replaced_root_kept,
        timestamp: registry.root_since,
    };
    emit(&event, authority)
}

/// The program was initialised, paused or resumed, or its admin changed.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigChanged {
    /// The admin.
    pub admin: Pubkey,
    /// Who may become admin; zero: nobody.
    pub pending_admin: Pubkey,
    /// The cluster's tag.
    pub cluster_tag: [u8; 32],
    /// Whether verifications are refused.
    pub paused: bool,
    /// Whether development keys may be registered.
    pub development_keys_allowed: bool,
    /// When.
    pub timestamp: i64,
}

/// A circuit was registered.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CircuitRegistered {
    /// The circuit account.
    pub circuit: Pubkey,
    /// SHA-256 of the verifying key.
    pub vk_hash: [u8; 32],
    /// The statement's name, zero-padded.
    pub statement: [u8; 32],
    /// The statement's version.
    pub version: u16,
    /// Levels of its tree.
    pub depth: u8,
    /// Its leaf format.
    pub leaf_format: u8,
    /// Where its key comes from.
    pub provenance: Provenance,
    /// SHA-256 of its constraint system.
    pub constraint_system_hash: [u8; 32],
    /// SHA-256 of its ceremony's transcript.
    pub transcript_hash: [u8; 32],
    /// When.
    pub timestamp: i64,
}

/// A circuit was retired.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CircuitRetired {
    /// The circuit account.
    pub circuit: Pubkey,
    /// SHA-256 of the verifying key.
    pub vk_hash: [u8; 32],
    /// When.
    pub timestamp: i64,
}

/// A registry was created.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistryCreated {
    /// The registry account.
    pub registry: Pubkey,
    /// Its authority.
    pub authority: Pubkey,
    /// The authority's number for it.
    pub nonce: u64,
    /// Its Tree account; zero in an Attested registry.
    pub tree: Pubkey,
    /// Its kind.
    pub kind: RegistryKind,
    /// Levels of its tree.
    pub depth: u8,
    /// Its leaf format.
    pub leaf_format: u8,
    /// Seconds for which a kept root is accepted.
    pub root_ttl: i64,
    /// Its first root: the empty tree's.
    pub root: [u8; 32],
    /// When.
    pub timestamp: i64,
}

/// A collection was added to a registry.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectionAdded {
    /// The registry.
    pub registry: Pubkey,
    /// The collection account.
    pub collection: Pubkey,
    /// The mint or group.
    pub key: Pubkey,
    /// Whether `key` is a group.
    pub is_group: bool,
    /// The track of its tokens.
    pub track: u64,
    /// When.
    pub timestamp: i64,
}

/// A registry's collections were fixed for ever.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistrySealed {
    /// The registry.
    pub registry: Pubkey,
    /// When.
    pub timestamp: i64,
}

/// A holder registered a token. Its leaf is `Poseidon3(commitment, hash_to_field("bauta/mint/1", mint), track)`.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderRegistered {
    /// The registry.
    pub registry: Pubkey,
    /// The tree change's number.
    pub sequence: u64,
    /// The token.
    pub mint: Pubkey,
    /// Its holder.
    pub owner: Pubkey,
    /// The holder's commitment.
    pub commitment: [u8; 32],
    /// The leaf's track.
    pub track: u64,
    /// The leaf's index.
    pub index: u64,
    /// Whether the token had a leaf before (which was overwritten).
    pub replaced: bool,
    /// When.
    pub timestamp: i64,
}

/// Why a holder was evicted.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Evidence {
    /// The token was burnt.
    SupplyZero,
    /// The mint is gone.
    MintClosed,
    /// A token account with amount 1 belongs to another owner.
    OtherOwner,
}

/// A token's leaf was emptied.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderEvicted {
    /// The registry.
    pub registry: Pubkey,
    /// The tree change's number.
    pub sequence: u64,
    /// The token.
    pub mint: Pubkey,
    /// Who had registered it.
    pub owner: Pubkey,
    /// The leaf's index.
    pub index: u64,
    /// Why.
    pub evidence: Evidence,
    /// When.
    pub timestamp: i64,
}

/// The authority of a Managed registry appended leaves.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavesAppended {
    /// The registry.
    pub registry: Pubkey,
    /// The tree change's number.
    pub sequence: u64,
    /// The first leaf's index.
    pub first_index: u64,
    /// The leaves in order.
    pub leaves: Vec<[u8; 32]>,
    /// When.
    pub timestamp: i64,
}

/// The authority of a Managed registry replaced a leaf.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafReplaced {
    /// The registry.
    pub registry: Pubkey,
    /// The tree change's number.
    pub sequence: u64,
    /// The leaf's index.
    pub index: u64,
    /// The leaf before.
    pub old_leaf: [u8; 32],
    /// The leaf now; zero: removed.
    pub new_leaf: [u8; 32],
    /// When.
    pub timestamp: i64,
}

/// The authority of an Attested registry published a root.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootPublished {
    /// The registry.
    pub registry: Pubkey,
    /// The tree change's number.
    pub sequence: u64,
    /// The root.
    pub root: [u8; 32],
    /// When.
    pub timestamp: i64,
}

/// A registry's root changed; follows the change's own event with the same sequence.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MerkleRootUpdated {
    /// The registry.
    pub registry: Pubkey,
    /// The tree change's number.
    pub sequence: u64,
    /// The root from now on.
    pub root: [u8; 32],
    /// Whether the replaced root was kept.
    pub replaced_root_kept: bool,
    /// When.
    pub timestamp: i64,
}

/// A scope was created.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeCreated {
    /// The scope account.
    pub scope: Pubkey,
    /// The protocol's `scope`, from which nullifiers are derived.
    pub scope_element: [u8; 32],
    /// Who made it.
    pub creator: Pubkey,
    /// The creator's number for it.
    pub nonce: u64,
    /// Its registry.
    pub registry: Pubkey,
    /// Its circuit.
    pub circuit: Pubkey,
    /// Its auxiliary registry; zero: none.
    pub auxiliary_registry: Pubkey,
    /// Who must sign its verifications; zero: nobody.
    pub gate: Pubkey,
    /// Snapshot (once per token, whoever holds it later) or Live (once per registration: a token that changes hands can
    /// be used again).
    pub mode: ScopeMode,
    /// The accepted root of a Snapshot scope; zero in a Live one.
    pub root: [u8; 32],
    /// The only accepted claim, if there is one.
    pub required_claim: Option<[u8; 32]>,
    /// When it opens.
    pub opens_at: i64,
    /// When it ends.
    pub closes_at: i64,
    /// When.
    pub timestamp: i64,
}

/// A scope was closed early.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeClosed {
    /// The scope account.
    pub scope: Pubkey,
    /// Who closed it.
    pub creator: Pubkey,
    /// When.
    pub timestamp: i64,
}

/// A proof was accepted (of any statement; the name is historical). It says that the claim held at that root, not that a
/// token is held now.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnershipVerified {
    /// The scope account.
    pub scope: Pubkey,
    /// The scope's registry.
    pub registry: Pubkey,
    /// The circuit account.
    pub circuit: Pubkey,
    /// The root of the proof.
    pub root: [u8; 32],
    /// What was shown.
    pub claim: [u8; 32],
    /// The use's nullifier.
    pub nullifier: [u8; 32],
    /// Whom it benefits.
    pub recipient: Pubkey,
    /// Who alone could submit it; zero: anyone.
    pub relayer: Pubkey,
    /// SHA-256 of the consumer's data.
    pub payload_hash: [u8; 32],
    /// When.
    pub timestamp: i64,
}

/// A nullifier account of a scope that is over was closed.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NullifierReclaimed {
    /// The scope account.
    pub scope: Pubkey,
    /// The nullifier.
    pub nullifier: [u8; 32],
    /// Who got the rent.
    pub rent_payer: Pubkey,
    /// How much: everything that the account held.
    pub lamports: u64,
    /// When.
    pub timestamp: i64,
}
