//! A test chain: the program's ELF, the token programs and members in a local Solana VM
//! (`LiteSVM`).
//!
//! ```text
//!   TestChain ── send ──> `LiteSVM`: loader, SPL Token, Token-2022, bauta.v3.so
//!     |                      └──> Receipt | Refusal
//!     ├── create_registry, add_holder, evict_holder, append_leaves
//!     |                                     TestRegistry also keeps a ReferenceTree
//!     ├── create_scope, prove, verify       with real keys, or fast with a TrapdoorKey
//!     └── mint, transfer_nft, burn_nft      by the real token programs
//! ```
//!
//! ```
//! use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain};
//!
//! let mut chain = TestChain::new();
//! let mut registry = chain.create_registry(RegistrySpec::default());
//! let member = chain.add_holder(&mut registry, 5);
//! let scope = chain.create_scope(&registry, &ScopeSpec::default());
//!
//! let verify = chain.prove(&registry, &member, &scope);
//! let receipt = chain.verify(&verify, &[]).expect("the first verification of a member");
//! println!("{} compute units", receipt.compute_units);
//! assert_eq!(chain.verify(&verify, &[]).unwrap_err().name(), "NullifierUsed");
//! ```
//!
//! Everything is deterministic. Keys are derived from names ([`keypair`]), and only
//! [`TestChain::advance_clock`] moves the clock.

mod airdrops;
mod chain;
mod compressed;
mod core_assets;
mod elf;
mod keys;
pub mod measure;
mod outcome;
mod real_trees;
mod registries;
mod scopes;
mod token_metadata;
mod tokens;
mod trapdoor;

pub use bauta_client::instructions::OnChainPath;

pub use airdrops::{CampaignSpec, TestCampaign};
pub use chain::{MAX_TRANSACTION_BYTES, START_TIME, TestChain, length_with_table};
pub use compressed::{CompressedNft, CompressedTree, compressed_metadata, lookups};
pub use core_assets::{CoreAsset, core_account};
pub use elf::{ELF_VARIABLE, Elf};
pub use keys::{keypair, seed};
pub use outcome::{Receipt, Refusal, assert_refused, with_bytes};
pub use real_trees::{METAPLEX_VARIABLE, MPL_NOOP, SPL_NOOP, metaplex_elf};
pub use registries::{Member, RegistrySpec, TestRegistry};
pub use scopes::{ContextSpec, ScopeSpec, TestScope, statement_name};
pub use token_metadata::{AccountLengths, MetadataSpec};
pub use tokens::{MintExtension, MintSpec, Nft, SPL_TOKEN, TOKEN_2022};
pub use trapdoor::{TrapdoorKey, g2_outside_subgroup};
