use anchor_lang::prelude::*;

/// Returns an error from the function unless the condition is true.
///
/// Anchor's macro of this name constructs the error, with copies of its texts, at each place that
/// uses it. This macro calls [`refused`], which keeps the ELF small.
macro_rules! require {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return Err($crate::errors::refused($error));
        }
    };
}
pub(crate) use require;

/// Creates the error of a refusal. The attributes keep its code in one place.
#[cold]
#[inline(never)]
pub fn refused<E: Into<Error>>(error: E) -> Error {
    error.into()
}

/// Defines the errors.
///
/// Anchor's `#[error_code]` copies the texts of each error into code, which makes the ELF about 37
/// kB longer. So that attribute writes only the IDL. In the ELF, the texts are one string.
macro_rules! errors {
    ($(#[$attribute:meta])* pub enum $enum:ident { $(#[msg($message:tt)] $name:ident,)* }) => {
        #[cfg(feature = "idl-build")]
        #[error_code]
        $(#[$attribute])*
        pub enum $enum {
            $(#[msg($message)] $name,)*
        }

        $(#[$attribute])*
        #[cfg(not(feature = "idl-build"))]
        #[derive(Debug, Clone, Copy)]
        #[repr(u32)]
        pub enum $enum {
            $($name,)*
        }

        /// The name and the message of each error, in the order of the codes. A zero byte ends each
        /// text.
        #[cfg(not(feature = "idl-build"))]
        const TEXTS: &str = concat!($(stringify!($name), "\0", $message, "\0",)*);
        /// The positions of the zero bytes.
        #[cfg(not(feature = "idl-build"))]
        static ENDS: [usize; 2 * [$($enum::$name,)*].len()] = ends(TEXTS.as_bytes());
    };
}

#[cfg(not(feature = "idl-build"))]
const fn ends<const N: usize>(texts: &[u8]) -> [usize; N] {
    let mut ends = [0; N];
    let (mut at, mut count) = (0, 0);
    while at < texts.len() {
        if texts[at] == 0 {
            ends[count] = at;
            count += 1;
        }
        at += 1;
    }
    ends
}

#[cfg(not(feature = "idl-build"))]
impl BautaError {
    /// Returns the name of the error.
    #[must_use]
    pub fn name(self) -> String {
        self.text(0).to_owned()
    }

    /// Returns the name (0) or the message (1).
    fn text(self, which: usize) -> &'static str {
        let number = 2 * self as usize + which;
        let start = if number == 0 { 0 } else { ENDS[number - 1] + 1 };
        TEXTS.get(start..ENDS[number]).unwrap_or_default()
    }
}

#[cfg(not(feature = "idl-build"))]
impl std::fmt::Display for BautaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text(1))
    }
}

#[cfg(not(feature = "idl-build"))]
impl From<BautaError> for u32 {
    fn from(error: BautaError) -> Self {
        error as Self + anchor_lang::error::ERROR_CODE_OFFSET
    }
}

#[cfg(not(feature = "idl-build"))]
impl From<BautaError> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: BautaError) -> Self {
        Self::from(anchor_lang::error::AnchorError {
            error_name: error.name(),
            error_code_number: error.into(),
            error_msg: error.text(1).to_owned(),
            error_origin: None,
            compared_values: None,
        })
    }
}

