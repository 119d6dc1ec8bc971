//! A local SVM with the program's ELF, real NFTs and holders, for tests, benchmarks and the demo.
//!
//! ```text
//!   World ── send ──> LiteSVM: loader, SPL Token, Token-2022, bauta.so ──> Sent | Refused
//!     |
//!     ├── create_registry, holder, enter, evict, append, replace    TestRegistry keeps a ReferenceTree beside the chain's
//!     ├── create_scope, prove, verify                               proofs real, or by a TrapdoorKey in a moment
//!     └── mint, transfer_nft, burn_nft                              tokens as the token programs make them
//! ```
//!
//! ```
//! use bauta_program_test::{RegistrySpec, ScopeSpec, World};
//!
//! let mut world = World::new();
//! let mut registry = world.create_registry(RegistrySpec::default());
//! let member = world.holder(&mut registry, 5);
//! let scope = world.create_scope(&registry, &ScopeSpec::default());
//!
//! let verify = world.prove(&registry, &member, &scope);
//! let sent = world.verify(&verify, &[]).expect("a member's first use");
//! println!("{} compute units", sent.compute_units);
//! assert_eq!(world.verify(&verify, &[]).unwrap_err().name(), "NullifierUsed");
//! ```
//!
//! Everything is deterministic: keys come from names ([`keypair`]), the clock moves only by [`World::wait`].

mod elf;
mod keys;
pub mod measure;
mod registries;
mod scopes;
mod sent;
mod tokens;
mod trapdoor;
mod world;

pub use elf::{ELF_VARIABLE, Elf};
pub use keys::{keypair, seed};
pub use registries::{Member, OnChainPath, RegistrySpec, TestRegistry};
pub use scopes::{ScopeSpec, TestScope, Wish, statement_name};
pub use sent::{Refused, Sent, assert_refused, with_bytes};
pub use tokens::{MintExtension, MintSpec, Nft, SPL_TOKEN, TOKEN_2022};
pub use trapdoor::{TrapdoorKey, g2_outside_subgroup};
pub use world::{BEGINNING, MAX_TRANSACTION_BYTES, World};
