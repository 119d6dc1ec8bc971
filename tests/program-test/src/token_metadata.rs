//! Tokens of Metaplex Token Metadata.
//!
//! The real token programs create the tokens. Token Metadata itself does not run here: its accounts
//! are written into the chain, as its official client crate encodes them. `cargo xtask drill
//! collections` compares them with what the real program writes.

use bauta_client::addresses;
use bauta_client::instructions::TokenMetadataAccounts;
use borsh::BorshSerialize;
use mpl_token_metadata::accounts::{Edition, MasterEdition, Metadata, TokenRecord};
use mpl_token_metadata::types::{
    Collection, Creator, Key, ProgrammableConfig, TokenDelegateRole, TokenStandard, TokenState,
};
use mpl_token_metadata::{MAX_NAME_LENGTH, MAX_SYMBOL_LENGTH, MAX_URI_LENGTH};
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use spl_token_2022_interface::instruction::AuthorityType;

use crate::{MintExtension, MintSpec, Nft, SPL_TOKEN, TOKEN_2022, TestChain};

/// The program that owns the accounts.
const PROGRAM: Address = bauta::token_metadata::TOKEN_METADATA_PROGRAM;

/// The properties of a token of Token Metadata.
///
/// The default is a token of the standard `NonFungible` without a collection.
#[derive(Debug, Clone)]
pub struct MetadataSpec {
    /// The token program.
    pub program: Address,
    /// The token standard.
    pub standard: Option<TokenStandard>,
    /// The collection, and whether its authority verified the token.
    pub collection: Option<(Address, bool)>,
    /// The mint of the master, if the token is a print.
    pub print_of: Option<Address>,
    /// The lengths of the accounts.
    pub lengths: AccountLengths,
}

/// The lengths of the accounts that Token Metadata writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountLengths {
    /// The lengths since the program reduced them.
    Present,
    /// The lengths before. Accounts of that time may still have them.
    Former,
}

impl AccountLengths {
    const fn of(self, present: usize, former: usize) -> usize {
        match self {
            Self::Present => present,
            Self::Former => former,
        }
    }
}

impl Default for MetadataSpec {
    fn default() -> Self {
        Self {
            program: SPL_TOKEN,
            standard: Some(TokenStandard::NonFungible),
            collection: None,
            print_of: None,
            lengths: AccountLengths::Present,
        }
    }
}

impl MetadataSpec {
    /// Returns a token of a collection that its authority verified.
    #[must_use]
    pub fn of_collection(collection: &Address) -> Self {
        Self {
            collection: Some((*collection, true)),
            ..Self::default()
        }
    }

    /// Returns a programmable token of a collection that its authority verified.
    #[must_use]
    pub fn programmable(collection: &Address) -> Self {
        Self {
            standard: Some(TokenStandard::ProgrammableNonFungible),
            ..Self::of_collection(collection)
        }
    }

    /// Returns a print of a master, without a collection.
    #[must_use]
    pub fn print(master: &Address) -> Self {
        Self {
            standard: Some(TokenStandard::NonFungibleEdition),
            print_of: Some(*master),
            ..Self::default()
        }
    }

    fn is_programmable(&self) -> bool {
        matches!(
            self.standard,
            Some(TokenStandard::ProgrammableNonFungible | TokenStandard::ProgrammableNonFungibleEdition)
        )
    }
}

