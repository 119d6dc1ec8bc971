use std::sync::Arc;

use axum::{
    Extension,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bauta_primitives::{Claim, Nullifier, Root};
use bauta_service_common::{InvalidField, InvalidFields, Json, Path, UnreadBody};
use bauta_store::{RandomId, RelayStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    parameters::{self, kept},
    problems::{self, Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};
use crate::{
    limits::Client,
    relay::{MAX_DELAY_SECONDS, MAX_PAYLOAD_BYTES, MIN_VALIDITY_SECONDS, Relay, RelayRequest},
};

/// Largest body of a request in bytes.
const MAX_BODY_BYTES: usize = 4 << 10;
/// A repeated request with this header has the relay of the first one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Largest length of an idempotency key in bytes.
const MAX_KEY_LENGTH: usize = 128;
/// The only kind of fee.
const SPONSORED: &str = "sponsored";

/// What the service relays.
#[derive(Serialize, ToSchema)]
pub struct RelayDocument {
    /// The wallets that can pay now. Choose one at random, and name it as the relayer in the proof.
    relayers: Vec<String>,
    /// Largest payload in bytes.
    max_payload: usize,
    /// Seconds for which a proof must still be valid, after `max_delay_seconds`.
    min_validity_seconds: i64,
}

/// A verification to relay. The values are those that the proof was made for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayBody {
    /// The scope account. The service sponsors it.
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
    /// Who pays: `sponsored`.
    fee: String,
    /// The transaction is sent at a random moment within these seconds, against conclusions from
    /// its time. It is simulated then, and not before. The default is 0.
    #[serde(default)]
    #[schema(maximum = 3600)]
    max_delay_seconds: Option<u32>,
}

/// An accepted relay.
#[derive(Serialize, ToSchema)]
pub struct AcceptedDocument {
    /// The relay's id: 32 hexadecimal digits. Who knows it can read the relay's state.
    id: String,
    /// The state.
    state: &'static str,
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
    /// `nullifier_used`, `simulation_failed`, `transaction_failed`, `proof_expired` or
    /// `not_executed`.
    reason: Option<String>,
}

/// Returns the wallets of the relay, and what it accepts.
///
/// A proof names one of the wallets as its relayer, so that no other sender can land it.
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
    })))
}

/// Relays a verification.
///
/// The service checks everything that the program checks, including the proof, before it pays. Each
/// nullifier of a scope has one relay: the same request gets the same relay, and another one is
/// refused. With the header `Idempotency-Key`, a repeated request gets its relay whatever has
/// become of it, and nothing is checked again. The response comes before the transaction is sent.
#[utoipa::path(
    post,
    path = "/v1/relay",
    tag = "relay",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request return the relay of the first one, also after it has ended. 1 to 128 visible ASCII characters", min_length = 1, max_length = 128, pattern = "^[!-~]+$")),
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
        (status = 202, body = AcceptedDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; scope, nullifier, **recipient and payload**; not the member",
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
    state.limits.take_relay(&client).await?;
    let key = idempotency_key(&headers)?;
    let request = body.json::<RelayBody>(MAX_BODY_BYTES).await?.parse()?;
    let id = relay.submit(&state.verifying_keys, &request, key).await?;
    let accepted = AcceptedDocument {
        id: hex::encode(id),
        state: "queued",
    };
    Ok((StatusCode::ACCEPTED, uncached(Json(accepted))).into_response())
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
        let payload = kept(payload(self.payload.as_deref()), &mut errors);
        if self.expiry < 0 {
            errors.push(InvalidField::new("expiry", "must not be negative"));
        }
        if self.fee != SPONSORED {
            errors.push(InvalidField::new("fee", "must be sponsored"));
        }
        let max_delay_seconds = self.max_delay_seconds.unwrap_or(0);
        if max_delay_seconds > MAX_DELAY_SECONDS {
            let rule = format!("must be from 0 to {MAX_DELAY_SECONDS}");
            errors.push(InvalidField::new("max_delay_seconds", rule));
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
        })
    }
}

fn payload(text: Option<&str>) -> Result<Vec<u8>, InvalidField> {
    let text = text.unwrap_or("0x");
    let digits = text
        .strip_prefix("0x")
        .filter(|digits| digits.len() <= 2 * MAX_PAYLOAD_BYTES);
    digits.and_then(|digits| hex::decode(digits).ok()).ok_or_else(|| {
        let rule = format!(
            "must be 0x and an even number of hexadecimal digits, at most {}",
            2 * MAX_PAYLOAD_BYTES
        );
        InvalidField::new("payload", rule)
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
            ("fee", json!("key")),
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
