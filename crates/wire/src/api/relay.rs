//! Relayed verifications.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A repeated request with this header has the relay, or the job, of the first one.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The fee that the operator pays, within the budget of the scope.
pub const FEE_SPONSORED: &str = "sponsored";
/// The fee that the owner of an API key pays, within the budget of the key.
pub const FEE_KEY: &str = "key";
/// The fee that the recipient pays, who signs the transaction as well.
pub const FEE_IN_TRANSACTION: &str = "in_transaction";

/// What the service relays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelayDocument {
    /// The wallets that can pay now. Choose one at random, and name it as the relayer in the proof.
    pub relayers: Vec<String>,
    /// Largest payload in bytes.
    pub max_payload: usize,
    /// Seconds for which a proof must still be valid, after `max_delay_seconds`.
    pub min_validity_seconds: i64,
    /// The kinds of fees that this service accepts now. A scope has its own list.
    pub fees: Vec<Cow<'static, str>>,
    /// The instructions of consumer programs that relays in scopes with a gate may call.
    pub consumers: Vec<ConsumerDocument>,
}

/// An instruction of a consumer program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsumerDocument {
    /// The program.
    pub program: String,
    /// The first bytes of the instruction's data: `0x` and hexadecimal digits.
    pub discriminator: String,
    /// The position of the payer among the accounts, from 0: the wallet, or the recipient with the
    /// fee `in_transaction`.
    pub payer: usize,
    /// The position of the wallet as the relayer.
    pub relayer: usize,
}

/// A call of a consumer program, which calls `verify`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsumerBody {
    /// The program.
    pub program: String,
    /// The accounts in the order that the program expects.
    #[cfg_attr(feature = "openapi", schema(max_items = 32))]
    pub accounts: Vec<ConsumerAccountBody>,
    /// The data of the instruction: `0x` and hexadecimal digits.
    pub data: String,
}

/// An account of a call. Only payer and relayer sign.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsumerAccountBody {
    /// The address.
    pub address: String,
    /// Whether the program may change the account. The default is false.
    #[serde(default)]
    pub writable: bool,
}

/// A verification to relay. The values are those that the proof was made for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RelayBody {
    /// The scope account.
    pub scope: String,
    /// The proof: −A, B, C. `0x` and 512 hexadecimal digits.
    pub proof: String,
    /// The root that the proof was made at.
    pub root: String,
    /// The nullifier.
    pub nullifier: String,
    /// The claim. With an auxiliary registry, the claim without its root.
    pub claim: String,
    /// The root of the auxiliary registry, if the scope has one.
    #[serde(default)]
    pub auxiliary_root: Option<String>,
    /// The address that benefits from the verification.
    pub recipient: String,
    /// The wallet of `GET /v1/relay` that the proof names as its relayer.
    pub relayer: String,
    /// The time after which the program refuses the proof, in Unix seconds.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub expiry: i64,
    /// The consumer's data: `0x` and hexadecimal digits.
    #[serde(default)]
    pub payload: Option<String>,
    /// Who pays: `sponsored` (the operator), `key` (the owner of the API key in `Authorization`) or
    /// `in_transaction` (the recipient, who signs the transaction as well).
    pub fee: String,
    /// In a scope with a gate: the call of the consumer program.
    #[serde(default)]
    pub consumer: Option<ConsumerBody>,
    /// With the fee `in_transaction`: the transaction of the first response with the signature of
    /// the recipient, in base64. Absent in the first request.
    #[serde(default)]
    pub signed_transaction: Option<String>,
    /// The transaction is sent at a random moment within these seconds, against conclusions from
    /// its time. It is simulated then, and not before. The default is 0.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 3600))]
    pub max_delay_seconds: Option<u32>,
}

/// An accepted relay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptedDocument {
    /// The relay's id: 32 hexadecimal digits. A client that knows it can read the relay's state.
    pub id: String,
    /// The state.
    pub state: Cow<'static, str>,
}

/// A transaction that the recipient must sign. Nothing is stored yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToSignDocument {
    /// `to_sign`.
    pub state: Cow<'static, str>,
    /// The transaction without signatures, in base64. Send the same request with the signed
    /// transaction in `signed_transaction`, within about a minute.
    pub transaction: String,
    /// What the recipient transfers to the wallet, in lamports. The recipient also pays the rent of
    /// the nullifier account, and receives it back after the end of the scope.
    pub lamports: String,
}

/// The state of a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RelayStatusDocument {
    /// `queued`, `sent`, `confirmed` and `finalized`; or `refused` (no longer possible), `failed`
    /// (executed and failed) or `expired` (not executed in time).
    pub state: Cow<'static, str>,
    /// The signature of the last transaction. Null before it is sent.
    pub signature: Option<String>,
    /// The number of transactions. At most one of them was executed.
    pub attempts: u32,
    /// Why the relay was refused, has failed or has expired: the program's error, or
    /// `nullifier_used`, `simulation_failed`, `transaction_failed`, `proof_expired`,
    /// `not_executed`, `consumer_not_listed`, `consumer_changed` or `consumer_too_expensive`.
    pub reason: Option<String>,
}

impl RelayStatusDocument {
    /// Returns whether no other state follows. A relay that ended in another way is finalized after
    /// all if the ledger finds that one of its transactions was executed.
    #[must_use]
    pub fn is_last(&self) -> bool {
        match &*self.state {
            "finalized" => true,
            "refused" | "failed" | "expired" => self.attempts == 0,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_with_a_transaction_can_be_finalized_after_any_other_end() {
        let document = |state: &'static str, attempts| RelayStatusDocument {
            state: state.into(),
            signature: None,
            attempts,
            reason: None,
        };
        for state in ["queued", "sent", "confirmed"] {
            assert!(!document(state, 0).is_last() && !document(state, 1).is_last());
        }
        for state in ["refused", "failed", "expired"] {
            assert!(document(state, 0).is_last() && !document(state, 1).is_last());
        }
        assert!(document("finalized", 1).is_last());
    }
}
