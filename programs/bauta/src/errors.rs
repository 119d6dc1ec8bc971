use anchor_lang::prelude::*;

/// Every reason for which the program refuses. Codes count from 6000 in this order; new ones go to the end.
#[error_code]
#[derive(PartialEq, Eq, bytemuck::CheckedBitPattern)]
pub enum BautaError {
    // --- configuration
    #[msg("only the program's upgrade authority may initialise it")]
    NotUpgradeAuthority,
    #[msg("an admin can't be the zero address")]
    ZeroAdmin,
    #[msg("only the admin in Config may do this")]
    NotAdmin,
    #[msg("only the pending admin in Config may accept, and there must be one")]
    NotPendingAdmin,
    #[msg("the program is paused: verifications are refused until the admin resumes")]
    Paused,

    // --- values
    #[msg("root is not a canonical field element: it must be below the BN254 scalar modulus r")]
    RootNotCanonical,
    #[msg("nullifier is not a canonical field element: it must be below the BN254 scalar modulus r")]
    NullifierNotCanonical,
    #[msg("claim is not a canonical field element: it must be below the BN254 scalar modulus r")]
    ClaimNotCanonical,
    #[msg("auxiliary_root is not a canonical field element: it must be below the BN254 scalar modulus r")]
    AuxiliaryRootNotCanonical,
    #[msg("commitment is not a canonical field element: it must be below the BN254 scalar modulus r")]
    CommitmentNotCanonical,
    #[msg("commitment is zero: it must be Poseidon1 of a secret")]
    ZeroCommitment,
    #[msg("a leaf is not a canonical field element: it must be below the BN254 scalar modulus r")]
    LeafNotCanonical,
    #[msg("required_claim is not a canonical field element: it must be below the BN254 scalar modulus r")]
    RequiredClaimNotCanonical,
    #[msg("a path sibling is not a canonical field element: it must be below the BN254 scalar modulus r")]
    PathNotCanonical,
    #[msg("tree depth is not supported: the protocol has depths 10 and 16")]
    UnknownDepth,
    #[msg("leaf_format is zero: formats count from 1")]
    ZeroLeafFormat,

    // --- circuits
    #[msg("statement must be a name in printable ASCII, zero-padded to 32 bytes")]
    BadStatementName,
    #[msg("a statement's version counts from 1")]
    ZeroVersion,
    #[msg("this program was initialised without development keys: whoever made such a key can forge proofs")]
    DevelopmentKeyRefused,
    #[msg("a ceremony key needs the hash of its transcript")]
    MissingTranscript,
    #[msg("two of the key's points beta, gamma and delta are equal up to sign: anyone could forge proofs")]
    ForgeableKey,
    #[msg("the verifying key has a point at infinity")]
    KeyPointAtInfinity,
    #[msg("the verifying key has a point that is off the curve, outside its subgroup or not below q")]
    KeyPointInvalid,
    #[msg("the circuit is retired: it takes no more scopes and no more verifications")]
    CircuitRetired,

    // --- registries
    #[msg("only the registry's authority may do this")]
    NotRegistryAuthority,
    #[msg("the registry is not of the kind that this instruction is for")]
    WrongRegistryKind,
    #[msg("registries of the kinds Holders and Managed have depth 10")]
    WrongDepthForKind,
    #[msg("Holders registries have leaf format 1 (track)")]
    WrongLeafFormatForKind,
    #[msg("root_ttl must be between 60 seconds and 30 days")]
    RootTtlOutOfRange,
    #[msg("Holders and Managed registries need a Tree account; Attested registries have none")]
    WrongTreePresence,
    #[msg("the Tree account must be owned by this program")]
    TreeNotOwned,
    #[msg("the Tree account must have exactly 44,168 bytes")]
    TreeWrongSize,
    #[msg("the Tree account is already in use")]
    TreeInUse,
    #[msg("the Tree account is not rent-exempt")]
    TreeNotRentExempt,
    #[msg("this Tree account belongs to another registry")]
    TreeOfAnotherRegistry,
    #[msg("the registry is sealed: its collections are fixed for ever")]
    RegistrySealed,

    // --- tree
    #[msg("a batch must have at least one leaf")]
    EmptyBatch,
    #[msg("a batch has at most 128 leaves")]
    BatchTooLarge,
    #[msg("the empty leaf (zero) can't be appended")]
    AppendedEmptyLeaf,
    #[msg("the tree is full: it has 1,048,576 leaves")]
    TreeFull,
    #[msg("there is no leaf at this index yet: it must be below next_index")]
    IndexNotAppended,
    #[msg("the old leaf and the path don't lead to the tree's node: fetch a fresh path")]
    StalePath,

