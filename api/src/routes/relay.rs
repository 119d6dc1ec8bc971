use std::sync::Arc;

use axum::{
    Extension,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_primitives::{Claim, Nullifier, Root};
use bauta_service_common::{InvalidField, InvalidFields, Json, Path, UnreadBody};
use bauta_store::{RandomId, RelayStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    parameters::{self, kept},
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::{RELAY, Reads},
};
use crate::{
    limits::Client,
    relay::{
        Consumer, ConsumerAccount, ConsumerCall, Fee, MAX_CALL_ACCOUNTS, MAX_CALL_BYTES, MAX_DELAY_SECONDS,
        MAX_PAYLOAD_BYTES, MIN_VALIDITY_SECONDS, Proofs, Relay, RelayRequest, Submitted,
    },
};

/// Largest body of a request in bytes.
const MAX_BODY_BYTES: usize = 8 << 10;
/// Largest transaction in bytes.
const MAX_TRANSACTION_BYTES: usize = bauta_rpc::MAX_TRANSACTION_BYTES;
/// A repeated request with this header has the relay of the first one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Largest length of an idempotency key in bytes.
const MAX_KEY_LENGTH: usize = 128;

/// What the service relays.
#[derive(Serialize, ToSchema)]
pub struct RelayDocument {
    /// The wallets that can pay now. Choose one at random, and name it as the relayer in the proof.
    relayers: Vec<String>,
    /// Largest payload in bytes.
    max_payload: usize,
    /// Seconds for which a proof must still be valid, after `max_delay_seconds`.
    min_validity_seconds: i64,
    /// The kinds of fees that this service accepts. A scope has its own list.
    fees: Vec<&'static str>,
    /// The instructions of consumer programs that relays in scopes with a gate may call.
    consumers: Vec<ConsumerDocument>,
}

/// An instruction of a consumer program.
#[derive(Serialize, ToSchema)]
pub struct ConsumerDocument {
    /// The program.
    program: String,
    /// The first bytes of the instruction's data: `0x` and hexadecimal digits.
    discriminator: String,
    /// The position of the payer among the accounts, from 0: the wallet, or the recipient with the
    /// fee `in_transaction`.
    payer: usize,
    /// The position of the wallet as the relayer.
    relayer: usize,
}

/// A call of a consumer program, which calls `verify`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerBody {
    /// The program.
    program: String,
    /// The accounts in the order that the program expects.
    #[schema(max_items = 32)]
    accounts: Vec<ConsumerAccountBody>,
    /// The data of the instruction: `0x` and hexadecimal digits.
    data: String,
}

/// An account of a call. Only payer and relayer sign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerAccountBody {
    /// The address.
    address: String,
    /// Whether the program may change the account. The default is false.
    #[serde(default)]
    writable: bool,
}

/// A verification to relay. The values are those that the proof was made for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayBody {
    /// The scope account.
    scope: String,
    /// The proof: −A, B, C. `0x` and 512 hexadecimal digits.
    proof: String,
    /// The root that the proof was made at.
    root: String,
    /// The nullifier.
    nullifier: String,
    /// The claim. With an auxiliary registry, the claim without its root.
    claim: String,
    /// The root of the auxiliary registry, if the scope has one.
    #[serde(default)]
    auxiliary_root: Option<String>,
    /// The address that benefits from the verification.
    recipient: String,
    /// The wallet of `GET /v1/relay` that the proof names as its relayer.
    relayer: String,
    /// The time after which the program refuses the proof, in Unix seconds.
    #[schema(minimum = 0)]
    expiry: i64,
    /// The consumer's data: `0x` and hexadecimal digits.
    #[serde(default)]
    payload: Option<String>,
    /// Who pays: `sponsored` (the operator), `key` (the owner of the API key in `Authorization`) or
    /// `in_transaction` (the recipient, who signs the transaction as well).
    fee: String,
    /// In a scope with a gate: the call of the consumer program.
    #[serde(default)]
    consumer: Option<ConsumerBody>,
    /// With the fee `in_transaction`: the transaction of the first response with the signature of
    /// the recipient, in base64. Absent in the first request.
    #[serde(default)]
    signed_transaction: Option<String>,
    /// The transaction is sent at a random moment within these seconds, against conclusions from
    /// its time. It is simulated then, and not before. The default is 0.
    #[serde(default)]
    #[schema(maximum = 3600)]
    max_delay_seconds: Option<u32>,
}

