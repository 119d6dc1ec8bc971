use bauta::state::RegistryKind;
use bauta::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Creates a registry at the address of authority and nonce.
#[derive(Debug, Clone, Copy)]
pub struct CreateRegistry {
    /// Pays; signs.
    pub payer: Address,
    /// The registry's authority; signs.
    pub authority: Address,
    /// The Tree account, made in a top-level instruction before: [`bauta::state::Tree::SPACE`] zero bytes, owned by the
    /// program, rent-exempt. None for an Attested registry.
    pub tree: Option<Address>,
    /// The authority's number for it.
    pub nonce: u64,
    /// Who decides about its leaves.
    pub kind: RegistryKind,
    /// Levels of its tree: 10, or 16 in an Attested registry.
    pub depth: u8,
    /// What its leaves' attributes mean, from 1.
    pub leaf_format: u8,
    /// Seconds for which a replaced root is accepted: 60 to 2,592,000.
    pub root_ttl: i64,
}

impl CreateRegistry {
    /// The registry account's address.
    #[must_use]
    pub fn registry(&self) -> Address {
        addresses::registry(&self.authority, self.nonce).address
    }

    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::CreateRegistry {
                payer: self.payer,
                authority: self.authority,
                registry: self.registry(),
                tree: self.tree,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::CreateRegistry {
                nonce: self.nonce,
                kind: self.kind,
                depth: self.depth,
                leaf_format: self.leaf_format,
                root_ttl: self.root_ttl,
            },
        )
    }
}

/// Lets the tokens of a mint, or of a Token-2022 group, register.
#[derive(Debug, Clone, Copy)]
pub struct AddCollection {
    /// Pays; signs.
    pub payer: Address,
    /// The registry's authority; signs.
    pub authority: Address,
    /// The registry, of kind Holders and not sealed.
    pub registry: Address,
    /// The mint or group.
    pub key: Address,
    /// Whether `key` is a group.
    pub is_group: bool,
    /// The track that its tokens give access to.
    pub track: u64,
}

impl AddCollection {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::AddCollection {
                payer: self.payer,
                authority: self.authority,
                registry: self.registry,
                collection: addresses::collection(&self.registry, &self.key).address,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::AddCollection {
                key: self.key,
                is_group: self.is_group,
                track: self.track,
            },
        )
    }
}

/// Fixes a registry's collections for ever.
#[derive(Debug, Clone, Copy)]
pub struct SealRegistry {
    /// The registry's authority; signs.
    pub authority: Address,
    /// The registry, of kind Holders.
    pub registry: Address,
}

impl SealRegistry {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::SealRegistry {
                authority: self.authority,
                registry: self.registry,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::SealRegistry {},
        )
    }
}