    // --- tokens and holders
    #[msg("the mint must be owned by SPL Token or Token-2022")]
    NotAMint,
    #[msg("the mint account is not an initialised mint")]
    InvalidMint,
    #[msg("a token that registers has supply 1")]
    SupplyNotOne,
    #[msg("a token that registers has decimals 0")]
    DecimalsNotZero,
    #[msg("a token that registers has no mint authority")]
    HasMintAuthority,
    #[msg("the mint has MintCloseAuthority: it could be closed and come back")]
    HasMintCloseAuthority,
    #[msg("the mint has PermanentDelegate: somebody could take the token from any holder")]
    HasPermanentDelegate,
    #[msg("the mint has confidential transfers or confidential mint and burn: its holder can't be seen")]
    HasConfidentialExtension,
    #[msg("the token account must be an initialised account of the mint's token program")]
    InvalidTokenAccount,
    #[msg("the token account is of another mint")]
    TokenAccountOfAnotherMint,
    #[msg("the token account belongs to another owner than the signer")]
    NotTokenOwner,
    #[msg("the token account's amount must be 1")]
    AmountNotOne,
    #[msg("the token account is frozen")]
    TokenFrozen,
    #[msg("the collection is of another registry")]
    CollectionOfAnotherRegistry,
    #[msg("the mint is not in this collection")]
    NotInCollection,
    #[msg("the TokenGroupMember in the mint is for another mint")]
    GroupMemberOfAnotherMint,
    #[msg("the holding account is not the one of this registry and mint")]
    WrongHolding,
    #[msg("the token's leaf exists: a later registration needs the path of its leaf")]
    MissingPath,
    #[msg("the token has no leaf yet: a first registration takes no path")]
    UnexpectedPath,
    #[msg("a token's leaf changes at most once in 60 seconds")]
    ChangedTooRecently,
    #[msg("the holding is already evicted")]
    AlreadyEvicted,
    #[msg(
        "no evidence: the mint is open with supply 1, and no token account with amount 1 of another owner was given"
    )]
    NoEvidence,

    // --- scopes
    #[msg("the circuit's and the registry's depths differ")]
    DepthMismatch,
    #[msg("the circuit's and the registry's leaf formats differ")]
    LeafFormatMismatch,
    #[msg("a gate can't be the zero address: leave it out for a scope without one")]
    ZeroGate,
    #[msg("closes_at must be after opens_at and in the future")]
    BadOpeningTimes,
    #[msg("only the scope's creator may do this")]
    NotScopeCreator,
    #[msg("the scope is closed")]
    ScopeClosed,
    #[msg("the scope opens later: now must be at or after opens_at")]
    ScopeNotOpenYet,
    #[msg("the scope has ended: now must be before closes_at")]
    ScopeEnded,
    #[msg("the scope is still open: rent can be reclaimed once it is closed or past closes_at")]
    ScopeStillOpen,

    // --- verification
    #[msg("the circuit is not the scope's")]
    WrongCircuit,
    #[msg("the scope's gate must sign: verify through the consumer program")]
    GateMustSign,
    #[msg("the proof has expired: expiry is before now")]
    ProofExpired,
    #[msg("claim is not the scope's required claim")]
    WrongClaim,
    #[msg("root is not the scope's snapshot")]
    NotTheSnapshot,
    #[msg("a Live scope needs its registry account")]
    MissingRegistry,
    #[msg("the registry is not the scope's")]
    WrongRegistry,
    #[msg("root is neither the registry's current root nor a kept one that is alive")]
    UnknownRoot,
    #[msg("the scope has an auxiliary registry: auxiliary_root and the registry's account are needed")]
    MissingAuxiliary,
    #[msg("the scope has no auxiliary registry: auxiliary_root must be absent")]
    UnexpectedAuxiliary,
    #[msg("the auxiliary registry is not the scope's")]
    WrongAuxiliaryRegistry,
    #[msg("auxiliary_root is neither the auxiliary registry's current root nor a kept one that is alive")]
    UnknownAuxiliaryRoot,
    #[msg("the proof does not hold for this root, nullifier, scope, claim and context")]
    ProofRefused,
    #[msg("a point of the proof is off the curve, outside its subgroup or not below q")]
    ProofPointInvalid,
    #[msg("the nullifier account is not the address derived from scope and nullifier")]
    WrongNullifierAddress,
    #[msg("this nullifier has been used in this scope")]
    NullifierUsed,

    // --- reclaiming
    #[msg("the nullifier is of another scope")]
    NullifierOfAnotherScope,
    #[msg("rent goes back to the account that paid it")]
    WrongRentPayer,

    // --- arithmetic
    #[msg("a counter or a time is out of range")]
    OutOfRange,
}
