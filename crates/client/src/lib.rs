//! The Rust client of the Bauta program.
//!
//! It builds instructions, decodes accounts, events, return data and errors, and keeps a reference
//! tree. It does not connect to a node.
//!
//! ```text
//!   parameters --instructions--> Instruction --(a wallet, a node)--> chain
//!                                                                      |
//!   state    <--decode_account-- account data  <-----------------------+
//!   scope    <--decode_scope, with the pinned cluster tag  <-----------+
//!   root     <--root_to_prove-- registry account  <--------------------+
//!   Event    <--decode_event---- inner instructions  <-----------------+
//!   Verification, ProgramError  <-- return data, custom code  <--------+
//!
//!   events --> ReferenceTree --path--> ProofInputs --(a prover)--> proof --> instructions::Verify
//! ```
//!
//! # Instructions
//!
//! A value of a type in [`instructions`] has the parameters. It derives the addresses and builds the
//! instruction:
//!
//! ```
//! use bauta_client::{addresses, instructions::PublishRoot};
//! use bauta_primitives::{FieldElement, Root};
//! use solana_address::Address;
//!
//! let authority = Address::new_from_array([1; 32]);
//! let registry = addresses::registry(&authority, 1).address;
//! let root = Root::new(FieldElement::from_u64(7));
//! let instruction = PublishRoot { authority, registry, root }.instruction();
//! assert!(instruction.accounts.iter().any(|account| account.pubkey == authority && account.is_signer));
//! ```
//!
//! # Trees
//!
//! A tree that is rebuilt from leaves shows that a node, or an API, sent the right ones:
//!
//! ```
//! use bauta_client::ReferenceTree;
//! use bauta_primitives::{FieldElement, Leaf, tree::Depth};
//!
//! let leaves = [1, 2, 3].map(|value| Leaf::new(FieldElement::from_u64(value)));
//! let tree = ReferenceTree::from_leaves(Depth::Ten, leaves)?;
//! let path = tree.path(1)?;
//! assert_eq!(path.root(leaves[1]), tree.root());
//! assert_ne!(path.root(leaves[2]), tree.root());
//! # Ok::<(), bauta_primitives::PrimitivesError>(())
//! ```
//!
//! # What a node says
//!
//! The scope element that nullifiers are derived from follows from the pinned tag of the cluster. It
//! is not taken from a node:
//!
//! ```
//! use bauta_client::{ClientError, ClusterTag, decode_scope};
//! use solana_address::Address;
//!
//! let scope = Address::new_from_array([2; 32]);
//! assert_ne!(ClusterTag::LOCAL.scope_element(&scope), ClusterTag::DEVNET.scope_element(&scope));
//! // An account of another program is refused.
//! let owner = Address::new_from_array([3; 32]);
//! assert!(decode_scope(&ClusterTag::LOCAL, &scope, &owner, &[]).is_err());
//! ```

mod accounts;
pub mod addresses;
pub mod eligibility;
mod error;
mod events;
pub mod instructions;
mod program_error;
mod revocations;
mod roots;
mod scope;
mod tree;
mod verification;

pub use accounts::decode_account;
pub use error::ClientError;
pub use events::{Event, decode_event};
pub use program_error::ProgramError;
pub use revocations::{Revocation, RevocationList, RevocationListError};
pub use roots::root_to_prove;
pub use scope::{ClusterTag, decode_scope};
pub use tree::{ON_CHAIN_LEVELS, ReferenceTree};
pub use verification::Verification;
