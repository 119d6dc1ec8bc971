//! The tokens of a wallet, with the accounts that the program's checks read.

use std::collections::BTreeMap;

use bauta::state::CollectionKind;
use bauta::token::{Mint, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, TokenAccount};
use bauta::token_metadata::{Edition, Metadata};
use bauta_client::addresses;
use bauta_client::eligibility::{AccountView, TokenAccounts};
use bauta_client::instructions::TokenMetadataAccounts;
use bauta_rpc::{Account, CommitmentLevel, Rpc};
use solana_address::Address;

use super::{EligibilityError, MAX_TOKENS, not_too_long};

/// The part of a token account that is read: the plain account and its type in Token-2022.
const TOKEN_ACCOUNT_BYTES: usize = 166;
/// The owner of an address without an account.
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

/// An account, or an address without one. Its owner is then the system program.
pub struct Found {
    pub address: Address,
    pub owner: Address,
    /// Empty without an account.
    pub data: Vec<u8>,
}

impl Found {
    /// Returns the account as the program's readers take it.
    pub fn view(&self) -> AccountView<'_> {
        AccountView {
            key: &self.address,
            owner: &self.owner,
            data: &self.data,
        }
    }
}

/// A token of the wallet with the amount 1.
pub struct HeldToken {
    mint: Found,
    token_account: Found,
    metadata: Option<Found>,
    edition: Option<Found>,
    token_record: Option<Found>,
    /// The group that the mint says it is a member of.
    group: Option<Address>,
    /// The collection that the metadata names, verified or not.
    collection: Option<Address>,
    /// The edition account of the master, if the token is a print.
    master: Option<Address>,
}

impl HeldToken {
    fn new(mint: Found, token_account: Found) -> Self {
        let read = Mint::read(&mint.owner, &mint.data);
        let member = read.and_then(|mint| mint.group_member());
        Self {
            group: member.ok().flatten().map(|member| member.group),
            mint,
            token_account,
            metadata: None,
            edition: None,
            token_record: None,
            collection: None,
            master: None,
        }
    }

    pub fn mint(&self) -> Address {
        self.mint.address
    }

    /// Returns the address of the token account.
    pub fn token_account(&self) -> Address {
        self.token_account.address
    }

    /// Returns the accounts of Token Metadata that exist and that a registration needs.
    pub fn token_metadata(&self) -> TokenMetadataAccounts {
        let address = |found: &Option<Found>| found.as_ref().map(|found| found.address);
        TokenMetadataAccounts {
            metadata: address(&self.metadata),
            edition: address(&self.edition),
            token_record: address(&self.token_record),
        }
    }

    /// Returns the keys of the collections that the token can belong to, except those of prints.
    pub fn keys(&self) -> impl Iterator<Item = Address> {
        [Some(self.mint()), self.group, self.collection]
            .into_iter()
            .flatten()
    }

    /// Returns whether the token is a print of a master.
    pub fn is_print(&self) -> bool {
        self.master.is_some()
    }

    /// Returns what the token names of a collection of each kind that it can belong to.
    pub fn named(&self) -> [(CollectionKind, Option<Address>); 4] {
        [
            (CollectionKind::Asset, Some(self.mint())),
            (CollectionKind::Group, self.group),
            (CollectionKind::TokenMetadata, self.collection),
            (CollectionKind::Prints, self.master),
        ]
    }

    /// Returns the accounts that the program's checks read.
    pub fn accounts(&self) -> TokenAccounts<'_> {
        TokenAccounts {
            mint: self.mint.view(),
            token_account: self.token_account.view(),
            metadata: self.metadata.as_ref().map(Found::view),
            edition: self.edition.as_ref().map(Found::view),
            token_record: self.token_record.as_ref().map(Found::view),
        }
    }

    fn has_mint_authority(&self) -> bool {
        Mint::read(&self.mint.owner, &self.mint.data).is_ok_and(|mint| mint.has_authority())
    }

    fn read_metadata(&self) -> Option<Metadata> {
        Metadata::read(&self.metadata.as_ref()?.view(), &self.mint.address).ok()
    }

    fn set_metadata(&mut self, metadata: Option<Found>, edition: Option<Found>) {
        self.metadata = metadata;
        self.edition = edition;
        let read = self.read_metadata();
        // The program refuses metadata that it can't read, and needs none for an asset or a group.
        self.metadata = self.metadata.take().filter(|_| read.is_some());
        let named = read.and_then(|metadata| metadata.collection);
        self.collection = named.map(|(key, _)| key);
        let edition = self.edition.as_ref();
        self.master = match edition.map(|edition| Edition::read(&edition.view(), &self.mint.address)) {
            Some(Ok(Edition::Print { parent })) => Some(parent),
            _ => None,
        };
    }

    fn needs_token_record(&self) -> bool {
        self.read_metadata()
            .is_some_and(|metadata| metadata.is_programmable())
    }
}

