//! An asynchronous client for the parts of Solana's JSON-RPC and subscriptions that Bauta uses.
//!
//! ```text
//!   instructions ──> Rpc::send_and_confirm ──> Confirmed: signature, slot
//!                                                  │
//!   Rpc::signatures_for ── Entry: which ──┐        │
//!   Rpc::block ─────────── Block: order ──┼──> Rpc::transaction ──> Record: instructions and inner instructions,
//!   Pubsub::logs, slots ── at once ───────┘                         programs and accounts by address
//! ```
//!
//! * Methods are those of <https://solana.com/docs/rpc>; amounts are in lamports, times in Unix seconds.
//! * Every call has an end: [`Options`] bounds its time and the answer's length.
//! * [`RpcError::is_transient`] says whether the same call may succeed later. Nothing is tried again here, but a
//!   transaction that is waited for.
//! * A URL may hold a provider's key, so messages name the host alone.
//!
//! ```no_run
//! # async fn example() -> Result<(), bauta_rpc::RpcError> {
//! use bauta_rpc::{Commitment, Page, Rpc};
//!
//! let rpc = Rpc::new("http://127.0.0.1:8899")?;
//! let program = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2".parse().expect("an address");
//! for entry in rpc.signatures_for(&program, &Page::default(), Commitment::Confirmed).await? {
//!     let record = rpc.transaction(&entry.signature, Commitment::Confirmed).await?;
//!     println!("{:?}", record.map(|record| record.inner));
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod block;
mod call;
mod commitment;
mod error;
mod history;
mod record;
mod send;
mod subscription;

pub use account::{Account, Filter};
pub use block::Block;
pub use call::{Options, Rpc};
pub use commitment::Commitment;
pub use error::RpcError;
pub use history::{Entry, Page, Status};
pub use record::{Call, InnerCall, Record};
pub use send::{Confirmed, sign};
pub use subscription::{Logs, Pubsub, Slot, Subscription};