/// An accepted relay.
#[derive(Serialize, ToSchema)]
pub struct AcceptedDocument {
    /// The relay's id: 32 hexadecimal digits. A client that knows it can read the relay's state.
    id: String,
    /// The state.
    state: &'static str,
}

/// A transaction that the recipient must sign. Nothing is stored yet.
#[derive(Serialize, ToSchema)]
pub struct ToSignDocument {
    /// `to_sign`.
    state: &'static str,
    /// The transaction without signatures, in base64. Send the same request with the signed
    /// transaction in `signed_transaction`, within about a minute.
    transaction: String,
    /// What the recipient transfers to the wallet, in lamports. The recipient also pays the rent of
    /// the nullifier account, and receives it back after the end of the scope.
    lamports: String,
}

/// The state of a relay.
#[derive(PartialEq, Eq, Serialize, ToSchema)]
pub struct RelayStatusDocument {
    /// `queued`, `sent`, `confirmed` and `finalized`; or `refused` (no longer possible), `failed`
    /// (executed and failed) or `expired` (not executed in time).
    state: &'static str,
    /// The signature of the last transaction. Null before it is sent.
    signature: Option<String>,
    /// The number of transactions. At most one of them was executed.
    attempts: u32,
    /// Why the relay was refused, has failed or has expired: the program's error, or
    /// `nullifier_used`, `simulation_failed`, `transaction_failed`, `proof_expired`,
    /// `not_executed`, `consumer_not_listed`, `consumer_changed` or `consumer_too_expensive`.
    reason: Option<String>,
}

/// Returns the wallets of the relay, and what it accepts.
///
/// A proof names one of the wallets as its relayer, so that no other sender can send it first.
#[utoipa::path(
    get,
    path = "/v1/relay",
    tag = "relay",
    responses((status = 200, body = RelayDocument)),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn relayers(state: Reads) -> Result<Response, Failure> {
    let relay = relay(&state)?;
    let relayers = relay.wallets().await?;
    Ok(uncached(Json(RelayDocument {
        relayers: relayers.iter().map(ToString::to_string).collect(),
        max_payload: MAX_PAYLOAD_BYTES,
        min_validity_seconds: MIN_VALIDITY_SECONDS,
        fees: Fee::ALL
            .into_iter()
            .filter(|fee| relay.accepts(*fee))
            .map(Fee::as_str)
            .collect(),
        consumers: relay.consumers().iter().map(ConsumerDocument::from).collect(),
    })))
}

impl From<&Consumer> for ConsumerDocument {
    fn from(consumer: &Consumer) -> Self {
        Self {
            program: consumer.program.to_string(),
            discriminator: format!("0x{}", hex::encode(&consumer.discriminator)),
            payer: consumer.payer,
            relayer: consumer.relayer,
        }
    }
}

