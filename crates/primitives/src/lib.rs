//! The values of the Bauta protocol and how they are computed.
//!
//! The program, the circuits, the services and the SDKs must agree on these values. Only this crate
//! computes them. `docs/protocol.md` is the specification.
//!
//! ```text
//!   master secret --registry, entry, counter--> identity secret --Poseidon1--> commitment
//!                                                     |                            |
//!                                   entry id, scope --+--> nullifier               v
//!                                                 leaf = Poseidon3(commitment, entry id, attributes)
//!                                                              |
//!                                                              +--path--> root
//!
//!   digest = Poseidon5(root, nullifier, scope, claim, context), the only public input of a proof
//! ```
//!
//! On chain, Poseidon and SHA-256 are system calls. Elsewhere they are computed. There is no other
//! difference.

mod context;
mod digest;
mod encoding;
mod error;
mod field;
#[cfg(not(target_os = "solana"))]
mod identity;
mod membership;
pub mod poseidon;
#[cfg(not(target_os = "solana"))]
mod proof_inputs;
pub mod roots;
#[cfg(not(target_os = "solana"))]
pub mod statements;
pub mod tree;

pub use context::{ANYONE, Context, ContextParts};
pub use digest::{Digest, PublicInputs};
pub use encoding::{hash_to_field, sha256, sha256_of};
pub use error::PrimitivesError;
pub use field::FieldElement;
#[cfg(not(target_os = "solana"))]
pub use identity::{IdentitySecret, MasterSecret};
pub use membership::{Attributes, Claim, Commitment, EntryId, Leaf, Nullifier, Root, Scope};
#[cfg(not(target_os = "solana"))]
pub use proof_inputs::ProofInputs;