errors! {
/// The errors of the program. Codes start at 6000 and follow this order. New errors are added at
/// the end.
#[derive(PartialEq, Eq, bytemuck::CheckedBitPattern)]
pub enum BautaError {
    // --- configuration
    #[msg("the signer is not the program's upgrade authority")]
    NotUpgradeAuthority,
    #[msg("admin is the zero address: give the address of a signer")]
    ZeroAdmin,
    #[msg("the signer is not the admin in Config")]
    NotAdmin,
    #[msg("the signer is not the pending admin in Config")]
    NotPendingAdmin,
    #[msg("the program is paused: it refuses verifications until the admin resumes it")]
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
    #[msg("commitment is zero: it must be the Poseidon1 hash of a secret")]
    ZeroCommitment,
    #[msg("a leaf is not a canonical field element: it must be below the BN254 scalar modulus r")]
    LeafNotCanonical,
    #[msg("required_claim is not a canonical field element: it must be below the BN254 scalar modulus r")]
    RequiredClaimNotCanonical,
    #[msg("a path sibling is not a canonical field element: it must be below the BN254 scalar modulus r")]
    PathNotCanonical,
    #[msg("tree depth is not supported: the protocol has depths 10 and 16")]
    UnknownDepth,
    #[msg("leaf_format is zero: leaf formats start at 1")]
    ZeroLeafFormat,

    // --- circuits
    #[msg("statement must be a name of 1 to 32 visible ASCII characters, zero-padded to 32 bytes")]
    BadStatementName,
    #[msg("version is zero: statement versions start at 1")]
    ZeroVersion,
    #[msg(
        "development keys are not allowed: the program was initialised without them, because anyone can forge proofs with such a key"
    )]
    DevelopmentKeyRefused,
    #[msg("transcript_hash is zero: a ceremony key needs the hash of its transcript")]
    MissingTranscript,
    #[msg(
        "two of the verifying key's points beta, gamma and delta are equal up to sign: anyone could forge proofs"
    )]
    ForgeableKey,
    #[msg("the verifying key has a point at infinity")]
    KeyPointAtInfinity,
    #[msg(
        "the verifying key has a point that is not on its curve, is outside its subgroup, or has a coordinate that is not below q"
    )]
    KeyPointInvalid,
    #[msg("the circuit is retired: it accepts no new scopes and no verifications")]
    CircuitRetired,

    // --- registries
    #[msg("the signer is not the registry's authority")]
    NotRegistryAuthority,
    #[msg("the registry has the wrong kind for this instruction")]
    WrongRegistryKind,
    #[msg("depth must be 10 for registries of kind Holders and Managed")]
    WrongDepthForKind,
    #[msg("leaf_format must be 1 (track) for registries of kind Holders")]
    WrongLeafFormatForKind,
    #[msg("root_ttl is out of range: it must be from 60 seconds to 30 days (2,592,000 seconds)")]
    RootTtlOutOfRange,
    #[msg(
        "the Tree account is missing or unexpected: registries of kind Holders and Managed need one, and registries of kind Attested have none"
    )]
    WrongTreePresence,
    #[msg("the Tree account must be owned by this program")]
    TreeNotOwned,
    #[msg("the Tree account has the wrong size: it must have exactly 54,936 bytes")]
    TreeWrongSize,
    #[msg("the Tree account is already in use: create a new one")]
    TreeInUse,
    #[msg("the Tree account is not rent-exempt")]
    TreeNotRentExempt,
    #[msg("the Tree account belongs to another registry")]
    TreeOfAnotherRegistry,
    #[msg("the registry is sealed: no collection can be added")]
    RegistrySealed,

    // --- tree
    #[msg("the batch is empty: it must have 1 to 128 leaves")]
    EmptyBatch,
    #[msg("the batch is too large: it must have 1 to 128 leaves")]
    BatchTooLarge,
    #[msg("a leaf is zero: the empty leaf can't be appended")]
    AppendedEmptyLeaf,
    #[msg("the tree is full: it has 1,048,576 leaves")]
    TreeFull,
    #[msg("there is no leaf at this index: the index must be below the registry's next_index")]
    IndexNotAppended,
    #[msg(
        "the old leaf and the path don't lead to the node in the tree: the path is older than the last 64 changes, or the old leaf is wrong; fetch a new path"
    )]
    StalePath,

    // --- tokens and holders
    #[msg("the mint account must be owned by SPL Token or Token-2022")]
    NotAMint,
    #[msg("the mint account is not an initialised mint")]
    InvalidMint,
    #[msg("the mint's supply must be 1")]
    SupplyNotOne,
    #[msg("the mint's decimals must be 0")]
    DecimalsNotZero,
    #[msg("the mint must have no mint authority other than its edition account, which must then be given")]
    HasMintAuthority,
    #[msg(
        "the mint has the extension MintCloseAuthority: it could be closed and created again, unless the authority is its metadata account, which must then be given"
    )]
    HasMintCloseAuthority,
    #[msg("the mint has the extension PermanentDelegate: the delegate could take the token from its holder")]
    HasPermanentDelegate,
    #[msg(
        "the mint has an extension for confidential transfers or for confidential mint and burn: its holder is not visible"
    )]
    HasConfidentialExtension,
    #[msg("the token account must be an initialised token account of the mint's token program")]
    InvalidTokenAccount,
    #[msg("the token account belongs to another mint")]
    TokenAccountOfAnotherMint,
    #[msg("the owner of the token account or of the asset must be the signer")]
    NotTokenOwner,
    #[msg("the token account's amount must be 1")]
    AmountNotOne,
    #[msg(
        "the token account is frozen: it must be thawed first; for a programmable token, give the metadata account"
    )]
    TokenFrozen,
    #[msg("the collection belongs to another registry")]
    CollectionOfAnotherRegistry,
    #[msg("the asset is not in this collection")]
    NotInCollection,
    #[msg("the TokenGroupMember extension in the mint names another mint")]
    GroupMemberOfAnotherMint,
    #[msg("the holding account is not the one of this registry and mint")]
    WrongHolding,
    #[msg(
        "the path is missing: the token already has a leaf, and a later registration needs the path of that leaf"
    )]
    MissingPath,
    #[msg("the path is unexpected: the token has no leaf, and a first registration takes no path")]
    UnexpectedPath,
    #[msg("the token's leaf changed less than 60 seconds ago: send the transaction later")]
    ChangedTooRecently,
    #[msg("the holding is already evicted")]
    AlreadyEvicted,
    #[msg(
        "there is no evidence that the asset moved, is gone, or left a collection with the rule LEAVING; for a token that moved, give the token account of another owner with amount 1"
    )]
    NoEvidence,

    // --- scopes
    #[msg("the circuit and the registry have different depths")]
    DepthMismatch,
    #[msg("the circuit and the registry have different leaf formats")]
    LeafFormatMismatch,
    #[msg("gate is the zero address: omit it for a scope without a gate")]
    ZeroGate,
    #[msg("closes_at must be later than opens_at and later than now")]
    BadOpeningTimes,
    #[msg("the signer is not the scope's creator")]
    NotScopeCreator,
    #[msg("the scope is closed")]
    ScopeClosed,
    #[msg("the scope is not open yet: it opens at opens_at")]
    ScopeNotOpenYet,
    #[msg("the scope has ended: closes_at has passed")]
    ScopeEnded,
    #[msg("the scope is still open: rent can be reclaimed after the scope is closed or closes_at has passed")]
    ScopeStillOpen,

    // --- verification
    #[msg("the circuit is not the scope's circuit")]
    WrongCircuit,
    #[msg("the scope's gate must sign: call verify through the consumer program")]
    GateMustSign,
    #[msg("the proof has expired: expiry is earlier than now")]
    ProofExpired,
    #[msg("claim is not the scope's required claim")]
    WrongClaim,
    #[msg("root is not the scope's snapshot root")]
    NotTheSnapshot,
    #[msg("the registry account is missing: a scope of mode Live needs it")]
    MissingRegistry,
    #[msg("the registry is not the scope's registry")]
    WrongRegistry,
    #[msg("root is neither the registry's current root nor a kept root that has not expired")]
    UnknownRoot,
    #[msg("auxiliary_root or the auxiliary registry account is missing: the scope has an auxiliary registry")]
    MissingAuxiliary,
    #[msg("auxiliary_root is unexpected: the scope has no auxiliary registry")]
    UnexpectedAuxiliary,
    #[msg("the auxiliary registry is not the scope's auxiliary registry")]
    WrongAuxiliaryRegistry,
    #[msg(
        "auxiliary_root is neither the auxiliary registry's current root nor a kept root that has not expired"
    )]
    UnknownAuxiliaryRoot,
    #[msg("the proof does not hold for this root, nullifier, scope, claim and context")]
    ProofRefused,
    #[msg(
        "the proof has a point that is not on its curve, is outside its subgroup, or has a coordinate that is not below q"
    )]
    ProofPointInvalid,
    #[msg("the nullifier account is not the address derived from scope and nullifier")]
    WrongNullifierAddress,
    #[msg("the nullifier is already used in this scope")]
    NullifierUsed,

    // --- reclaiming
    #[msg("rent_payer must be the account that paid the rent")]
    WrongRentPayer,

    // --- arithmetic
    #[msg("a counter or a time is out of range")]
    OutOfRange,

    // --- added later
    #[msg(
        "the mint has the extension TransferFeeConfig: the fee on an amount of 1 is the whole token, so a transfer would leave no evidence for an eviction"
    )]
    HasTransferFee,
    #[msg("the mint has an extension that this program does not know: only known extensions are accepted")]
    UnknownMintExtension,
    #[msg("the auxiliary registry is missing: the circuit's statement needs one")]
    MissingAuxiliaryRegistry,
    #[msg("the auxiliary registry is unexpected: the circuit's statement needs none")]
    UnexpectedAuxiliaryRegistry,
    #[msg("the auxiliary registry has another leaf format than the circuit's auxiliary_format")]
    AuxiliaryFormatMismatch,
    #[msg("the auxiliary registry must have depth 10")]
    AuxiliaryDepthMismatch,
    #[msg(
        "expected_root is neither the registry's current root nor a kept root that has not expired: read the root again and check its members"
    )]
    UnexpectedRoot,
    #[msg(
        "the circuit is suspended: it accepts no new scopes and no verifications until the admin resumes it"
    )]
    CircuitSuspended,
    #[msg("the circuit is not suspended")]
    CircuitNotSuspended,
    #[msg("the circuit's retirement is already scheduled: cancel it before you schedule it again")]
    RetirementScheduled,
    #[msg("no retirement of the circuit is scheduled")]
    RetirementNotScheduled,
    #[msg(
        "closes_at is after the circuit's retires_at: the scope would accept no proof from then on; choose an earlier closes_at or another circuit"
    )]
    ScopeOutlivesCircuit,

    // --- collections
    #[msg("rules has a bit that collections of this kind don't have")]
    UnknownRule,
    #[msg("the edition account must be the mint's edition account of Token Metadata, of a master or a print")]
    WrongEdition,
    #[msg("the token is a print: the collection does not have the rule PRINTS")]
    PrintRefused,
    #[msg("the token must be a print: the collection has the prints of a master")]
    NotAPrint,
    #[msg("the print is one of another master")]
    PrintOfAnotherMaster,
    #[msg("the metadata is missing, or the account is not the mint's metadata account of Token Metadata")]
    WrongMetadata,
    #[msg("the metadata is malformed, or has a token standard that this program does not know")]
    InvalidMetadata,
    #[msg("the metadata names the collection, but the collection's authority has not verified it")]
    CollectionNotVerified,
    #[msg("the token record is missing, or is not the record of this token account")]
    WrongTokenRecord,
    #[msg("the asset is locked or frozen: unlock it first, or the collection needs the rule LOCKED")]
    AssetLocked,
    #[msg("the account must be an asset of Metaplex Core that is stored whole: decompress it first")]
    NotACoreAsset,
    #[msg("the Core asset is malformed")]
    InvalidCoreAsset,
    #[msg("the Core collection account must be given exactly if the asset has a collection, and be that one")]
    WrongCoreCollection,
    #[msg(
        "the asset or its collection has a plugin that this program does not know: only known plugins are accepted"
    )]
    UnknownPlugin,
    #[msg(
        "the asset or its collection has the plugin PermanentTransferDelegate: the issuer could move the asset, and the collection does not have the rule ISSUER_MOVES"
    )]
    HasPermanentTransferDelegate,
    #[msg("the collection is not the one that the holder registered with")]
    WrongCollection,
    #[msg("the asset is compressed: the collection does not have the rule COMPRESSED")]
    CompressedRefused,
    #[msg("the tree must be well-formed, and have been created without leaves")]
    InvalidTree,
    #[msg("the tree must be one of Bubblegum, and tree_config its TreeConfig of the same version")]
    NotABubblegumTree,
    #[msg("the leaf has a flag that this program does not know: only known flags are accepted")]
    UnknownFlag,
    #[msg(
        "the issuer could move the compressed asset or create it again: the asset is not bound to its owner or is its own collection, and the collection does not have the rule ISSUER_MOVES"
    )]
    IssuerCanMove,
    #[msg("the proof must have exactly one node for each level of the tree below its canopy")]
    WrongProofLength,
    #[msg(
        "the leaf and the proof don't lead to the tree's current root: the leaf has other contents, or the proof is stale; fetch both again"
    )]
    StaleProof,
    #[msg("the account is not the signer's staged path")]
    WrongStaged,
    #[msg(
        "a delegate that is not the owner could move the asset or burn it, and the collection does not have the rule ISSUER_MOVES"
    )]
    HasIssuerDelegate,
    #[msg("the registry has 65,535 collections, and it can't have more")]
    TooManyCollections,
    #[msg("the tree must be owned by SPL's or Metaplex's compression program")]
    WrongTreeProgram,
    #[msg("the tree has no leaf with this index: the index must be below 2 to the power of the tree's depth")]
    IndexOutOfTree,
    #[msg("the Core collection is malformed")]
    InvalidCoreCollection,
    #[msg("the token record has a state that this program does not know")]
    UnknownTokenState,
    #[msg("the tree's TreeConfig does not exist: the tree is closed, or Bubblegum does not control it")]
    TreeClosed,
}
}
