//! Why a relay is refused, and why the relay can't start.

use std::path::PathBuf;

use bauta_client::ProgramError;
use bauta_rpc::RpcError;
use bauta_store::StoreError;
use solana_address::Address;

use super::request::{MAX_DELAY_SECONDS, MIN_VALIDITY_SECONDS};
use crate::verifier::VerificationError;

/// Why a request is not relayed. Nothing was paid and nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The proof names another relayer, or none. Another sender could send it first.
    #[error("the proof's relayer is not a wallet of this service; prove with one of GET /v1/relay")]
    OtherRelayer,
    /// The operator doesn't pay for this scope.
    #[error(
        "this service doesn't sponsor the scope; GET /v1/scopes/{{scope}} lists the fees that it accepts there"
    )]
    NotSponsored,
    /// An operator has paused the sponsorship of all scopes.
    #[error(
        "the operator of this service has paused the sponsorship of relays; use another fee that GET /v1/relay lists, or \
         retry later"
    )]
    SponsorshipPaused,
    /// The scope is Live or has no end.
    #[error(
        "this service doesn't sponsor scopes of the mode live or without an end: their rent is never returned, or each \
         registration allows another verification; GET /v1/scopes/{{scope}} lists the fees that it accepts there"
    )]
    OpenEnded,
    /// The service doesn't accept the kind of fee.
    #[error("this service doesn't accept the fee in_transaction; use a fee that GET /v1/relay lists")]
    FeeNotAccepted,
    /// The API key may relay, but its owner has no budget.
    #[error("the API key has no budget for relays; request one from the operator")]
    NoKeyBudget,
    /// The scope has a gate, which must sign.
    #[error("the scope has a gate, which must sign; name the call of its program in consumer")]
    Gated,
    /// The scope has no gate, but the request has a call of a consumer program.
    #[error("the scope has no gate; omit consumer")]
    NotGated,
    /// The operator hasn't listed the instruction of the consumer program.
    #[error(
        "this service doesn't call this instruction of the consumer program; GET /v1/relay lists those it calls"
    )]
    ConsumerNotListed,
    /// The accounts of the call are not those that the operator's entry requires.
    #[error(
        "the accounts of the call must have the payer at position {payer} (the wallet, or the recipient with the fee \
         in_transaction) and the relayer at position {relayer}, and no wallet of this service elsewhere"
    )]
    ConsumerAccounts {
        /// The position of the payer.
        payer: usize,
        /// The position of the relayer.
        relayer: usize,
    },
    /// The ELF of the consumer program is not the one that the operator listed.
    #[error(
        "the consumer program is not the one that the operator listed: its ELF has another hash; the operator must \
         list the new one in RELAY_CONSUMERS"
    )]
    ConsumerChanged,
    /// The consumer program takes more from the wallet than the operator allows.
    #[error(
        "the call takes {lost} lamports from the wallet; the operator allows {allowed}: reduce the cost of the call"
    )]
    ConsumerTooExpensive {
        /// Lamports that the wallet would lose.
        lost: i128,
        /// Lamports that it may lose.
        allowed: i128,
    },
    /// The balance of the wallet changed during each simulation.
    #[error("the balance of the wallet changed during each simulation; retry later")]
    BalanceMoves,
    /// The transaction can't be built. It is too long, for example.
    #[error(transparent)]
    NotBuilt(RpcError),
    /// The recipient is a wallet of this service.
    #[error(
        "the recipient, who pays the fee in_transaction, is a wallet of this service; name another recipient"
    )]
    OwnRecipient,
    /// The signed transaction is not the one that the recipient should sign.
    #[error("signed_transaction {0}; request a new transaction without signed_transaction")]
    CoSignature(&'static str),
    /// The signed transaction is too old.
    #[error(
        "the blockhash of signed_transaction has expired; request a new transaction without signed_transaction"
    )]
    BlockhashExpired,
    /// The scope does not accept verifications now.
    #[error("the scope is {state}; opens_at and closes_at of GET /v1/scopes/{{scope}} are its times")]
    ScopeNotOpen {
        /// `not open yet` or `closed`.
        state: &'static str,
    },
    /// The circuit is retired or suspended.
    #[error("the scope's circuit is retired or suspended; use a scope with an active circuit")]
    CircuitInactive,
    /// The scope accepts another claim.
    #[error("the scope accepts only the claim {required}; make a proof with this claim")]
    OtherClaim {
        /// The only accepted claim.
        required: String,
    },
    /// The auxiliary root is missing, or the scope has no auxiliary registry.
    #[error("the scope {0}")]
    AuxiliaryRoot(&'static str),
    /// The proof ends too early.
    #[error(
        "the proof expires too early: it must be valid for {MIN_VALIDITY_SECONDS} s after max_delay_seconds (at most \
         {MAX_DELAY_SECONDS}); make a proof that expires later, or reduce max_delay_seconds"
    )]
    ExpiresSoon,
    /// The root is not accepted.
    #[error(
        "the scope doesn't accept the root; make a proof for the scope's own root (mode snapshot), or for \
         a current root of its registry (mode live)"
    )]
    RootNotValid,
    /// The nullifier is used.
    #[error("the nullifier was used in the scope; an entry is used at most once in a scope")]
    NullifierUsed,
    /// Another request has a relay for the nullifier.
    #[error("another request for this nullifier is being relayed; retry after that relay has ended")]
    InFlight,
    /// Two transactions for the nullifier failed.
    #[error(
        "two transactions for this nullifier failed, so it is no longer relayed; make a proof for another \
         relayer or for none, and send its transaction without this service"
    )]
    FailedTwice,
    /// The proof is not valid for these values.
    #[error(
        "the proof is not valid for these values; make it for the root, claim, recipient, relayer, expiry and payload \
         of the request"
    )]
    ProofRefused,
    /// The program would refuse the verification.
    #[error("the program would refuse the verification: {}", .program.as_ref().map_or(.message.clone(), ToString::to_string))]
    Simulation {
        /// The program's error, if it is one.
        program: Option<ProgramError>,
        /// The error of the runtime.
        message: String,
    },
    /// The budget of the day is used up: that of the scope, or of the owner of the API key.
    #[error("the budget that pays for this relay is used up for today (UTC); retry after midnight")]
    BudgetExhausted,
    /// The wallet is at its floor.
    #[error("the wallet can't pay for further relays now; prove with another one of GET /v1/relay")]
    WalletExhausted,
    /// The wallet has too many open relays.
    #[error("the wallet has too many relays that have not ended; retry later")]
    TooManyOpen,
    /// The owner of the API key has too many open relays.
    #[error(
        "the owner of the API key has too many relays that have not ended (RELAY_MAX_OPEN_PER_KEY); retry later"
    )]
    TooManyOpenOfKey,
    /// The service is shutting down.
    #[error("the service is shutting down; retry later")]
    Busy,
    /// The nodes contradict each other. One of them is behind or wrong.
    #[error("the nodes of the relay contradict each other; retry later")]
    NodesDisagree,
    /// No node answers.
    #[error("no node of the relay answers; retry later")]
    NodesUnavailable,
    /// The node failed. What it wrote is not shown, because it can have addresses of a request.
    #[error("{}", .0.summary())]
    Node(#[from] RpcError),
    /// The proof can't be verified now.
    #[error(transparent)]
    Verification(#[from] VerificationError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of this service.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Why the relay can't start.
#[derive(Debug, thiserror::Error)]
pub enum RelaySetupError {
    /// `RELAY_KEY` is missing.
    #[error("RELAY_PAYERS is set, but RELAY_KEY is not; generate it with `openssl rand -hex 32`")]
    NoKey,
    /// `RELAY_KEY` isn't a key.
    #[error("RELAY_KEY must be 64 hexadecimal digits: generate it with `openssl rand -hex 32`")]
    InvalidKey,
    /// There is no node.
    #[error("RELAY_PAYERS is set, but there is no node; set RELAY_RPC_URLS or SOLANA_RPC_URL")]
    NoNode,
    /// A key file can't be read.
    #[error("the key file {} can't be read: {error}", .file.display())]
    Unreadable {
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// A key file isn't a key.
    #[error(
        "the key file {} is not a keypair: it must be a JSON list of 64 numbers, as `solana-keygen new` writes it",
        .file.display()
    )]
    InvalidKeyFile {
        /// The path of the file.
        file: PathBuf,
    },
    /// The program was built without the key store.
    #[error(
        "RELAY_PAYERS has a key of {0}, but this program was built without the feature {0}; build it with the feature"
    )]
    StoreNotBuilt(&'static str),
    /// A key of Vault needs a server.
    #[error("RELAY_PAYERS has a key of vault, but RELAY_VAULT_URL or RELAY_VAULT_TOKEN is not set")]
    NoVault,
    /// The URL of Vault can't be used.
    #[error("RELAY_VAULT_URL must begin with https:// (http:// only for this machine), without a query")]
    VaultUrl,
    /// The client of a key store can't be created.
    #[error("the key store {store}: {reason}")]
    KeyStore {
        /// The name of the store.
        store: &'static str,
        /// The error of the key store's client.
        reason: String,
    },
    /// Two entries have the same key.
    #[error("RELAY_PAYERS has the wallet {0} twice")]
    SameWallet(Address),
    /// A scope is listed twice.
    #[error("RELAY_SPONSORED has {0} twice")]
    SameScope(String),
    /// An API key is listed twice.
    #[error("RELAY_KEY_BUDGETS has {0} twice")]
    SameKey(String),
    /// An instruction fits two entries.
    #[error(
        "RELAY_CONSUMERS has {0} twice, its program with two hashes, or a discriminator that begins with another one of its \
         program; list each instruction once"
    )]
    SameConsumer(String),
    /// A node is listed twice.
    #[error("RELAY_RPC_URLS has the node {0} twice; two nodes that agree must be two nodes")]
    SameNode(String),
    /// The URL of a node is invalid.
    #[error("a node of the relay (RELAY_RPC_URLS): {0}")]
    Node(#[from] RpcError),
}
