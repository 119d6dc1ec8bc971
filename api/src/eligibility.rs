//! Which tokens of a wallet can register in a registry of holders, by the checks of the program.
//!
//! ```text
//!   wallet --node--> its token accounts with the amount 1 --node--> their mints
//!          mint, or the group in the mint --database--> the collection, or none: then left out
//!          the program's checks --> eligible, or the program's error
//! ```
//!
//! The node is asked on behalf of clients without a key, so few lookups run at a time, and each has
//! bounds on what it reads.

use std::{collections::BTreeMap, time::Duration};

use anchor_lang::error::Error as AnchorError;
use bauta::token::{Mint, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, TokenAccount};
use bauta_client::ProgramError;
use bauta_rpc::{Account, CommitmentLevel, Options, Rpc, RpcError};
use bauta_store::{Registry, RegistryKind, Store, StoreError};
use solana_address::Address;
use tokio::sync::Semaphore;

/// Limits of a request to the node. A token account has about 350 bytes in the response.
const OPTIONS: Options = Options {
    timeout: Duration::from_secs(5),
    max_response_bytes: 16 << 20,
};
/// Largest number of tokens of a wallet that are looked at.
const MAX_TOKENS: usize = 1_000;
/// Largest number of lookups at a time.
const MAX_LOOKUPS: usize = 4;
/// The part of a token account that is read: the plain account and its type in Token-2022.
const TOKEN_ACCOUNT_BYTES: usize = 166;

/// Why the tokens of a wallet can't be looked up.
#[derive(Debug, thiserror::Error)]
pub enum EligibilityError {
    /// The service has no node.
    #[error("this service has no node (SOLANA_RPC_URL), so it can't look up tokens")]
    NoNode,
    /// Members of other registries don't register tokens.
    #[error("the registry is of the kind {kind}; only registries of holders accept tokens")]
    WrongKind {
        /// The kind of the registry.
        kind: &'static str,
    },
    /// Too many lookups run.
    #[error("too many wallets are being looked up (limit {MAX_LOOKUPS}); retry later")]
    Busy,
    /// The wallet has more tokens than the limit.
    #[error(
        "the wallet has more tokens than a lookup reads (limit {MAX_TOKENS}); check a token by registering it"
    )]
    TooManyTokens,
    /// The node failed.
    #[error(transparent)]
    Node(RpcError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token of the wallet that belongs to a collection of the registry.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    /// The mint.
    pub mint: Address,
    /// The track that the token registers in.
    pub track: u64,
    /// The error with which the program would refuse the token.
    pub refused: Option<ProgramError>,
}

/// Looks tokens up.
pub struct Eligibility {
    node: Option<Rpc>,
    lookups: Semaphore,
}

/// A token account of the wallet with the amount 1.
struct Held {
    program: Address,
    frozen: bool,
}

impl Eligibility {
    /// Uses the node at this URL, if there is one. Doesn't connect.
    pub fn new(node: Option<&str>) -> Result<Self, RpcError> {
        Ok(Self {
            node: node.map(|url| Rpc::with_options(url, OPTIONS)).transpose()?,
            lookups: Semaphore::new(MAX_LOOKUPS),
        })
    }

    /// Returns the tokens of a wallet that belong to a collection of the registry, ordered by mint.
    pub async fn tokens(
        &self,
        store: &Store,
        registry: &Registry,
        owner: Address,
    ) -> Result<Vec<Token>, EligibilityError> {
        let node = self.node.as_ref().ok_or(EligibilityError::NoNode)?;
        if registry.kind != RegistryKind::Holders {
            let kind = registry.kind.as_str();
            return Err(EligibilityError::WrongKind { kind });
        }
        let _permit = self.lookups.try_acquire().map_err(|_| EligibilityError::Busy)?;
        let held = held(node, owner).await?;
        let mints: Vec<Address> = held.keys().copied().collect();
        let accounts = node.accounts(&mints, CommitmentLevel::Confirmed).await;
        let accounts = accounts.map_err(not_too_long)?;
        let groups = accounts.iter().map(|(_, account)| group(account.as_ref()));
        let groups: Vec<Option<Address>> = groups.collect();
        let keys: Vec<Address> = mints.iter().chain(groups.iter().flatten()).copied().collect();
        let collections = store.collections_with_keys(registry, &keys).await?;
        let mut tokens = Vec::new();
        for (((mint, held), (_, account)), group) in held.iter().zip(&accounts).zip(&groups) {
            for collection in &collections {
                let belongs = if collection.is_group {
                    *group == Some(collection.key)
                } else {
                    collection.key == *mint
                };
                if belongs {
                    let checked = check(mint, held, account.as_ref(), collection.is_group);
                    tokens.push(Token {
                        mint: *mint,
                        track: collection.track,
                        refused: checked.err().map(|error| program_error(&error)),
                    });
                }
            }
        }
        Ok(tokens)
    }
}

/// Returns the token accounts of a wallet with the amount 1, by mint.
async fn held(node: &Rpc, owner: Address) -> Result<BTreeMap<Address, Held>, EligibilityError> {
    let mut held = BTreeMap::new();
    for program in [TOKEN_PROGRAM, TOKEN_2022_PROGRAM] {
        let accounts = node
            .token_accounts(&owner, &program, TOKEN_ACCOUNT_BYTES, CommitmentLevel::Confirmed)
            .await
            .map_err(not_too_long)?;
        for account in accounts {
            let token = TokenAccount::read(&account.owner, &account.data);
            if let Ok(token) = token
                && token.owner == owner
                && token.amount == 1
            {
                let program = account.owner;
                let frozen = token.frozen;
                held.insert(token.mint, Held { program, frozen });
                if held.len() > MAX_TOKENS {
                    return Err(EligibilityError::TooManyTokens);
                }
            }
        }
    }
    Ok(held)
}

fn not_too_long(error: RpcError) -> EligibilityError {
    match error {
        RpcError::ResponseTooLong { .. } => EligibilityError::TooManyTokens,
        error => EligibilityError::Node(error),
    }
}

/// Returns the group that the mint says it is a member of.
fn group(mint: Option<&Account>) -> Option<Address> {
    let mint = mint?;
    let member = Mint::read(&mint.owner, &mint.data).ok()?.group_member().ok()??;
    Some(member.group)
}

/// Checks a token as `register_holder` does.
fn check(mint: &Address, held: &Held, account: Option<&Account>, is_group: bool) -> anchor_lang::Result<()> {
    use bauta::errors::BautaError;
    let account = account.ok_or(BautaError::NotAMint)?;
    let read = Mint::read(&account.owner, &account.data)?;
    read.check_unique()?;
    if is_group && read.group_member()?.is_none_or(|member| member.mint != *mint) {
        return Err(BautaError::GroupMemberOfAnotherMint.into());
    }
    if held.program != account.owner {
        return Err(BautaError::InvalidTokenAccount.into());
    }
    if held.frozen {
        return Err(BautaError::TokenFrozen.into());
    }
    Ok(())
}

fn program_error(error: &AnchorError) -> ProgramError {
    let code = match error {
        AnchorError::AnchorError(error) => error.error_code_number,
        AnchorError::ProgramError(_) => 0,
    };
    ProgramError::from_code(code)
}
