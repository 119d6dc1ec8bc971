//! Logins of wallets (Sign in with Solana).

use axum::{
    Extension,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use bauta_service_common::{AUDIT, InvalidField, InvalidFields, Json, UnreadBody};
use bauta_store::LoginChange;
use bauta_wire::Secret;
use bauta_wire::api::{ChallengeBody, JsonWebKeySet, RefreshBody, SessionDocument, SignInInput, TokenBody};
use solana_signature::Signature;

use super::{
    clusters,
    parameters::{self, kept},
    problems::{Failure, ProblemDocument},
    respond::{Document, uncached},
    state::Reads,
};
use crate::{
    accounts::{ACCESS_SECONDS, LoginError, Session},
    limits::Client,
    time::unix_seconds,
};

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 4 << 10;

/// Returns what a wallet signs to log in.
///
/// The response is the input of the wallet's feature `solana:signIn`. The text has every field, so
/// the service compares it and does not parse it. The host in it is that of the page that sends the
/// request, so a wallet warns its owner of a page of another host. Nothing is stored.
#[utoipa::path(
    post,
    path = "/v1/auth/challenge",
    tag = "accounts",
    request_body(
        content = ChallengeBody,
        example = json!({"address": "11111111111111111111111111111111"})
    ),
    responses(
        (status = 200, body = SignInInput),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; **wallet**", "keeps": "nothing"})))
)]
pub async fn challenge(state: Reads, headers: HeaderMap, body: UnreadBody) -> Result<Response, Failure> {
    let accounts = state.accounts()?;
    let body: ChallengeBody = body.json(MAX_BODY_BYTES).await?;
    let wallet = parameters::address("address", &body.address)?;
    let cluster = clusters::name(&state).await?;
    let input = accounts.challenge(&wallet, origin(&headers), cluster, unix_seconds());
    Ok(uncached(Json(recorded(&state, input)?)))
}

/// Logs a wallet in with its signature.
///
/// A nonce is valid for five minutes, for one wallet, and once. The access token is valid for ten
/// minutes, and the login for 30 days. An account has at most 20 logins; a further one ends the
/// oldest.
#[utoipa::path(
    post,
    path = "/v1/auth/token",
    tag = "accounts",
    request_body(
        content = TokenBody,
        example = json!({
            "address": "11111111111111111111111111111111",
            "nonce": "00".repeat(32),
            "signature": "1".repeat(64)
        })
    ),
    responses(
        (status = 200, body = SessionDocument),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; **wallet**",
        "keeps": "a keyed hash of the wallet: in the audit log for ever, of a wallet without a role only some logins of a minute, and with the login at least until it expires; a hash of the nonce for at least ten minutes"
    })))
)]
pub async fn token(
    state: Reads,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let accounts = state.accounts()?;
    state.limits.take_login(&client).await?;
    let body: TokenBody = body.json(MAX_BODY_BYTES).await?;
    let mut errors = Vec::new();
    let wallet = kept(parameters::address("address", &body.address), &mut errors);
    let nonce = kept(nonce(&body.nonce), &mut errors);
    let signature: Result<Signature, _> = body.signature.parse();
    let signature = signature.map_err(|_| InvalidField::new("signature", "must be 64 bytes in base58"));
    let signature = kept(signature, &mut errors);
    if let Some(errors) = InvalidFields::of(errors) {
        return Err(errors.into());
    }
    let (Some(wallet), Some(nonce), Some(signature)) = (wallet, nonce, signature) else {
        return Err(InvalidField::missing("address").into());
    };
    let cluster = clusters::name(&state).await?;
    let store = state.databases.primary();
    let signed = (nonce, &signature);
    let session = accounts.log_in(store, &wallet, origin(&headers), cluster, signed, unix_seconds());
    let (session, login) = recorded(&state, session.await)?;
    tracing::info!(target: AUDIT, event = "logged_in");
    store_unrecorded(&state, "logged_in", login);
    Ok(session_response(&session))
}

