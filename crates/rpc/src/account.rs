//! Accounts.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;

use crate::{Commitment, Rpc, RpcError, call::InContext};

/// An account as a node keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it holds, in lamports.
    pub lamports: u64,
    /// The program that it belongs to.
    pub owner: Address,
    /// Its bytes.
    pub data: Vec<u8>,
    /// Whether it is a program.
    pub executable: bool,
}

/// Which of a program's accounts are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those of so many bytes.
    Size(usize),
    /// Those that have these bytes there, 128 at most.
    Bytes {
        /// Where, from the data's beginning.
        offset: usize,
        /// What.
        bytes: Vec<u8>,
    },
}

/// How many accounts a node takes in one call.
const AT_ONCE: usize = 100;

impl Rpc {
    /// An account, if there is one, and the slot at which the node looked.
    pub async fn account(
        &self,
        address: &Address,
        commitment: Commitment,
    ) -> Result<(u64, Option<Account>), RpcError> {
        const METHOD: &str = "getAccountInfo";
        let params = json!([address.to_string(), options(commitment)]);
        let answer: InContext<Option<AccountJson>> = self.call(METHOD, &params).await?;
        let account = answer.value.map(|account| account.read(METHOD)).transpose()?;
        Ok((answer.context.slot, account))
    }

    /// Accounts in the order of their addresses, each with the slot at which the node looked; the same for a hundred.
    pub async fn accounts(
        &self,
        addresses: &[Address],
        commitment: Commitment,
    ) -> Result<Vec<(u64, Option<Account>)>, RpcError> {
        const METHOD: &str = "getMultipleAccounts";
        let mut found = Vec::with_capacity(addresses.len());
        for part in addresses.chunks(AT_ONCE) {
            let names: Vec<String> = part.iter().map(Address::to_string).collect();
            let answer: InContext<Vec<Option<AccountJson>>> =
                self.call(METHOD, &json!([names, options(commitment)])).await?;
            if answer.value.len() != part.len() {
                let reason = format!(
                    "{} accounts where {} were asked for",
                    answer.value.len(),
                    part.len()
                );
                return Err(RpcError::answer(METHOD)(reason));
            }
            for account in answer.value {
                let account = account.map(|account| account.read(METHOD)).transpose()?;
                found.push((answer.context.slot, account));
            }
        }
        Ok(found)
    }

    /// A program's accounts that pass all filters. Public clusters answer this slowly or not at all: filter well.
    pub async fn program_accounts(
        &self,
        program: &Address,
        filters: &[Filter],
        commitment: Commitment,
    ) -> Result<Vec<(Address, Account)>, RpcError> {
        const METHOD: &str = "getProgramAccounts";
        let filters: Vec<Value> = filters.iter().map(Filter::json).collect();
        let options = json!({ "commitment": commitment, "encoding": "base64", "filters": filters });
        let answer: Vec<KeyedJson> = self.call(METHOD, &json!([program.to_string(), options])).await?;
        let read = |keyed: KeyedJson| {
            let address = keyed.pubkey.parse().map_err(RpcError::answer(METHOD))?;
            Ok((address, keyed.account.read(METHOD)?))
        };
        answer.into_iter().map(read).collect()
    }

    /// The smallest balance that an account of so many bytes may have.
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

fn options(commitment: Commitment) -> Value {
    json!({ "commitment": commitment, "encoding": "base64" })
}

#[derive(Deserialize)]
struct AccountJson {
    lamports: u64,
    owner: String,
    /// The bytes and the name of their encoding.
    data: (String, String),
    executable: bool,
}

#[derive(Deserialize)]
struct KeyedJson {
    pubkey: String,
    account: AccountJson,
}

impl AccountJson {
    fn read(self, method: &'static str) -> Result<Account, RpcError> {
        Ok(Account {
            lamports: self.lamports,
            owner: self.owner.parse().map_err(RpcError::answer(method))?,
            data: BASE64.decode(&self.data.0).map_err(RpcError::answer(method))?,
            executable: self.executable,
        })
    }
}