/// Relays a verification.
///
/// The service checks everything that the program checks, including the proof, before it pays. Each
/// nullifier of a scope has one relay: the same request gets the same relay, and another one is
/// refused. With the header `Idempotency-Key`, a repeated request gets its relay in every state,
/// and nothing is checked again. The response comes before the transaction is sent.
///
/// With the fee `key`, the request needs an API key with the permission `relay`. With the fee
/// `in_transaction`, the first response has status 200 and a transaction for the recipient to sign,
/// and the same request with the signed transaction is relayed.
#[utoipa::path(
    post,
    path = "/v1/relay",
    tag = "relay",
    security((), ("api_key" = ["relay"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request return the relay of the first one, even after it has ended. 1 to 128 visible ASCII characters", min_length = 1, max_length = 128, pattern = "^[!-~]+$")),
    request_body(
        content = RelayBody,
        example = json!({
            "scope": "11111111111111111111111111111111",
            "proof": format!("0x{}", "00".repeat(256)),
            "root": format!("0x{}", "00".repeat(32)),
            "nullifier": format!("0x{}", "00".repeat(32)),
            "claim": format!("0x{}", "00".repeat(32)),
            "recipient": "11111111111111111111111111111111",
            "relayer": "11111111111111111111111111111111",
            "expiry": 1_790_000_000,
            "payload": "0x",
            "fee": "sponsored",
            "max_delay_seconds": 600
        })
    ),
    responses(
        (status = 200, body = ToSignDocument),
        (status = 202, body = AcceptedDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; API key with the fee key; percentile while a rollout runs; scope, nullifier, **recipient and payload**; not the member",
        "keeps": "the request, encrypted, until the relay ends; then scope, nullifier, state, day and signatures for RELAY_RETENTION_DAYS; lamports"
    })))
)]
pub async fn submit(
    state: Reads,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let relay = relay(&state)?.clone();
    let key = idempotency_key(&headers)?;
    let request = body.json::<RelayBody>(MAX_BODY_BYTES).await;
    let is_keyed = request
        .as_ref()
        .is_ok_and(|request| request.fee == Fee::Key.as_str());
    let caller = if is_keyed {
        let caller = state.authorise(&headers, RELAY).await?;
        state.limits.take_keyed_relay(&caller).await?;
        Some(caller)
    } else {
        state.limits.take_relay(&client).await?;
        None
    };
    let request = request?.parse()?;
    let owner = caller.as_ref().map(|caller| caller.owner.as_str());
    let proofs = Proofs {
        verifier: &state.verifier,
        keys: &state.verifying_keys,
        client: &client.name,
    };
    Ok(match relay.submit(&proofs, &request, owner, key).await? {
        Submitted::Relay(id) => {
            let accepted = AcceptedDocument {
                id: hex::encode(id),
                state: "queued",
            };
            (StatusCode::ACCEPTED, uncached(Json(accepted))).into_response()
        }
        Submitted::ToSign(proposal) => uncached(Json(ToSignDocument {
            state: "to_sign",
            transaction: proposal.transaction,
            lamports: proposal.lamports.to_string(),
        })),
    })
}

/// Returns the state of a relay.
///
/// Poll it, at most twice a second, or follow `/v1/relay/{relay}/events`.
#[utoipa::path(
    get,
    path = "/v1/relay/{relay}",
    tag = "relay",
    params(("relay" = String, Path, description = "The relay's id")),
    responses(
        (status = 200, body = RelayStatusDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **which relay**", "keeps": "nothing"})))
)]
pub async fn relayed(state: Reads, Path(text): Path<String>) -> Result<Response, Failure> {
    let relay = relay(&state)?;
    let status = relay.status(id(&text)?).await?;
    let status = status.ok_or_else(problems::unknown_relay)?;
    Ok(uncached(Json(RelayStatusDocument::from(status))))
}

/// Reads a relay's id.
pub fn id(text: &str) -> Result<RandomId, InvalidField> {
    let mut id: RandomId = [0; 16];
    let read = hex::decode_to_slice(text, &mut id);
    read.map(|()| id)
        .map_err(|_| InvalidField::new("relay", "must be 32 hexadecimal digits"))
}

impl From<RelayStatus> for RelayStatusDocument {
    fn from(status: RelayStatus) -> Self {
        Self {
            state: status.state.as_str(),
            signature: status.signature.map(|signature| signature.to_string()),
            attempts: status.attempts,
            reason: status.reason,
        }
    }
}