/// Returns the next tokens of a login.
///
/// A refresh token is used once. A second use ends the login, because two parties have the token.
/// A client that lost the response logs in again.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "accounts",
    request_body(
        content = RefreshBody,
        example = json!({"refresh_token": format!("bautaref_{}_{}", "00".repeat(16), "00".repeat(32))})
    ),
    responses(
        (status = 200, body = SessionDocument),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; which login",
        "keeps": "a hash of the next refresh token; of a token that is used twice, the account and the time in the audit log for ever"
    })))
)]
pub async fn refresh(
    state: Reads,
    Extension(client): Extension<Client>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let accounts = state.accounts()?;
    state.limits.take_login(&client).await?;
    let body: RefreshBody = body.json(MAX_BODY_BYTES).await?;
    let store = state.databases.primary();
    let session = accounts.refresh(store, body.refresh_token.expose(), unix_seconds());
    let session = recorded(&state, session.await)?;
    tracing::info!(target: AUDIT, event = "login_refreshed");
    Ok(session_response(&session))
}

/// Ends a login.
///
/// Its refresh token is refused from now on. A token that was used before ends the login too, with 401
/// and the code `used_refresh_token`. The access token remains valid until it expires.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    tag = "accounts",
    request_body(
        content = RefreshBody,
        example = json!({"refresh_token": format!("bautaref_{}_{}", "00".repeat(16), "00".repeat(32))})
    ),
    responses(
        (status = 204, description = "The login has ended"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({
        "sees": "network address; which login",
        "keeps": "the account and the time, in the audit log for ever"
    })))
)]
pub async fn logout(
    state: Reads,
    Extension(client): Extension<Client>,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let accounts = state.accounts()?;
    state.limits.take_login(&client).await?;
    let body: RefreshBody = body.json(MAX_BODY_BYTES).await?;
    let ended = accounts.log_out(state.databases.primary(), body.refresh_token.expose());
    let ended = recorded(&state, ended.await)?;
    tracing::info!(target: AUDIT, event = "logged_out");
    store_unrecorded(&state, "logged_out", ended);
    Ok(uncached(StatusCode::NO_CONTENT))
}

/// Returns the public key of access tokens.
///
/// Another service can check access tokens with it: the algorithm is `EdDSA`, the issuer is the
/// URL of this service, and the audience is that of the operator's settings.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "accounts",
    responses((status = 200, body = JsonWebKeySet)),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn web_keys(state: Reads) -> Result<Document<JsonWebKeySet>, Failure> {
    let keys = vec![state.accounts()?.web_key()];
    Ok(Document(JsonWebKeySet { keys }))
}

/// Returns the origin of the page that sends a request. A header that is no text is no allowed
/// origin.
fn origin(headers: &HeaderMap) -> Option<&str> {
    let origin = headers.get(header::ORIGIN)?;
    Some(origin.to_str().unwrap_or_default())
}

fn nonce(text: &str) -> Result<&str, InvalidField> {
    let is_nonce = text.len() == 64 && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
    is_nonce
        .then_some(text)
        .ok_or_else(|| InvalidField::new("nonce", "must be 64 lower-case hexadecimal digits"))
}

/// Records a refused login as an event of security.
fn recorded<T>(state: &Reads, result: Result<T, LoginError>) -> Result<T, Failure> {
    match &result {
        Ok(_) | Err(LoginError::Store(_)) => {}
        // The transaction that ended the login of an account with a role has added the record to the
        // audit log, if it could.
        Err(error @ LoginError::RefreshTokenReused(ended)) => {
            let (code, account) = (error.code(), ended.account.to_string());
            tracing::info!(target: AUDIT, event = "login_ended", code, account);
            if !ended.is_recorded {
                state.refused("login_ended", code, Some(&account));
            }
        }
        Err(error) => {
            let code = error.code();
            tracing::info!(target: AUDIT, event = "login_refused", code);
            state.refused("login_refused", code, None);
        }
    }
    Ok(result?)
}

/// Stores the login of an account without a role in the audit log, within its budget.
fn store_unrecorded(state: &Reads, event: &'static str, login: LoginChange) {
    if !login.is_recorded {
        state.login_without_role(event, login.account);
    }
}

fn session_response(session: &Session) -> Response {
    uncached(Json(SessionDocument {
        access_token: Secret::new(&session.access_token),
        expires_in: ACCESS_SECONDS,
        refresh_token: Secret::new(&session.refresh_token),
    }))
}
