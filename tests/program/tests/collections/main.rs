//! Tests the registration and the eviction of the assets that people own: tokens of Token Metadata,
//! prints, assets of Metaplex Core, and compressed assets of Bubblegum.
//!
//! Metaplex's programs and the compression programs do not run here. Their accounts are written
//! into the chain, as their official crates encode them. The token programs are real.

mod compressed;
mod core_assets;
mod leaving;
mod prints;
mod real_programs;
mod rules;
mod token_metadata;

use bauta::events::Evidence;
use bauta::state::{Collection, CollectionKind};
use bauta_client::eligibility::{
    AccountView, CoreAccounts, TokenAccounts, why_core_asset_is_not_eligible, why_token_is_not_eligible,
};
use bauta_client::{Event, ProgramError, addresses};
use bauta_program_test::{CoreAsset, Nft, Receipt, Refusal, RegistrySpec, TestChain, TestRegistry};
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

/// The track of every collection.
const TRACK: u64 = 3;

/// A registry with one collection.
struct Fixture {
    chain: TestChain,
    registry: TestRegistry,
    /// The key of the collection.
    key: Address,
}

impl Fixture {
    fn new(kind: CollectionKind, rules: u16) -> Self {
        let mut chain = TestChain::new();
        let key = chain.new_keypair("collection").pubkey();
        Self::with_key(chain, key, kind, rules)
    }

    fn with_key(mut chain: TestChain, key: Address, kind: CollectionKind, rules: u16) -> Self {
        let registry = chain.create_registry(RegistrySpec::default());
        chain
            .add_collection_with_rules(&registry, &key, kind, rules, TRACK)
            .expect("add_collection");
        Self { chain, registry, key }
    }

    /// Registers a token. Asserts that the client names the same refusal before.
    #[track_caller]
    fn register(&mut self, nft: &Nft) -> Result<Receipt, Refusal> {
        let given = nft.token_metadata;
        let [mint, token_account] = [nft.mint, nft.account].map(|address| self.fetch(address));
        let [metadata, edition, token_record] = [given.metadata, given.edition, given.token_record]
            .map(|address| address.map(|address| self.fetch(address)));
        let accounts = TokenAccounts {
            mint: view(&mint),
            token_account: view(&token_account),
            metadata: metadata.as_ref().map(view),
            edition: edition.as_ref().map(view),
            token_record: token_record.as_ref().map(view),
        };
        let collection = self.collection();
        let expected = why_token_is_not_eligible(&collection, &nft.owner.pubkey(), &accounts);
        let registered = self
            .chain
            .register(&mut self.registry, nft, Some(self.key), TRACK);
        let result = registered.map(|(_, receipt)| receipt);
        assert_named_before(expected, &result);
        result
    }

    /// Registers an asset of Core. Asserts that the client names the same refusal before.
    #[track_caller]
    fn register_core(&mut self, nft: &CoreAsset) -> Result<Receipt, Refusal> {
        let asset = self.fetch(nft.address);
        let core_collection = nft.collection.map(|address| self.fetch(address));
        let accounts = CoreAccounts {
            asset: view(&asset),
            core_collection: core_collection.as_ref().map(view),
        };
        let collection = self.collection();
        let expected = why_core_asset_is_not_eligible(&collection, &nft.owner.pubkey(), &accounts);
        let key = self.key;
        let registered = self.chain.register_core(&mut self.registry, nft, &key, TRACK);
        let result = registered.map(|(_, receipt)| receipt);
        assert_named_before(expected, &result);
        result
    }

    fn collection(&self) -> Collection {
        let address = addresses::collection(&self.registry.address, &self.key).address;
        self.chain.state(&address).expect("the collection exists")
    }

    fn fetch(&self, address: Address) -> (Address, Account) {
        (address, self.chain.account(&address).unwrap_or_default())
    }

    fn evict(&mut self, asset: &Address, evidence: Option<Address>) -> Result<Receipt, Refusal> {
        self.chain.evict_holder(&mut self.registry, asset, evidence)
    }

    /// Changes the data of an account.
    fn change(&mut self, address: &Address, change: impl FnOnce(&mut Vec<u8>)) {
        let mut account = self.chain.account(address).expect("the account exists");
        change(&mut account.data);
        self.chain.set_account(address, account);
    }

    /// Makes another program the owner of an account.
    fn change_owner(&mut self, address: &Address) {
        let owner = self.chain.new_keypair("another program").pubkey();
        let mut account = self.chain.account(address).expect("the account exists");
        account.owner = owner;
        self.chain.set_account(address, account);
    }

    /// Asserts that the program has the root of the reference tree, and this number of leaves.
    #[track_caller]
    fn assert_leaves(&self, leaves: u64) {
        let state = self.chain.registry_state(&self.registry);
        assert_eq!(state.next_index, leaves);
        assert_eq!(state.root, self.registry.root().to_bytes());
    }
}

fn view((address, account): &(Address, Account)) -> AccountView<'_> {
    AccountView {
        key: address,
        owner: &account.owner,
        data: &account.data,
    }
}

/// Asserts that the client named the program's refusal. The client does not check when the leaf
/// changed last.
#[track_caller]
fn assert_named_before(expected: Option<ProgramError>, result: &Result<Receipt, Refusal>) {
    let refusal = result.as_ref().err().map(Refusal::name);
    if refusal.as_deref() != Some("ChangedTooRecently") {
        assert_eq!(expected.map(|error| error.name), refusal);
    }
}

fn evidence(receipt: &Receipt) -> Evidence {
    let Event::HolderEvicted(ref event) = receipt.events[0] else {
        panic!("not an eviction: {:?}", receipt.events);
    };
    event.evidence
}
