//! The events of the program. Every state change emits one, except of a staged path. An event is a
//! self-CPI that the event authority signs, never a log.

use crate::state::{AssetForm, CollectionKind, Provenance, Registry, RegistryKind, ScopeMode};
use anchor_lang::{
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
    },
};

/// Emits an event: calls this program itself with the event as data, as `emit_cpi!` does.
///
/// Unlike the macro, it serialises into one buffer of the right capacity.
pub fn emit<E: AnchorSerialize + Discriminator>(event: &E, authority: &UncheckedAccount<'_>) -> Result<()> {
    let mut data = Vec::with_capacity(352);
    data.extend_from_slice(EVENT_IX_TAG_LE);
    data.extend_from_slice(E::DISCRIMINATOR);
    event.serialize(&mut data)?;
    send(data, authority)
}

/// Calls this program with the data of an event. The code is not copied for each type of event,
/// which keeps the ELF small.
#[inline(never)]
fn send(data: Vec<u8>, authority: &UncheckedAccount<'_>) -> Result<()> {
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

/// Emits the event that follows each tree change. It has the current values of `registry`.
pub fn emit_root(
    key: Pubkey,
    registry: &Registry,
    replaced_root_expires_at: Option<i64>,
    authority: &UncheckedAccount<'_>,
) -> Result<()> {
    let event = MerkleRootUpdated {
        registry: key,
        sequence: registry.sequence,
        root: registry.root,
        replaced_root_expires_at,
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
    /// The pending admin. Zero if there is none.
    pub pending_admin: Pubkey,
    /// The cluster tag.
    pub cluster_tag: [u8; 32],
    /// Whether the program refuses verifications.
    pub paused: bool,
    /// Whether circuits with development keys may be registered.
    pub development_keys_allowed: bool,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A circuit was registered.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CircuitRegistered {
    /// The circuit account.
    pub circuit: Pubkey,
    /// The SHA-256 hash of the verifying key.
    pub vk_hash: [u8; 32],
    /// The statement's name in ASCII, zero-padded.
    pub statement: [u8; 32],
    /// The statement's version.
    pub version: u16,
    /// The depth of the tree: 10 or 16.
    pub depth: u8,
    /// The leaf format.
    pub leaf_format: u8,
    /// The origin of the verifying key.
    pub provenance: Provenance,
    /// The SHA-256 hash of the constraint system.
    pub constraint_system_hash: [u8; 32],
    /// The SHA-256 hash of the ceremony's transcript. Zero for a development key.
    pub transcript_hash: [u8; 32],
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
    /// The leaf format of the auxiliary registry whose root the statement includes in its claim. 0
    /// if the statement includes none.
    pub auxiliary_format: u8,
}

/// A circuit was suspended or resumed, or its retirement was scheduled or cancelled.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CircuitStatusChanged {
    /// The circuit account.
    pub circuit: Pubkey,
    /// The SHA-256 hash of the verifying key.
    pub vk_hash: [u8; 32],
    /// Whether the circuit is suspended: it accepts no scopes and no verifications.
    pub suspended: bool,
    /// The time from which the circuit is retired for ever, in Unix seconds. 0 if no retirement is
    /// scheduled.
    pub retires_at: i64,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A registry was created.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistryCreated {
    /// The registry account.
    pub registry: Pubkey,
    /// The registry's authority.
    pub authority: Pubkey,
    /// The number that the authority chose for the registry.
    pub nonce: u64,
    /// The Tree account. Zero in a registry of kind `Attested`.
    pub tree: Pubkey,
    /// The kind of the registry.
    pub kind: RegistryKind,
    /// The depth of the tree: 10 or 16.
    pub depth: u8,
    /// The leaf format.
    pub leaf_format: u8,
    /// The number of seconds for which a kept root is accepted after its replacement.
    pub root_ttl: i64,
    /// The first root: the root of the empty tree.
    pub root: [u8; 32],
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A collection was added to a registry.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectionAdded {
    /// The registry account.
    pub registry: Pubkey,
    /// The collection account.
    pub collection: Pubkey,
    /// The address that identifies the collection.
    pub key: Pubkey,
    /// The kind of the collection: it defines what `key` is.
    pub kind: CollectionKind,
    /// The track of the collection's tokens.
    pub track: u64,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
    /// The rules of the collection: bits, of which each allows something.
    pub rules: u16,
    /// The number of the collection in its registry, from 1.
    pub number: u16,
}

/// A registry was sealed: no collection can be added after that.
///
/// Sealing fixes the list of collections: their keys, kinds, rules and tracks. It does not fix the
/// members of a collection, except of one that is a single asset. The collection's own authority
/// can still add members, and the holders of these assets can register.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistrySealed {
    /// The registry account.
    pub registry: Pubkey,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A holder registered a token, a Core asset or a compressed asset. Its leaf is
/// `Poseidon3(commitment, hash_to_field("bauta/mint/1", mint), track)`.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderRegistered {
    /// The registry account.
    pub registry: Pubkey,
    /// The number of the tree change.
    pub sequence: u64,
    /// The token's mint, the address of the Core asset, or the id of the compressed asset.
    pub mint: Pubkey,
    /// The holder.
    pub owner: Pubkey,
    /// The holder's commitment.
    pub commitment: [u8; 32],
    /// The track in the leaf.
    pub track: u64,
    /// The position of the leaf in the tree.
    pub index: u64,
    /// Whether the token already had a leaf, which this registration overwrote.
    pub replaced: bool,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
    /// The form of the asset.
    pub form: AssetForm,
    /// The number of the collection in the registry. 0 if the collection is older than the numbers.
    pub collection: u16,
}

/// The evidence for an eviction.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Evidence {
    /// The mint's supply is 0: the token was burnt.
    SupplyZero,
    /// The mint account was closed.
    MintClosed,
    /// Another owner has a token account with amount 1, or is the owner of the Core asset or of the
    /// compressed asset.
    OtherOwner,
    /// The Core asset was burnt, or the tree of the compressed asset was closed.
    AssetGone,
    /// The asset left its collection, and the collection's rules make this evidence.
    LeftCollection,
    /// The leaf of the compressed asset is empty: the asset was burnt, redeemed or decompressed.
    LeafEmpty,
}

/// A token's leaf was emptied on evidence that the holder no longer has the token.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderEvicted {
    /// The registry account.
    pub registry: Pubkey,
    /// The number of the tree change.
    pub sequence: u64,
    /// The token's mint, the address of the Core asset, or the id of the compressed asset.
    pub mint: Pubkey,
    /// The owner who had registered the token.
    pub owner: Pubkey,
    /// The position of the leaf in the tree.
    pub index: u64,
    /// The evidence.
    pub evidence: Evidence,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// The authority of a registry of kind `Managed` appended leaves.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavesAppended {
    /// The registry account.
    pub registry: Pubkey,
    /// The number of the tree change.
    pub sequence: u64,
    /// The position of the first appended leaf.
    pub first_index: u64,
    /// The appended leaves in order.
    pub leaves: Vec<[u8; 32]>,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// The authority of a registry of kind `Managed` replaced a leaf.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafReplaced {
    /// The registry account.
    pub registry: Pubkey,
    /// The number of the tree change.
    pub sequence: u64,
    /// The position of the leaf in the tree.
    pub index: u64,
    /// The previous leaf.
    pub old_leaf: [u8; 32],
    /// The new leaf. Zero if the leaf was removed.
    pub new_leaf: [u8; 32],
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// The authority of a registry of kind `Attested` published a root.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootPublished {
    /// The registry account.
    pub registry: Pubkey,
    /// The number of the tree change.
    pub sequence: u64,
    /// The published root.
    pub root: [u8; 32],
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A registry's root changed. This event follows the event of the change and has the same
/// `sequence`.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MerkleRootUpdated {
    /// The registry account.
    pub registry: Pubkey,
    /// The number of the tree change.
    pub sequence: u64,
    /// The new current root.
    pub root: [u8; 32],
    /// The time from which the replaced root is refused, in Unix seconds. `None` if it was not
    /// kept.
    pub replaced_root_expires_at: Option<i64>,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A scope was created.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeCreated {
    /// The scope account.
    pub scope: Pubkey,
    /// The `scope` of the protocol: the field element that nullifiers are derived from.
    pub scope_element: [u8; 32],
    /// The creator of the scope.
    pub creator: Pubkey,
    /// The number that the creator chose for the scope.
    pub nonce: u64,
    /// The scope's registry.
    pub registry: Pubkey,
    /// The scope's circuit account.
    pub circuit: Pubkey,
    /// The auxiliary registry. Zero if there is none.
    pub auxiliary_registry: Pubkey,
    /// The gate, which must sign each verification. Zero if there is none.
    pub gate: Pubkey,
    /// The mode. `Snapshot` accepts each token once, also after it changes hands. `Live` accepts
    /// each registration once.
    pub mode: ScopeMode,
    /// The accepted root of a scope of mode `Snapshot`. Zero in a scope of mode `Live`.
    pub root: [u8; 32],
    /// The only accepted claim. `None` if the scope accepts every claim.
    pub required_claim: Option<[u8; 32]>,
    /// The time from which the scope accepts verifications, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    pub closes_at: i64,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A scope was closed before `closes_at`.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeClosed {
    /// The scope account.
    pub scope: Pubkey,
    /// The creator, who closed the scope.
    pub creator: Pubkey,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A proof of any statement was accepted. The name is historical.
///
/// The event shows that the claim held at that root. It does not show that a token is held now.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnershipVerified {
    /// The scope account.
    pub scope: Pubkey,
    /// The scope's registry.
    pub registry: Pubkey,
    /// The circuit account.
    pub circuit: Pubkey,
    /// The root that the proof was made at.
    pub root: [u8; 32],
    /// The claim that the proof showed. With an auxiliary registry, the claim without its root.
    pub claim: [u8; 32],
    /// The nullifier of the verification.
    pub nullifier: [u8; 32],
    /// The address that benefits from the verification.
    pub recipient: Pubkey,
    /// The relayer that the proof names. Zero if anyone could submit the proof.
    pub relayer: Pubkey,
    /// The SHA-256 hash of the payload, the consumer's data.
    pub payload_hash: [u8; 32],
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}

/// A nullifier account was closed and its rent returned, after the end of its scope.
#[event]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NullifierReclaimed {
    /// The scope account.
    pub scope: Pubkey,
    /// The nullifier.
    pub nullifier: [u8; 32],
    /// The account that had paid the rent and received it back.
    pub rent_payer: Pubkey,
    /// The number of returned lamports: everything that the account held.
    pub lamports: u64,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
}