impl RelayStatusDocument {
    /// Returns the name of the state.
    pub fn state(&self) -> &str {
        self.state
    }

    /// Returns whether no other state follows. A relay that ended in another way is finalized after
    /// all if the ledger finds that one of its transactions was executed.
    pub fn is_last(&self) -> bool {
        match self.state {
            "finalized" => true,
            "refused" | "failed" | "expired" => self.attempts == 0,
            _ => false,
        }
    }
}

/// Reads the header `Idempotency-Key`.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, InvalidField> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let is_valid = |key: &&str| {
        (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let key = key.to_str().ok().filter(is_valid);
    let rule = || InvalidField::new("Idempotency-Key", "must have 1 to 128 visible ASCII characters");
    key.map(Some).ok_or_else(rule)
}

/// Returns the relay, if this service has wallets.
pub fn relay(state: &Reads) -> Result<&Arc<Relay>, Failure> {
    state.relay.as_ref().ok_or_else(problems::no_relay)
}

impl RelayBody {
    /// Converts the fields. The error has every field that breaks its rule.
    fn parse(self) -> Result<RelayRequest, InvalidFields> {
        let mut errors = Vec::new();
        let scope = kept(parameters::address("scope", &self.scope), &mut errors);
        let mut proof = [0; 256];
        kept(parameters::bytes("proof", &self.proof, &mut proof), &mut errors);
        let root = kept(parameters::element("root", &self.root), &mut errors);
        let nullifier = kept(parameters::element("nullifier", &self.nullifier), &mut errors);
        let claim = kept(parameters::element("claim", &self.claim), &mut errors);
        let auxiliary = self.auxiliary_root.as_deref();
        let auxiliary = auxiliary.map(|text| kept(parameters::element("auxiliary_root", text), &mut errors));
        let recipient = kept(parameters::address("recipient", &self.recipient), &mut errors);
        let relayer = kept(parameters::address("relayer", &self.relayer), &mut errors);
        let payload = kept(
            bytes(
                "payload",
                self.payload.as_deref().unwrap_or("0x"),
                MAX_PAYLOAD_BYTES,
            ),
            &mut errors,
        );
        if self.expiry < 0 {
            errors.push(InvalidField::new("expiry", "must not be negative"));
        }
        let fee = Fee::ALL.into_iter().find(|fee| fee.as_str() == self.fee);
        if fee.is_none() {
            errors.push(InvalidField::new(
                "fee",
                "must be sponsored, key or in_transaction",
            ));
        }
        let consumer = self.consumer.map(|call| call.parse(&mut errors));
        let signed = self.signed_transaction.as_deref();
        let signed_transaction = signed.map(|text| kept(transaction(text), &mut errors));
        let max_delay_seconds = self.max_delay_seconds.unwrap_or(0);
        if max_delay_seconds > MAX_DELAY_SECONDS {
            let rule = format!("must be from 0 to {MAX_DELAY_SECONDS}");
            errors.push(InvalidField::new("max_delay_seconds", rule));
        }
        if fee == Some(Fee::InTransaction) && max_delay_seconds > 0 {
            // The blockhash of the signed transaction expires.
            let rule = "must be 0 with the fee in_transaction";
            errors.push(InvalidField::new("max_delay_seconds", rule));
        }
        if signed.is_some() && fee.is_some_and(|fee| fee != Fee::InTransaction) {
            let rule = "is only for the fee in_transaction";
            errors.push(InvalidField::new("signed_transaction", rule));
        }
        if let Some(errors) = InvalidFields::of(errors) {
            return Err(errors);
        }
        // Each value is present, because there is no error.
        let missing = || InvalidFields::from(InvalidField::missing("proof"));
        Ok(RelayRequest {
            scope: scope.ok_or_else(missing)?,
            proof,
            root: Root::new(root.ok_or_else(missing)?),
            nullifier: Nullifier::new(nullifier.ok_or_else(missing)?),
            claim: Claim::new(claim.ok_or_else(missing)?),
            auxiliary_root: auxiliary.flatten().map(Root::new),
            recipient: recipient.ok_or_else(missing)?,
            relayer: relayer.ok_or_else(missing)?,
            expiry: self.expiry,
            payload: payload.ok_or_else(missing)?,
            max_delay_seconds,
            fee: fee.ok_or_else(missing)?,
            consumer: consumer.flatten(),
            signed_transaction: signed_transaction.flatten(),
        })
    }
}

