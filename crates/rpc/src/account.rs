//! Reads accounts.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;

use crate::{CommitmentLevel, Rpc, RpcError, client::WithContext};

/// An account as a node stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The balance in lamports.
    pub lamports: u64,
    /// The program that owns the account.
    pub owner: Address,
    /// The account's bytes.
    pub data: Vec<u8>,
    /// Whether the account is a program.
    pub executable: bool,
}

/// A condition that [`Rpc::program_accounts`] applies to accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The data has this length in bytes.
    Size(usize),
    /// The data contains these bytes at the offset.
    Bytes {
        /// Offset in bytes from the beginning of the data.
        offset: usize,
        /// The bytes, at most 128.
        bytes: Vec<u8>,
    },
}

/// The largest number of accounts that a node accepts in one `getMultipleAccounts`.
const MAX_ACCOUNTS_PER_CALL: usize = 100;

impl Rpc {
    /// Returns an account, and the slot at which the node read it. The account is `None` if it does
    /// not exist.
    pub async fn account(
        &self,
        address: &Address,
        level: CommitmentLevel,
    ) -> Result<(u64, Option<Account>), RpcError> {
        const METHOD: &str = "getAccountInfo";
        let params = json!([address.to_string(), options(level)]);
        let response: WithContext<Option<AccountJson>> = self.call(METHOD, &params).await?;
        let account = response.value.map(|account| account.parse(METHOD)).transpose()?;
        Ok((response.context.slot, account))
    }

    /// Returns an account with only the first `bytes` bytes of its data. A node may return more of
    /// them. `None` if the account does not exist.
    pub async fn account_beginning(
        &self,
        address: &Address,
        bytes: usize,
        level: CommitmentLevel,
    ) -> Result<Option<Account>, RpcError> {
        const METHOD: &str = "getAccountInfo";
        let options = json!({
            "commitment": level, "encoding": "base64", "dataSlice": { "offset": 0, "length": bytes },
        });
        let response: WithContext<Option<AccountJson>> =
            self.call(METHOD, &json!([address.to_string(), options])).await?;
        response.value.map(|account| account.parse(METHOD)).transpose()
    }

    /// Returns accounts in the order of their addresses, each with the slot at which the node read
    /// it. Accounts are requested in groups of 100; all accounts of a group have the same slot.
    pub async fn accounts(
        &self,
        addresses: &[Address],
        level: CommitmentLevel,
    ) -> Result<Vec<(u64, Option<Account>)>, RpcError> {
        const METHOD: &str = "getMultipleAccounts";
        let mut found = Vec::with_capacity(addresses.len());
        for group in addresses.chunks(MAX_ACCOUNTS_PER_CALL) {
            let texts: Vec<String> = group.iter().map(Address::to_string).collect();
            let response: WithContext<Vec<Option<AccountJson>>> =
                self.call(METHOD, &json!([texts, options(level)])).await?;
            if response.value.len() != group.len() {
                let reason = format!(
                    "it contains {} accounts, but {} were requested",
                    response.value.len(),
                    group.len()
                );
                return Err(RpcError::invalid_response(METHOD)(reason));
            }
            for account in response.value {
                let account = account.map(|account| account.parse(METHOD)).transpose()?;
                found.push((response.context.slot, account));
            }
        }
        Ok(found)
    }

    /// Returns the accounts of a program that match all filters. Public clusters serve this call
    /// slowly or not at all, so use filters that match few accounts.
    pub async fn program_accounts(
        &self,
        program: &Address,
        filters: &[Filter],
        level: CommitmentLevel,
    ) -> Result<Vec<(Address, Account)>, RpcError> {
        const METHOD: &str = "getProgramAccounts";
        let filters: Vec<Value> = filters.iter().map(Filter::json).collect();
        let options = json!({ "commitment": level, "encoding": "base64", "filters": filters });
        let response: Vec<KeyedAccountJson> =
            self.call(METHOD, &json!([program.to_string(), options])).await?;
        response.into_iter().map(|keyed| keyed.parse(METHOD)).collect()
    }

    /// Returns the addresses of the token accounts of an owner in a token program, and the first
    /// `bytes` bytes of each.
    pub async fn token_accounts(
        &self,
        owner: &Address,
        program: &Address,
        bytes: usize,
        level: CommitmentLevel,
    ) -> Result<Vec<(Address, Account)>, RpcError> {
        let filter = json!({ "programId": program.to_string() });
        self.token_accounts_with(owner, &filter, bytes, level).await
    }

    /// Returns the addresses of an owner's token accounts of a mint, and the first `bytes` bytes of
    /// each.
    pub async fn token_accounts_of_mint(
        &self,
        owner: &Address,
        mint: &Address,
        bytes: usize,
        level: CommitmentLevel,
    ) -> Result<Vec<(Address, Account)>, RpcError> {
        let filter = json!({ "mint": mint.to_string() });
        self.token_accounts_with(owner, &filter, bytes, level).await
    }

    async fn token_accounts_with(
        &self,
        owner: &Address,
        filter: &Value,
        bytes: usize,
        level: CommitmentLevel,
    ) -> Result<Vec<(Address, Account)>, RpcError> {
        const METHOD: &str = "getTokenAccountsByOwner";
        let options = json!({
            "commitment": level, "encoding": "base64", "dataSlice": { "offset": 0, "length": bytes },
        });
        let response: WithContext<Vec<KeyedAccountJson>> = self
            .call(METHOD, &json!([owner.to_string(), filter, options]))
            .await?;
        let parse = |keyed: KeyedAccountJson| keyed.parse(METHOD);
        response.value.into_iter().map(parse).collect()
    }

    /// Returns the smallest balance, in lamports, that exempts an account of `bytes` bytes from
    /// rent.
    pub async fn rent_exempt_balance(&self, bytes: usize) -> Result<u64, RpcError> {
        self.call("getMinimumBalanceForRentExemption", &json!([bytes]))
            .await
    }
}

impl Filter {
    fn json(&self) -> Value {
        match self {
            Self::Size(size) => json!({ "dataSize": size }),
            Self::Bytes { offset, bytes } => {
                json!({ "memcmp": { "offset": offset, "bytes": BASE64.encode(bytes), "encoding": "base64" } })
            }
        }
    }
}

fn options(level: CommitmentLevel) -> Value {
    json!({ "commitment": level, "encoding": "base64" })
}

#[derive(Deserialize)]
struct AccountJson {
    lamports: u64,
    owner: String,
    /// The encoded bytes and the name of the encoding.
    data: (String, String),
    executable: bool,
}

#[derive(Deserialize)]
struct KeyedAccountJson {
    pubkey: String,
    account: AccountJson,
}

impl KeyedAccountJson {
    fn parse(self, method: &'static str) -> Result<(Address, Account), RpcError> {
        let address = self.pubkey.parse().map_err(RpcError::invalid_response(method))?;
        Ok((address, self.account.parse(method)?))
    }
}

impl AccountJson {
    fn parse(self, method: &'static str) -> Result<Account, RpcError> {
        Ok(Account {
            lamports: self.lamports,
            owner: self.owner.parse().map_err(RpcError::invalid_response(method))?,
            data: BASE64
                .decode(&self.data.0)
                .map_err(RpcError::invalid_response(method))?,
            executable: self.executable,
        })
    }
}
