//! An asynchronous client for the parts of Solana's JSON-RPC and subscriptions that Bauta uses.
//!
//! ```text
//!   instructions ──> Rpc::send_and_confirm ──> Confirmation: signature, slot
//!                                                    │
//!   Rpc::signatures_for ── SignatureInfo ──┐         │
//!   Rpc::block ─────────── Block: order ───┼──> Rpc::transaction ──> ExecutedTransaction:
//!   Pubsub::logs, slots ── notifications ──┘              instructions, inner instructions
//! ```
//!
//! * The methods are those of <https://solana.com/docs/rpc>. Amounts are in lamports. Times are in
//!   Unix seconds.
//! * Every call is bounded: [`Options`] limits its duration and the size of the response.
//! * [`RpcError::is_retryable`] says whether the same call may succeed later. This crate does not
//!   retry calls. The only exception is [`Rpc::send_and_confirm`], which sends a transaction again
//!   while it waits for the confirmation.
//! * A transaction is sent without a version, which every cluster accepts, or in version 1, which
//!   may have 4,096 bytes: [`Rpc::send_v1_and_confirm`].
//! * A URL may contain a provider's key. Messages therefore show only scheme, host and port.
//!
//! ```no_run
//! # async fn example() -> Result<(), bauta_rpc::RpcError> {
//! use bauta_rpc::{CommitmentLevel, Page, Rpc};
//!
//! let rpc = Rpc::new("http://127.0.0.1:8899")?;
//! let program = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2".parse().expect("an address");
//! for entry in rpc.signatures_for(&program, &Page::default(), CommitmentLevel::Confirmed).await? {
//!     let transaction = rpc.transaction(&entry.signature, CommitmentLevel::Confirmed).await?;
//!     println!("{:?}", transaction.map(|transaction| transaction.inner_instructions));
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod balances;
mod block;
mod body;
mod client;
mod commitment_level;
mod error;
mod execution_error;
mod history;
mod instruction_data;
mod lookup_table;
mod send;
mod simulation;
mod subscription;
mod transaction;

pub use account::{Account, Filter};
pub use balances::BalanceChange;
pub use block::Block;
pub use body::{BodyError, read_body};
pub use client::{Options, Rpc, is_loopback};
pub use commitment_level::CommitmentLevel;
pub use error::RpcError;
pub use execution_error::ExecutionError;
pub use history::{Page, SignatureInfo, SignatureStatus};
pub use lookup_table::read_lookup_table;
pub use send::{
    Confirmation, MAX_TRANSACTION_BYTES, MAX_V1_TRANSACTION_BYTES, V1Limits, deserialize, serialize, sign,
    sign_v1, unsigned, unsigned_with_table,
};
pub use simulation::{CallSimulation, InvokedInstruction, Simulation};
pub use solana_message::AddressLookupTableAccount;
pub use subscription::{LogsNotification, Pubsub, SlotNotification, Subscription};
pub use transaction::{ExecutedInstruction, ExecutedTransaction, InnerInstruction};
