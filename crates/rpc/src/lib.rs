//! A small blocking client for the parts of Solana's JSON-RPC that Bauta uses.
//!
//! ```text
//!   instructions ──> Rpc::send_and_confirm ──> signature, slot
//!                                                  │
//!   Record (instructions and inner instructions,   │
//!   programs and accounts by address)  <── Rpc::transaction
//! ```
//!
//! Everything is asked and waited for at commitment `confirmed`. The methods are those of
//! <https://solana.com/docs/rpc/http>; amounts are in lamports.

mod error;
mod record;
mod send;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use solana_address::Address;
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

pub use error::RpcError;
pub use record::{Call, InnerCall, Record};
pub use send::Confirmed;

/// How long a node may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node's JSON-RPC.
pub struct Rpc {
    agent: ureq::Agent,
    url: String,
}

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

impl Rpc {
    /// A client of the node at an `http` or `https` URL. Asks nothing yet.
    ///
    /// A proxy from the environment is used, but never for this machine itself.
    pub fn new(url: impl Into<String>) -> Result<Self, RpcError> {
        let url = url.into();
        let authority = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"))
            .ok_or_else(|| RpcError::Url { url: url.clone() })?;
        let local = ["127.", "localhost", "[::1]"]
            .iter()
            .any(|host| authority.starts_with(host));
        let mut config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
        if local {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().into(),
            url,
        })
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls a method.
    pub fn call<T: DeserializeOwned>(&self, method: &'static str, params: &Value) -> Result<T, RpcError> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let unreachable = |error: ureq::Error| RpcError::Unreachable {
            url: self.url.clone(),
            reason: error.to_string(),
        };
        let body = self
            .agent
            .post(&self.url)
            .content_type("application/json")
            .send(request.to_string())
            .map_err(unreachable)?
            .body_mut()
            .with_config()
            .limit(MOST)
            .read_to_vec()
            .map_err(unreachable)?;
        let answer: Answer = serde_json::from_slice(&body).map_err(RpcError::answer(method))?;
        match (answer.error, answer.result) {
            (Some(refusal), _) => Err(refusal.into_error(method)),
            // `null` is an answer too: to some methods it says that there is no such thing.
            (None, result) => {
                serde_json::from_value(result.unwrap_or(Value::Null)).map_err(RpcError::answer(method))
            }
        }
    }

    /// The newest confirmed slot.
    pub fn slot(&self) -> Result<u64, RpcError> {
        self.call("getSlot", &json!([confirmed()]))
    }

    /// The hash of the chain's first block: which cluster this is.
    pub fn genesis_hash(&self) -> Result<Hash, RpcError> {
        let text: String = self.call("getGenesisHash", &json!([]))?;
        text.parse().map_err(RpcError::answer("getGenesisHash"))
    }

    /// An account, if there is one.
    pub fn account(&self, address: &Address) -> Result<Option<Account>, RpcError> {
        const METHOD: &str = "getAccountInfo";
        let options = json!({ "commitment": "confirmed", "encoding": "base64" });
        let answer: InContext<Option<AccountJson>> =
            self.call(METHOD, &json!([address.to_string(), options]))?;
        let read = |account: AccountJson| -> Result<Account, RpcError> {
            Ok(Account {
                lamports: account.lamports,
                owner: account.owner.parse().map_err(RpcError::answer(METHOD))?,
                data: BASE64.decode(&account.data.0).map_err(RpcError::answer(METHOD))?,
                executable: account.executable,
            })
        };
        answer.value.map(read).transpose()
    }

    /// The smallest balance that an account of so many bytes may have.
    pub fn rent_exempt_balance(&self, bytes: usize) -> Result<u64, RpcError> {
        self.call("getMinimumBalanceForRentExemption", &json!([bytes]))
    }

    /// Has a test chain give lamports away, and waits for them.
    pub fn airdrop(&self, to: &Address, lamports: u64) -> Result<Confirmed, RpcError> {
        let (_, last_height) = self.latest_blockhash()?;
        let text: String = self.call("requestAirdrop", &json!([to.to_string(), lamports, confirmed()]))?;
        let signature = parse_signature("requestAirdrop", &text)?;
        self.confirm(&signature, last_height)
    }

    /// A blockhash for a new transaction, and the last block height that takes a transaction with it.
    pub fn latest_blockhash(&self) -> Result<(Hash, u64), RpcError> {
        const METHOD: &str = "getLatestBlockhash";
        let answer: InContext<BlockhashJson> = self.call(METHOD, &json!([confirmed()]))?;
        let blockhash = answer.value.blockhash.parse().map_err(RpcError::answer(METHOD))?;
        Ok((blockhash, answer.value.last_valid_block_height))
    }
}

/// The longest answer that is taken, in bytes: an account has at most 10 MiB, and base64 makes 4 of 3.
const MOST: u64 = 16 * 1024 * 1024;

fn confirmed() -> Value {
    json!({ "commitment": "confirmed" })
}

fn parse_signature(method: &'static str, text: &str) -> Result<Signature, RpcError> {
    text.parse().map_err(RpcError::answer(method))
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Refusal {
    fn into_error(self, method: &'static str) -> RpcError {
        // Of a transaction that was tried and failed: what it failed with, and its logs.
        let field = |name: &str| self.data.as_ref()?.get(name).cloned();
        let error: Option<TransactionError> = field("err").and_then(|err| serde_json::from_value(err).ok());
        let logs = field("logs").and_then(|logs| serde_json::from_value(logs).ok());
        RpcError::Refused {
            method,
            code: self.code,
            message: self.message,
            error,
            logs: logs.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct InContext<T> {
    value: T,
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
#[serde(rename_all = "camelCase")]
struct BlockhashJson {
    blockhash: String,
    last_valid_block_height: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_http_is_refused() {
        let error = Rpc::new("localhost:8899").err().unwrap().to_string();
        assert!(
            error.contains("localhost:8899") && error.contains("http://"),
            "{error}"
        );
    }

    #[test]
    fn a_node_that_is_away_is_named() {
        // Port 1 (tcpmux) is reserved; nothing listens there.
        let error = Rpc::new("http://127.0.0.1:1").unwrap().slot().unwrap_err();
        assert!(matches!(error, RpcError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
    }

    #[test]
    fn a_refused_transaction_keeps_its_error_and_logs() {
        // As Agave answers sendTransaction when the preflight fails.
        let refusal: Refusal = serde_json::from_value(json!({
            "code": -32002,
            "message": "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1770",
            "data": { "err": { "InstructionError": [0, { "Custom": 6000 }] }, "logs": ["Program log: no"], "unitsConsumed": 1 }
        }))
        .unwrap();
        let RpcError::Refused { error, logs, .. } = refusal.into_error("sendTransaction") else {
            panic!("a refusal");
        };
        let custom = solana_instruction::error::InstructionError::Custom(6000);
        assert_eq!(error, Some(TransactionError::InstructionError(0, custom)));
        assert_eq!(logs, ["Program log: no"]);
    }
}