/// Reads the tokens of a wallet with the amount 1, ordered by mint.
///
/// The accounts of Token Metadata are read for mints with an authority, which may be one of them,
/// and with `with_metadata` for all mints.
pub async fn read(
    node: &Rpc,
    owner: Address,
    with_metadata: bool,
) -> Result<Vec<HeldToken>, EligibilityError> {
    let held = token_accounts(node, owner).await?;
    describe(node, held, with_metadata).await
}

/// Reads one token of a wallet. `None` if the wallet has no token account of the mint with the
/// amount 1.
pub async fn read_one(
    node: &Rpc,
    owner: Address,
    mint: Address,
) -> Result<Option<HeldToken>, EligibilityError> {
    let accounts = node
        .token_accounts_of_mint(&owner, &mint, TOKEN_ACCOUNT_BYTES, CommitmentLevel::Confirmed)
        .await
        .map_err(not_too_long)?;
    let mut held = BTreeMap::new();
    add_held(&mut held, owner, accounts)?;
    held.retain(|held, _| *held == mint);
    Ok(describe(node, held, true).await?.pop())
}

/// Reads the mints of tokens, and their accounts of Token Metadata.
async fn describe(
    node: &Rpc,
    held: BTreeMap<Address, Found>,
    with_metadata: bool,
) -> Result<Vec<HeldToken>, EligibilityError> {
    let mints: Vec<Address> = held.keys().copied().collect();
    let mints = accounts(node, &mints).await?;
    let tokens = mints.into_iter().zip(held.into_values());
    let mut tokens: Vec<HeldToken> = tokens
        .map(|(mint, account)| HeldToken::new(mint, account))
        .collect();
    let mut described: Vec<&mut HeldToken> = tokens
        .iter_mut()
        .filter(|token| with_metadata || token.has_mint_authority())
        .collect();
    let addresses: Vec<Address> = described
        .iter()
        .flat_map(|token| {
            let mint = &token.mint.address;
            [
                addresses::metadata(mint).address,
                addresses::edition(mint).address,
            ]
        })
        .collect();
    let mut found = accounts(node, &addresses).await?.into_iter().map(existing);
    for token in &mut described {
        let (metadata, edition) = (found.next().flatten(), found.next().flatten());
        token.set_metadata(metadata, edition);
    }
    described.retain(|token| token.needs_token_record());
    let addresses: Vec<Address> = described
        .iter()
        .map(|token| addresses::token_record(&token.mint.address, &token.token_account.address).address)
        .collect();
    let records = accounts(node, &addresses).await?;
    for (token, record) in described.into_iter().zip(records) {
        token.token_record = existing(record);
    }
    Ok(tokens)
}

/// Reads the token accounts of a wallet with the amount 1, by mint.
async fn token_accounts(node: &Rpc, owner: Address) -> Result<BTreeMap<Address, Found>, EligibilityError> {
    let mut held = BTreeMap::new();
    for program in [TOKEN_PROGRAM, TOKEN_2022_PROGRAM] {
        let accounts = node
            .token_accounts(&owner, &program, TOKEN_ACCOUNT_BYTES, CommitmentLevel::Confirmed)
            .await
            .map_err(not_too_long)?;
        add_held(&mut held, owner, accounts)?;
    }
    Ok(held)
}

/// Adds the token accounts of a wallet with the amount 1, by mint.
fn add_held(
    held: &mut BTreeMap<Address, Found>,
    owner: Address,
    accounts: Vec<(Address, Account)>,
) -> Result<(), EligibilityError> {
    for (address, account) in accounts {
        let token = TokenAccount::read(&account.owner, &account.data);
        if let Ok(token) = token
            && token.owner == owner
            && token.amount == 1
        {
            let found = Found {
                address,
                owner: account.owner,
                data: account.data,
            };
            held.insert(token.mint, found);
            if held.len() > MAX_TOKENS {
                return Err(EligibilityError::TooManyTokens);
            }
        }
    }
    Ok(())
}

/// Reads accounts in the order of their addresses.
pub async fn accounts(node: &Rpc, addresses: &[Address]) -> Result<Vec<Found>, EligibilityError> {
    let found = node.accounts(addresses, CommitmentLevel::Confirmed).await;
    let found = found
        .map_err(not_too_long)?
        .into_iter()
        .map(|(_, account)| account);
    let with_address = |(address, account): (&Address, Option<Account>)| {
        let (owner, data) = account.map_or((SYSTEM_PROGRAM, Vec::new()), |account| {
            (account.owner, account.data)
        });
        Found {
            address: *address,
            owner,
            data,
        }
    };
    Ok(addresses.iter().zip(found).map(with_address).collect())
}

/// Returns the account if it has data.
fn existing(found: Found) -> Option<Found> {
    Some(found).filter(|found| !found.data.is_empty())
}