impl ConsumerBody {
    /// Converts the fields. Adds an error for each that breaks its rule.
    fn parse(self, errors: &mut Vec<InvalidField>) -> Option<ConsumerCall> {
        let within = |error: InvalidField| error.within("consumer");
        let program = parameters::address("program", &self.program).map_err(within);
        let program = kept(program, errors);
        let data = bytes("data", &self.data, MAX_CALL_BYTES).map_err(within);
        let data = kept(data, errors);
        if self.accounts.is_empty() || self.accounts.len() > MAX_CALL_ACCOUNTS {
            let rule = format!("must have 1 to {MAX_CALL_ACCOUNTS} elements");
            errors.push(within(InvalidField::new("accounts", rule)));
            return None;
        }
        let mut accounts = Vec::with_capacity(self.accounts.len());
        for (index, account) in self.accounts.iter().enumerate() {
            let address = parameters::address("address", &account.address)
                .map_err(|error| error.within(&format!("consumer.accounts[{index}]")));
            if let Some(address) = kept(address, errors) {
                accounts.push(ConsumerAccount {
                    address,
                    is_writable: account.writable,
                });
            }
        }
        Some(ConsumerCall {
            program: program?,
            accounts,
            data: data?,
        })
    }
}

fn transaction(text: &str) -> Result<Vec<u8>, InvalidField> {
    let bytes = BASE64.decode(text).ok();
    let bytes = bytes.filter(|bytes| (1..=MAX_TRANSACTION_BYTES).contains(&bytes.len()));
    bytes.ok_or_else(|| {
        let rule = format!("must be base64 of 1 to {MAX_TRANSACTION_BYTES} bytes");
        InvalidField::new("signed_transaction", rule)
    })
}

