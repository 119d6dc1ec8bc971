//! Reads what executed transactions changed in the balance of an account.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use solana_address::Address;
use solana_signature::Signature;

use crate::{CommitmentLevel, Rpc, RpcError, transaction::ANY_VERSION};

const METHOD: &str = "getTransaction";

/// The balance of an account before and after a transaction, in lamports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    /// The balance before the transaction.
    pub before: u64,
    /// The balance after the transaction.
    pub after: u64,
    /// The fee that the account paid. 0 if another account paid it.
    pub fee: u64,
    /// Whether the transaction succeeded. One that failed costs its fee.
    pub is_success: bool,
}

impl Rpc {
    /// Returns how each transaction changed the balance of an account, with one request, in the
    /// order of the signatures. The change is `None` if the node doesn't have the transaction, or
    /// if the transaction doesn't name the account.
    pub async fn balance_changes(
        &self,
        account: &Address,
        signatures: &[Signature],
        level: CommitmentLevel,
    ) -> Result<Vec<Option<BalanceChange>>, RpcError> {
        let options =
            json!({ "commitment": level, "encoding": "json", "maxSupportedTransactionVersion": ANY_VERSION });
        let params: Vec<Value> = signatures
            .iter()
            .map(|signature| json!([signature.to_string(), options]))
            .collect();
        let responses: Vec<Result<Option<ResponseJson>, RpcError>> = self.call_batch(METHOD, &params).await?;
        let account = account.to_string();
        let change = |response: Result<Option<ResponseJson>, RpcError>| {
            Ok(response?.and_then(|response| response.change(&account)))
        };
        responses.into_iter().map(change).collect()
    }
}

#[derive(Deserialize)]
struct ResponseJson {
    meta: MetaJson,
    transaction: TransactionJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetaJson {
    #[serde(default)]
    err: Option<IgnoredAny>,
    fee: u64,
    pre_balances: Vec<u64>,
    post_balances: Vec<u64>,
    loaded_addresses: Option<LoadedAddressesJson>,
}

#[derive(Deserialize)]
struct LoadedAddressesJson {
    writable: Vec<String>,
    readonly: Vec<String>,
}

#[derive(Deserialize)]
struct TransactionJson {
    message: MessageJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageJson {
    account_keys: Vec<String>,
}

impl ResponseJson {
    fn change(self, account: &str) -> Option<BalanceChange> {
        let mut keys = self.transaction.message.account_keys;
        if let Some(loaded) = self.meta.loaded_addresses {
            keys.extend(loaded.writable);
            keys.extend(loaded.readonly);
        }
        let index = keys.iter().position(|key| key == account)?;
        Some(BalanceChange {
            before: *self.meta.pre_balances.get(index)?,
            after: *self.meta.post_balances.get(index)?,
            // The first account pays the fee.
            fee: if index == 0 { self.meta.fee } else { 0 },
            is_success: self.meta.err.is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_account_pays_the_fee_and_loaded_accounts_count() {
        let response = || -> ResponseJson {
            serde_json::from_value(json!({
                "meta": {
                    "fee": 5, "preBalances": [100, 20, 7], "postBalances": [90, 25, 7],
                    "loadedAddresses": { "writable": ["b"], "readonly": ["c"] },
                },
                "transaction": { "message": { "accountKeys": ["a"] } },
            }))
            .unwrap()
        };
        let change = |before, after, fee| {
            Some(BalanceChange {
                before,
                after,
                fee,
                is_success: true,
            })
        };
        assert_eq!(response().change("a"), change(100, 90, 5));
        assert_eq!(response().change("b"), change(20, 25, 0));
        assert_eq!(response().change("c"), change(7, 7, 0));
        assert_eq!(response().change("d"), None);
    }

    #[test]
    fn a_failed_transaction_is_no_success() {
        for (err, is_success) in [(json!(null), true), (json!("AccountNotFound"), false)] {
            let response: ResponseJson = serde_json::from_value(json!({
                "meta": { "err": err, "fee": 5, "preBalances": [9], "postBalances": [4] },
                "transaction": { "message": { "accountKeys": ["a"] } },
            }))
            .unwrap();
            assert_eq!(response.change("a").unwrap().is_success, is_success);
        }
    }
}
