use bauta::state::{CollectionKind, RegistryKind};
use bauta::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{SYSTEM, build, event_authority};
use crate::addresses;

/// Creates a registry. The authority and the nonce determine its address.
#[derive(Debug, Clone, Copy)]
pub struct CreateRegistry {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The registry's authority. It must sign.
    pub authority: Address,
    /// The Tree account: [`bauta::state::Tree::SPACE`] zero bytes, owned by the program,
    /// rent-exempt. An earlier top-level instruction creates it. It must sign. `None` for a
    /// registry of kind `Attested`.
    pub tree: Option<Address>,
    /// The number that the authority chooses for the registry.
    pub nonce: u64,
    /// Who writes the leaves.
    pub kind: RegistryKind,
    /// The depth of the tree: 10. A registry of kind `Attested` may have depth 16.
    pub depth: u8,
    /// The leaf format. Leaf formats start at 1.
    pub leaf_format: u8,
    /// The number of seconds for which a kept root is accepted: 60 to 2,592,000.
    pub root_ttl: i64,
}

impl CreateRegistry {
    /// Derives the address of the registry account.
    #[must_use]
    pub fn registry(&self) -> Address {
        addresses::registry(&self.authority, self.nonce).address
    }

    /// Builds the instruction.
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

/// Adds a collection: its assets may then be registered.
#[derive(Debug, Clone, Copy)]
pub struct AddCollection {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The registry's authority. It must sign.
    pub authority: Address,
    /// The registry, of kind `Holders` and not sealed.
    pub registry: Address,
    /// The address that identifies the collection. The kind defines what it is the address of.
    pub key: Address,
    /// The kind of the collection.
    pub kind: CollectionKind,
    /// The sum of the collection's rules, for example [`Collection::LOCKED`]. 0 is strictest.
    ///
    /// [`Collection::LOCKED`]: bauta::state::Collection::LOCKED
    pub rules: u16,
    /// The track of the collection's tokens.
    pub track: u64,
}

impl AddCollection {
    /// Builds the instruction.
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
                kind: self.kind,
                rules: self.rules,
                track: self.track,
            },
        )
    }
}

/// Seals a registry: no collection can be added after that. Assets that join a listed collection
/// later can still be registered.
#[derive(Debug, Clone, Copy)]
pub struct SealRegistry {
    /// The registry's authority. It must sign.
    pub authority: Address,
    /// The registry, of kind `Holders`.
    pub registry: Address,
}

impl SealRegistry {
    /// Builds the instruction.
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