/// Reads bytes of any number up to a limit.
fn bytes(field: &'static str, text: &str, most: usize) -> Result<Vec<u8>, InvalidField> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() <= 2 * most);
    digits.and_then(|digits| hex::decode(digits).ok()).ok_or_else(|| {
        let rule = format!(
            "must be 0x and an even number of hexadecimal digits, at most {}",
            2 * most
        );
        InvalidField::new(field, rule)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::{Value, json};

    use super::*;

    fn body() -> Value {
        let element = format!("0x{}", "00".repeat(32));
        json!({
            "scope": "11111111111111111111111111111111", "proof": format!("0x{}", "07".repeat(256)),
            "root": element, "nullifier": element, "claim": element,
            "recipient": "11111111111111111111111111111111", "relayer": "11111111111111111111111111111111",
            "expiry": 5, "fee": "sponsored",
        })
    }

    fn parse(body: Value) -> Result<RelayRequest, InvalidFields> {
        serde_json::from_value::<RelayBody>(body).unwrap().parse()
    }

    #[test]
    fn a_relay_with_a_transaction_can_be_finalized_after_any_other_end() {
        let document = |state, attempts| RelayStatusDocument {
            state,
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

    #[test]
    fn all_fields_that_break_their_rules_are_named_at_once() {
        assert_eq!(parse(body()).unwrap().proof, [7; 256]);
        let mut broken = body();
        for (field, value) in [
            ("scope", json!("x")),
            ("proof", json!("0x07")),
            ("root", json!(format!("0x{}", "ff".repeat(32)))),
            ("nullifier", json!("")),
            ("claim", json!("0x")),
            ("auxiliary_root", json!("0xzz")),
            ("recipient", json!("0")),
            ("relayer", json!("")),
            ("payload", json!("0x0")),
            ("expiry", json!(-1)),
            ("fee", json!("free")),
            ("signed_transaction", json!("?")),
            ("max_delay_seconds", json!(3_601)),
        ] {
            broken[field] = value;
        }
        let errors = parse(broken.clone()).unwrap_err();
        let named: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        for field in broken.as_object().unwrap().keys() {
            assert!(named.contains(&field.as_str()), "{field}: {named:?}");
        }
    }

    #[test]
    fn a_call_is_bounded_and_each_of_its_fields_is_named() {
        let account = json!({"address": "11111111111111111111111111111111", "writable": true});
        let mut with = body();
        with["consumer"] = json!({
            "program": "11111111111111111111111111111111", "accounts": [account], "data": "0x0a",
        });
        let call = parse(with.clone()).unwrap().consumer.unwrap();
        assert_eq!((call.data, call.accounts[0].is_writable), (vec![10], true));
        let named = |body: &Value| {
            let errors = parse(body.clone()).unwrap_err();
            errors
                .iter()
                .map(|error| error.field.clone())
                .collect::<Vec<String>>()
        };
        with["consumer"]["program"] = json!("0");
        with["consumer"]["accounts"][0]["address"] = json!("0");
        with["consumer"]["data"] = format!("0x{}", "00".repeat(MAX_CALL_BYTES + 1)).into();
        let expected = [
            "consumer.program",
            "consumer.data",
            "consumer.accounts[0].address",
        ];
        assert_eq!(named(&with), expected);
        for count in [0, MAX_CALL_ACCOUNTS + 1] {
            with["consumer"]["accounts"] = vec![account.clone(); count].into();
            assert!(named(&with).contains(&"consumer.accounts".to_owned()), "{count}");
        }
    }

    #[test]
    fn a_signed_transaction_is_bounded_and_only_for_its_fee_and_without_a_delay() {
        let mut with = body();
        with["signed_transaction"] = BASE64.encode([1; MAX_TRANSACTION_BYTES]).into();
        assert_eq!(
            parse(with.clone()).unwrap_err().first().field,
            "signed_transaction"
        );
        with["fee"] = json!("in_transaction");
        let signed = parse(with.clone()).unwrap().signed_transaction.unwrap();
        assert_eq!(signed.len(), MAX_TRANSACTION_BYTES);
        with["max_delay_seconds"] = json!(1);
        assert_eq!(
            parse(with.clone()).unwrap_err().first().field,
            "max_delay_seconds"
        );
        with["max_delay_seconds"] = json!(0);
        with["signed_transaction"] = BASE64.encode([1; MAX_TRANSACTION_BYTES + 1]).into();
        assert_eq!(parse(with).unwrap_err().first().field, "signed_transaction");
    }

    #[test]
    fn an_idempotency_key_has_1_to_128_visible_characters() {
        let parsed = |key: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_bytes(key.as_bytes()).unwrap());
            idempotency_key(&headers).map(|key| key.map(str::to_owned))
        };
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(parsed("a-1").unwrap().as_deref(), Some("a-1"));
        assert!(parsed(&"k".repeat(128)).is_ok());
        for key in ["", "a b", "ä", &"k".repeat(129)] {
            assert_eq!(parsed(key).unwrap_err().field, "Idempotency-Key", "{key}");
        }
    }

    #[test]
    fn a_payload_has_at_most_240_bytes() {
        let mut with = body();
        with["payload"] = format!("0x{}", "01".repeat(MAX_PAYLOAD_BYTES)).into();
        assert_eq!(parse(with.clone()).unwrap().payload.len(), MAX_PAYLOAD_BYTES);
        with["payload"] = format!("0x{}", "01".repeat(MAX_PAYLOAD_BYTES + 1)).into();
        assert_eq!(parse(with).unwrap_err().first().field, "payload");
    }
}