impl TestChain {
    /// Creates a token with the accounts that Token Metadata would write for it. A programmable
    /// token is frozen and unlocked.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn mint_with_metadata(&mut self, owner: &Keypair, spec: &MetadataSpec) -> Nft {
        let extensions = if spec.program == TOKEN_2022 {
            vec![MintExtension::CloseAuthority]
        } else {
            vec![]
        };
        let mut nft = self.mint(
            owner,
            &MintSpec {
                program: spec.program,
                keep_mint_authority: true,
                freezable: true,
                extensions,
                ..MintSpec::default()
            },
        );
        let metadata = addresses::metadata(&nft.mint).address;
        let edition = addresses::edition(&nft.mint).address;
        self.set_mint_authority(&nft, AuthorityType::MintTokens, Some(&edition));
        if spec.program == TOKEN_2022 {
            self.set_mint_authority(&nft, AuthorityType::CloseMint, Some(&metadata));
        }
        nft.token_metadata = TokenMetadataAccounts::of(&nft.mint);
        self.write_metadata(&nft.mint, spec);
        self.write_edition(&nft.mint, spec);
        if spec.is_programmable() {
            self.freeze_nft(&nft).expect("the token authority can freeze");
            nft.token_metadata = TokenMetadataAccounts::of_programmable(&nft.mint, &nft.account);
            self.write_token_record(&nft, TokenState::Unlocked);
        }
        nft
    }

    /// Transfers a programmable token as Token Metadata does. The new account is frozen and has its
    /// own token record, and the record of the old account is closed.
    ///
    /// # Panics
    /// If the token program refuses.
    pub fn transfer_programmable(&mut self, nft: &Nft, to: &Keypair) -> Nft {
        self.thaw_nft(nft).expect("the token authority can thaw");
        let mut sold = self.transfer_nft(nft, to);
        self.freeze_nft(&sold).expect("the token authority can freeze");
        let old = addresses::token_record(&nft.mint, &nft.account).address;
        self.set_account(&old, Account::default());
        sold.token_metadata = TokenMetadataAccounts::of_programmable(&sold.mint, &sold.account);
        self.write_token_record(&sold, TokenState::Unlocked);
        sold
    }

    /// Writes the metadata account of a mint. [`TestChain::token_authority`] is the update
    /// authority and the only creator.
    pub fn write_metadata(&mut self, mint: &Address, spec: &MetadataSpec) {
        let authority = self.token_authority().pubkey();
        let metadata = Metadata {
            key: Key::MetadataV1,
            update_authority: authority,
            mint: *mint,
            name: padded("Token", MAX_NAME_LENGTH),
            symbol: padded("TKN", MAX_SYMBOL_LENGTH),
            uri: padded("https://example.com/token.json", MAX_URI_LENGTH),
            seller_fee_basis_points: 500,
            creators: Some(vec![Creator {
                address: authority,
                verified: true,
                share: 100,
            }]),
            primary_sale_happened: spec.print_of.is_none(),
            is_mutable: spec.print_of.is_none(),
            edition_nonce: Some(addresses::edition(mint).bump),
            token_standard: spec.standard,
            collection: spec
                .collection
                .map(|(key, verified)| Collection { verified, key }),
            uses: None,
            collection_details: None,
            programmable_config: spec
                .is_programmable()
                .then_some(ProgrammableConfig::V1 { rule_set: None }),
        };
        let address = addresses::metadata(mint).address;
        self.write(&address, &metadata, spec.lengths.of(607, 679));
        // Token Metadata's fee is in the account.
        self.set_last_byte(&address, 1);
    }

    /// Writes the edition account of a mint: of a master without prints, or of the first print of
    /// the master `spec.print_of`. The last byte of a programmable token is its standard.
    pub fn write_edition(&mut self, mint: &Address, spec: &MetadataSpec) {
        let address = addresses::edition(mint).address;
        if let Some(master) = spec.print_of {
            let edition = Edition {
                key: Key::EditionV1,
                parent: addresses::edition(&master).address,
                edition: 1,
            };
            self.write(&address, &edition, spec.lengths.of(42, 241));
        } else {
            let edition = MasterEdition {
                key: Key::MasterEditionV2,
                supply: 0,
                max_supply: Some(0),
            };
            self.write(&address, &edition, spec.lengths.of(20, 282));
        }
        if spec.is_programmable() {
            let standard = spec.standard.map_or(0, |standard| standard as u8);
            self.set_last_byte(&address, standard);
        }
    }

    /// Writes the token record of a token account. [`TestChain::token_authority`] is the delegate
    /// that locked or listed the token.
    pub fn write_token_record(&mut self, nft: &Nft, state: TokenState) {
        let record = addresses::token_record(&nft.mint, &nft.account);
        let delegate_role = match state {
            TokenState::Unlocked => None,
            TokenState::Locked => Some(TokenDelegateRole::Utility),
            TokenState::Listed => Some(TokenDelegateRole::Sale),
        };
        let contents = TokenRecord {
            key: Key::TokenRecord,
            bump: record.bump,
            state,
            rule_set_revision: None,
            delegate: delegate_role.as_ref().map(|_| self.token_authority().pubkey()),
            delegate_role,
            locked_transfer: None,
        };
        self.write(&record.address, &contents, TokenRecord::LEN);
    }

    fn set_last_byte(&mut self, address: &Address, byte: u8) {
        let mut account = self.account(address).expect("it was just written");
        *account.data.last_mut().expect("it has data") = byte;
        self.set_account(address, account);
    }

    fn write(&mut self, address: &Address, contents: &impl BorshSerialize, bytes: usize) {
        let mut data = borsh::to_vec(contents).expect("writing to memory succeeds");
        data.resize(bytes, 0);
        let account = Account {
            lamports: self.rent(bytes),
            data,
            owner: PROGRAM,
            ..Account::default()
        };
        self.set_account(address, account);
    }
}

/// Returns a text with zeros up to its greatest length, as Token Metadata stores it.
fn padded(text: &str, length: usize) -> String {
    let mut text = text.to_owned();
    text.extend(std::iter::repeat_n('\0', length - text.len()));
    text
}
