use anchor_lang::prelude::*;

/// Returns an error from the function unless the condition is true. Anchor's macro of this name
/// constructs the error at each place that uses it.
macro_rules! require {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return Err(bauta::errors::refused($error));
        }
    };
}
pub(crate) use require;

/// The errors of this program. Their codes begin at 7000. The codes of bauta begin at 6000, and the
/// runtime reports them as errors of this program if bauta refuses a proof.
#[error_code(offset = 7000)]
#[derive(PartialEq, Eq, bytemuck::CheckedBitPattern)]
pub enum AirdropError {
    #[msg("the scope's gate must be the campaign's address")]
    WrongGate,
    #[msg("the scope must have the mode Snapshot: in the mode Live a member could claim again")]
    NotASnapshot,
    #[msg("the scope must have no required claim and no auxiliary registry")]
    UnfitScope,
    #[msg("the scope is over: it was closed, or closes_at has passed")]
    ScopeIsOver,
    #[msg("the circuit must be the scope's circuit")]
    WrongCircuit,
    #[msg("the circuit must prove version 1 of the statement reputation, with leaf format 2")]
    WrongStatement,
    #[msg(
        "the circuit has a development key, with which anyone can forge proofs: allow it explicitly for tests"
    )]
    DevelopmentKey,
    #[msg("the circuit is suspended or retired")]
    InactiveCircuit,
    #[msg("the domain must be a canonical field element: below the modulus")]
    DomainNotCanonical,
    #[msg("a campaign must have 1 to 8 tiers")]
    WrongTierCount,
    #[msg("the thresholds must be below 1,048,576 and rise; the amounts must be at least 1 and rise")]
    TiersNotRising,
    #[msg("a curve needs floor < cap < 1,048,576 and 1 <= min <= max")]
    InvalidCurve,
    #[msg("max_age must be 7,200 to 2,592,000 seconds")]
    BadMaxAge,
    #[msg("the grace period must be 0 or more seconds, and must end at most 10 years from now")]
    BadGrace,
    #[msg("the token program must be SPL Token or Token-2022, and own the mint")]
    WrongTokenProgram,
    #[msg("the mint is malformed or not initialised")]
    InvalidMint,
    #[msg(
        "the mint has an extension that is not allowed: only metadata, groups and the display of amounts are"
    )]
    MintExtensionRefused,
    #[msg("the vault must be the campaign's associated token account of the mint")]
    WrongVault,
    #[msg("the mint is not the campaign's mint")]
    WrongMint,
    #[msg("the scope is not the campaign's scope")]
    WrongScope,
    #[msg("the campaign has no such tier, or the score is below the campaign's floor")]
    NoSuchTier,
    #[msg("as_of is later than now: wait, or prove for an earlier time")]
    AsOfInTheFuture,
    #[msg("as_of is older than the campaign's max_age: prove again for the current hour")]
    AsOfTooOld,
    #[msg("the vault has fewer tokens than the amount: nothing was used, claim again after a deposit")]
    VaultTooLow,
    #[msg(
        "the account must be the recipient's associated token account of the mint, and the recipient must own it"
    )]
    WrongRecipientAccount,
    #[msg("the return data is not that of this verification by bauta")]
    NotVerified,
    #[msg("only the campaign's authority can sweep its vault")]
    NotTheAuthority,
    #[msg("the vault can be swept only after the grace period: from the campaign's sweep_at on")]
    SweepTooEarly,
    #[msg("the vault is empty")]
    NothingToSweep,
}

/// The first code.
const OFFSET: u32 = 7000;

impl AirdropError {
    /// Returns the error with a code. Returns `None` for codes of other programs.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        // The discriminants of the enum start at 0.
        let number = code.checked_sub(OFFSET)?;
        bytemuck::checked::try_cast(number).ok()
    }
}
