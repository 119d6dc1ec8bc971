//! Builders of the program's instructions.
//!
//! There is a type for each instruction. Its fields are the parameters. Its method
//! [`instruction`](Initialize::instruction) derives the addresses and builds the instruction.
//!
//! ```
//! use bauta_client::instructions::SealRegistry;
//! use solana_address::Address;
//!
//! let seal = SealRegistry { registry: Address::new_unique(), authority: Address::new_unique() };
//! let instruction = seal.instruction();
//! assert_eq!(instruction.program_id, bauta::ID);
//! let authority = instruction.accounts.iter().find(|meta| meta.pubkey == seal.authority);
//! assert!(authority.is_some_and(|meta| meta.is_signer));
//! ```

mod admin;
mod compressed;
mod holders;
mod managed;
mod registries;
mod scopes;
mod verify;

use anchor_lang::{InstructionData, ToAccountMetas};
use bauta_primitives::tree::Siblings;
use solana_address::Address;
use solana_instruction::Instruction;

pub use admin::{
    AcceptAdmin, Initialize, Pause, RegisterCircuit, ReplaceAdmin, RetireCircuit, SetAdmin, SuspendCircuit,
};
pub use compressed::{
    CompressedTreeLeaf, EvictCompressedHolder, RegisterCompressedHolder, StagePath, Unstage,
};
pub use holders::{EvictHolder, RegisterCoreHolder, RegisterHolder, TokenMetadataAccounts};
pub use managed::{AppendLeaves, PublishRoot, ReplaceLeaf};
pub use registries::{AddCollection, CreateRegistry, SealRegistry};
pub use scopes::{CloseScope, CreateScope, ReclaimNullifier};
pub use verify::Verify;

use crate::{ON_CHAIN_LEVELS, addresses};

/// The form of a path in an instruction: the lower five levels.
pub type OnChainPath = [Siblings; ON_CHAIN_LEVELS];

const SYSTEM: Address = anchor_lang::system_program::ID;

fn build(accounts: &impl ToAccountMetas, data: &impl InstructionData) -> Instruction {
    Instruction {
        program_id: bauta::ID,
        accounts: accounts.to_account_metas(None),
        data: data.data(),
    }
}

fn event_authority() -> Address {
    addresses::event_authority().address
}

fn path_bytes(path: &OnChainPath) -> bauta::state::Path {
    path.map(|siblings| siblings.map(bauta_primitives::FieldElement::to_bytes))
}
