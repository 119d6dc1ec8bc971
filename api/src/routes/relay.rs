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
use bauta_wire::api::{
    AcceptedDocument, ConsumerBody, ConsumerDocument, IDEMPOTENCY_KEY, RelayBody, RelayDocument,
    RelayStatusDocument, ToSignDocument,
};

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
        MAX_PAYLOAD_BYTES, MIN_VALIDITY_SECONDS, PayingKey, Proofs, Relay, RelayRequest, Submitted,
    },
};

/// Largest body of a request in bytes.
const MAX_BODY_BYTES: usize = 8 << 10;
/// Largest transaction in bytes.
const MAX_TRANSACTION_BYTES: usize = bauta_rpc::MAX_TRANSACTION_BYTES;
/// Largest length of an idempotency key in bytes.
const MAX_KEY_LENGTH: usize = 128;

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
    let is_paused = state.flags.current().await.sponsorship_paused;
    Ok(uncached(Json(RelayDocument {
        relayers: relayers.iter().map(ToString::to_string).collect(),
        max_payload: MAX_PAYLOAD_BYTES,
        min_validity_seconds: MIN_VALIDITY_SECONDS,
        fees: Fee::ALL
            .into_iter()
            .filter(|fee| relay.accepts(*fee) && !(is_paused && *fee == Fee::Sponsored))
            .map(|fee| fee.as_str().into())
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
        "keeps": "the request, encrypted, until the relay ends; then scope, nullifier, state, day and signatures for RELAY_RETENTION_DAYS; lamports; with the fee key, the prefix of the key and the time in the audit log for ever"
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
    let request = parse(request?)?;
    let paying = caller.as_ref().map(|caller| PayingKey {
        owner: &caller.owner,
        prefix: &caller.prefix,
    });
    let proofs = Proofs {
        verifier: &state.verifier,
        keys: &state.verifying_keys,
        client: &client.name,
    };
    let is_paused = state.flags.current().await.sponsorship_paused;
    let submitted = relay.submit(&proofs, &request, paying, key, is_paused).await?;
    Ok(match submitted {
        Submitted::Relay(id) => {
            let accepted = AcceptedDocument {
                id: hex::encode(id),
                state: "queued".into(),
            };
            (StatusCode::ACCEPTED, uncached(Json(accepted))).into_response()
        }
        Submitted::ToSign(proposal) => uncached(Json(ToSignDocument {
            state: "to_sign".into(),
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
    Ok(uncached(Json(status_document(status))))
}

/// Reads a relay's id.
pub fn id(text: &str) -> Result<RandomId, InvalidField> {
    let mut id: RandomId = [0; 16];
    let read = hex::decode_to_slice(text, &mut id);
    read.map(|()| id)
        .map_err(|_| InvalidField::new("relay", "must be 32 hexadecimal digits"))
}

/// Returns the document of a relay's state.
pub fn status_document(status: RelayStatus) -> RelayStatusDocument {
    RelayStatusDocument {
        state: status.state.as_str().into(),
        signature: status.signature.map(|signature| signature.to_string()),
        attempts: status.attempts,
        reason: status.reason,
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

/// Converts the fields. The error has every field that breaks its rule.
fn parse(body: RelayBody) -> Result<RelayRequest, InvalidFields> {
    let mut errors = Vec::new();
    let scope = kept(parameters::address("scope", &body.scope), &mut errors);
    let mut proof = [0; 256];
    kept(parameters::bytes("proof", &body.proof, &mut proof), &mut errors);
    let root = kept(parameters::element("root", &body.root), &mut errors);
    let nullifier = kept(parameters::element("nullifier", &body.nullifier), &mut errors);
    let claim = kept(parameters::element("claim", &body.claim), &mut errors);
    let auxiliary = body.auxiliary_root.as_deref();
    let auxiliary = auxiliary.map(|text| kept(parameters::element("auxiliary_root", text), &mut errors));
    let recipient = kept(parameters::address("recipient", &body.recipient), &mut errors);
    let relayer = kept(parameters::address("relayer", &body.relayer), &mut errors);
    let payload = kept(
        bytes(
            "payload",
            body.payload.as_deref().unwrap_or("0x"),
            MAX_PAYLOAD_BYTES,
        ),
        &mut errors,
    );
    if body.expiry < 0 {
        errors.push(InvalidField::new("expiry", "must not be negative"));
    }
    let fee = Fee::ALL.into_iter().find(|fee| fee.as_str() == body.fee);
    if fee.is_none() {
        errors.push(InvalidField::new(
            "fee",
            "must be sponsored, key or in_transaction",
        ));
    }
    let consumer = body.consumer.map(|call| parse_call(&call, &mut errors));
    let signed = body.signed_transaction.as_deref();
    let signed_transaction = signed.map(|text| kept(transaction(text), &mut errors));
    let max_delay_seconds = body.max_delay_seconds.unwrap_or(0);
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
        expiry: body.expiry,
        payload: payload.ok_or_else(missing)?,
        max_delay_seconds,
        fee: fee.ok_or_else(missing)?,
        consumer: consumer.flatten(),
        signed_transaction: signed_transaction.flatten(),
    })
}

/// Converts the fields. Adds an error for each that breaks its rule.
fn parse_call(call: &ConsumerBody, errors: &mut Vec<InvalidField>) -> Option<ConsumerCall> {
    let within = |error: InvalidField| error.within("consumer");
    let program = parameters::address("program", &call.program).map_err(within);
    let program = kept(program, errors);
    let data = bytes("data", &call.data, MAX_CALL_BYTES).map_err(within);
    let data = kept(data, errors);
    if call.accounts.is_empty() || call.accounts.len() > MAX_CALL_ACCOUNTS {
        let rule = format!("must have 1 to {MAX_CALL_ACCOUNTS} elements");
        errors.push(within(InvalidField::new("accounts", rule)));
        return None;
    }
    let mut accounts = Vec::with_capacity(call.accounts.len());
    for (index, account) in call.accounts.iter().enumerate() {
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
        super::parse(serde_json::from_value::<RelayBody>(body).unwrap())
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
