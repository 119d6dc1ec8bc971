//! Derives the program's accounts from the events of a history.

use std::collections::BTreeMap;

use anchor_lang::Discriminator;
use bauta::state;
use bauta_client::{Event, addresses, decode_event};
use bauta_primitives::Nullifier;
use bytemuck::{Pod, Zeroable, bytes_of};
use solana_address::Address;

use crate::chain::{Account, Transaction};

#[derive(Default)]
struct Accounts {
    configs: BTreeMap<Address, state::Config>,
    circuits: BTreeMap<Address, state::Circuit>,
    registries: BTreeMap<Address, state::Registry>,
    scopes: BTreeMap<Address, state::Scope>,
    nullifiers: BTreeMap<Address, state::Nullifier>,
    holdings: BTreeMap<Address, state::Holding>,
}

/// Returns the accounts that exist after these transactions.
#[must_use]
pub fn after(transactions: &[Transaction]) -> Vec<Account> {
    let mut accounts = Accounts::default();
    for transaction in transactions.iter().filter(|transaction| transaction.succeeded) {
        for inner in &transaction.inner_instructions {
            if let Ok(Some(event)) = decode_event(&inner.program, &inner.accounts, &inner.data) {
                accounts.apply(&event);
            }
        }
    }
    let mut all = Vec::new();
    encode(&mut all, &accounts.configs);
    encode(&mut all, &accounts.circuits);
    encode(&mut all, &accounts.registries);
    encode(&mut all, &accounts.scopes);
    encode(&mut all, &accounts.nullifiers);
    encode(&mut all, &accounts.holdings);
    all
}

fn encode<T: Pod + Discriminator>(all: &mut Vec<Account>, accounts: &BTreeMap<Address, T>) {
    all.extend(accounts.iter().map(|(address, account)| Account {
        address: *address,
        data: [T::DISCRIMINATOR, bytes_of(account)].concat(),
    }));
}

impl Accounts {
    fn registry(&mut self, address: Address) -> &mut state::Registry {
        self.registries.entry(address).or_insert_with(Zeroable::zeroed)
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::ConfigChanged(e) => {
                let config = self
                    .configs
                    .entry(addresses::config().address)
                    .or_insert_with(Zeroable::zeroed);
                config.admin = e.admin;
                config.pending_admin = e.pending_admin;
                config.cluster_tag = e.cluster_tag;
                config.paused = u8::from(e.paused);
                config.development_keys_allowed = u8::from(e.development_keys_allowed);
            }
            Event::CircuitRegistered(e) => {
                self.circuits.insert(e.circuit, Zeroable::zeroed());
            }
            Event::RegistrySealed(e) => self.registry(e.registry).sealed = 1,
            Event::RegistryCreated(e) => self.registry(e.registry).root = e.root,
            Event::HolderRegistered(e) => {
                let mut holding: state::Holding = Zeroable::zeroed();
                holding.registry = e.registry;
                holding.mint = e.mint;
                holding.owner = e.owner;
                holding.commitment = e.commitment;
                holding.index = e.index;
                holding.track = e.track;
                holding.live = 1;
                self.holdings
                    .insert(addresses::holding(&e.registry, &e.mint).address, holding);
                self.registry(e.registry).next_index += u64::from(!e.replaced);
            }
            Event::LeavesAppended(e) => self.registry(e.registry).next_index += e.leaves.len() as u64,
            Event::MerkleRootUpdated(e) => {
                let registry = self.registry(e.registry);
                registry.sequence = e.sequence;
                registry.root = e.root;
            }
            Event::ScopeCreated(e) => {
                self.scopes.insert(e.scope, Zeroable::zeroed());
            }
            Event::OwnershipVerified(e) => {
                let mut account: state::Nullifier = Zeroable::zeroed();
                account.scope_tag = state::Nullifier::scope_tag(&e.scope);
                account.nullifier_prefix = state::Nullifier::prefix(&e.nullifier);
                if let Ok(nullifier) = Nullifier::from_bytes(e.nullifier) {
                    self.nullifiers
                        .insert(addresses::nullifier(&e.scope, nullifier).address, account);
                }
            }
            Event::NullifierReclaimed(e) => {
                if let Ok(nullifier) = Nullifier::from_bytes(e.nullifier) {
                    self.nullifiers
                        .remove(&addresses::nullifier(&e.scope, nullifier).address);
                }
            }
            // The chain in memory emits no other events.
            _ => {}
        }
    }
}
