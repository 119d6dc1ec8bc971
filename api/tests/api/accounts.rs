//! Wallets log in: challenges, access tokens and refresh tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bauta_store::testing::TestDatabase;
use reqwest::Method;
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer as _;
use sqlx::AssertSqlSafe;

use crate::common::{
    Chain, Running, command, text,
    wallets::{
        ACCOUNTS, OWN_ORIGIN, SECRET, access_token, challenge, grant, log_in, send, signed, text_of,
        with_accounts,
    },
};

const PAGE: &str = "http://localhost:5173";

async fn start(more: &[(&str, &str)]) -> (Chain, Running) {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &with_accounts(more));
    (chain, service)
}

async fn post(service: &Running, path: &str, body: &Value) -> (u16, Value) {
    send(service.request(Method::POST, path), body).await
}

/// Checks that a request was refused with this code, and that the audit trail has the refusal.
pub async fn assert_refused(service: &Running, (status, body): (u16, Value), expected: u16, code: &str) {
    assert_eq!((status, body["code"].as_str()), (expected, Some(code)), "{body}");
    service
        .wait_for_line(|line| {
            line["target"] == "audit" && line["code"] == code && line["request_id"] == body["request_id"]
        })
        .await;
}

/// Returns the number of rows of the tables that a login changes.
async fn rows(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT (SELECT count(*) FROM logins) + (SELECT count(*) FROM used_nonces)")
        .fetch_one(database.pool())
        .await
        .unwrap()
}

async fn account_with(service: &Running, token: &str) -> (u16, Value) {
    let request = service.request(Method::GET, "/v1/account").bearer_auth(token);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_wallet_logs_in_and_its_token_is_checked_with_the_published_key() {
    let (_chain, service) = start(&[]).await;
    let wallet = Keypair::new();
    let input = challenge(&service, &wallet).await;
    assert_eq!(input["domain"], "api.example.org");
    assert_eq!(input["uri"], OWN_ORIGIN);
    assert_eq!(input["chainId"], "solana:localnet");
    let (status, session) = post(&service, "/v1/auth/token", &signed(&wallet, &input)).await;
    assert_eq!((status, &session["expires_in"]), (200, &json!(600)), "{session}");
    let token = session["access_token"].as_str().unwrap();
    let (status, account) = account_with(&service, token).await;
    assert_eq!((status, &account["roles"]), (200, &json!([])), "{account}");

    let keys = service.read("/.well-known/jwks.json").await;
    let key = &keys["keys"][0];
    let (signed_part, signature) = token.rsplit_once('.').unwrap();
    let parts: Vec<Value> = signed_part
        .split('.')
        .map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap())
        .collect();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": key["kid"]});
    assert_eq!(parts[0], header);
    let claims = &parts[1];
    assert_eq!(claims["iss"], OWN_ORIGIN);
    assert_eq!(claims["aud"], "bauta-api");
    assert_eq!(claims["sub"], account["id"]);
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        600
    );
    let public = BASE64.decode(key["x"].as_str().unwrap()).unwrap();
    let signature = Signature::try_from(BASE64.decode(signature).unwrap()).unwrap();
    assert!(signature.verify(&public, signed_part.as_bytes()));
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
}

#[tokio::test]
async fn a_login_that_is_refused_has_its_own_code_changes_nothing_and_is_in_the_audit_trail() {
    let (chain, service) = start(&[("ALLOWED_ORIGINS", PAGE)]).await;
    let (wallet, other) = (Keypair::new(), Keypair::new());
    let input = challenge(&service, &wallet).await;
    let body = signed(&wallet, &input);
    let token = "/v1/auth/token";

    // Another wallet signs its own text with the nonce.
    let mut of_other = input.clone();
    of_other["address"] = other.pubkey().to_string().into();
    let refused = post(&service, token, &signed(&other, &of_other)).await;
    assert_refused(&service, refused, 401, "unknown_nonce").await;
    // The signature of another text, and of another wallet.
    let mut changed = input.clone();
    changed["domain"] = "evil.example".into();
    let refused = post(&service, token, &signed(&wallet, &changed)).await;
    assert_refused(&service, refused, 401, "signature_refused").await;
    let mut forged = body.clone();
    forged["signature"] = other.sign_message(text_of(&input).as_bytes()).to_string().into();
    let refused = post(&service, token, &forged).await;
    assert_refused(&service, refused, 401, "signature_refused").await;
    // A page that is not allowed, and one whose host is not in the text.
    for (origin, status, code) in [
        ("https://evil.example", 403, "origin_not_allowed"),
        (PAGE, 401, "signature_refused"),
    ] {
        let request = service.request(Method::POST, token).header("origin", origin);
        assert_refused(&service, send(request, &body).await, status, code).await;
    }
    let request = service.request(Method::POST, "/v1/auth/challenge");
    let request = request.header("origin", "https://evil.example");
    let refused = send(request, &json!({"address": wallet.pubkey().to_string()})).await;
    assert_refused(&service, refused, 403, "origin_not_allowed").await;
    // A nonce of the time before its five minutes.
    let mut with_old = body.clone();
    with_old["nonce"] = expired_nonce(&wallet).into();
    let refused = post(&service, token, &with_old).await;
    assert_refused(&service, refused, 401, "expired_nonce").await;
    assert_eq!(rows(&chain.database).await, 0);

    let (status, _) = post(&service, token, &body).await;
    assert_eq!(status, 200);
    let after = rows(&chain.database).await;
    let refused = post(&service, token, &body).await;
    assert_refused(&service, refused, 401, "used_nonce").await;
    assert_eq!(rows(&chain.database).await, after);

    let (status, problem) = post(
        &service,
        token,
        &json!({"address": "", "nonce": "", "signature": ""}),
    )
    .await;
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!((status, fields), (400, vec!["address", "nonce", "signature"]));
}

/// Returns a nonce that the service issued in 2020.
fn expired_nonce(wallet: &Keypair) -> String {
    let key = blake3::derive_key("bauta api 2026-11-23 key of nonces", SECRET.as_bytes());
    let mut signed = [9; 16];
    signed[..5].copy_from_slice(&1_600_000_000_u64.to_be_bytes()[3..]);
    let hash = blake3::keyed_hash(&key, &[&signed[..], wallet.pubkey().as_array()].concat());
    hex::encode([&signed[..], &hash.as_bytes()[..16]].concat())
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_logs_wallets_in_under_its_own_host() {
    let (_chain, service) = start(&[("ALLOWED_ORIGINS", PAGE)]).await;
    let wallet = Keypair::new();
    let from_page = |path: &str| service.request(Method::POST, path).header("origin", PAGE);
    let address = json!({"address": wallet.pubkey().to_string()});
    let (_, input) = send(from_page("/v1/auth/challenge"), &address).await;
    assert_eq!(input["domain"], "localhost:5173");
    let (status, session) = send(from_page("/v1/auth/token"), &signed(&wallet, &input)).await;
    assert_eq!(status, 200, "{session}");
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_a_second_use_ends_only_its_login() {
    let (chain, service) = start(&[]).await;
    let wallet = Keypair::new();
    let refresh =
        async |token: &Value| post(&service, "/v1/auth/refresh", &json!({"refresh_token": token})).await;
    let (first, other) = (log_in(&service, &wallet).await, log_in(&service, &wallet).await);
    let (status, second) = refresh(&first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (status, account) = account_with(&service, second["access_token"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{account}");

    assert_refused(
        &service,
        refresh(&first["refresh_token"]).await,
        401,
        "used_refresh_token",
    )
    .await;
    // The newest token of the login is refused as well.
    assert_refused(
        &service,
        refresh(&second["refresh_token"]).await,
        401,
        "ended_login",
    )
    .await;
    assert_refused(
        &service,
        refresh(&first["refresh_token"]).await,
        401,
        "ended_login",
    )
    .await;
    let (status, _) = refresh(&other["refresh_token"]).await;
    assert_eq!(status, 200);
    for unknown in [
        "",
        "bautaref_0_0",
        &format!("bautaref_{}_{}", "0a".repeat(16), "0b".repeat(32)),
    ] {
        assert_refused(
            &service,
            refresh(&unknown.into()).await,
            401,
            "unknown_refresh_token",
        )
        .await;
    }
    sqlx::query("UPDATE logins SET expires_at = now() WHERE ended_at IS NULL")
        .execute(chain.database.pool())
        .await
        .unwrap();
    assert_refused(
        &service,
        refresh(&other["refresh_token"]).await,
        401,
        "expired_login",
    )
    .await;
}

#[tokio::test]
async fn a_login_ends_when_its_wallet_logs_out() {
    let (_chain, service) = start(&[]).await;
    let session = log_in(&service, &Keypair::new()).await;
    let body = json!({"refresh_token": session["refresh_token"]});
    assert_eq!(post(&service, "/v1/auth/logout", &body).await.0, 204);
    let again = post(&service, "/v1/auth/logout", &body).await;
    assert_refused(&service, again, 401, "unknown_refresh_token").await;
    assert_refused(
        &service,
        post(&service, "/v1/auth/refresh", &body).await,
        401,
        "ended_login",
    )
    .await;
}

/// A page can log out while it renews its tokens.
#[tokio::test]
async fn a_log_out_with_a_token_that_was_replaced_ends_the_login() {
    let (_chain, service) = start(&[]).await;
    let session = log_in(&service, &Keypair::new()).await;
    let old = json!({"refresh_token": session["refresh_token"]});
    let (status, next) = post(&service, "/v1/auth/refresh", &old).await;
    assert_eq!(status, 200, "{next}");
    let refused = post(&service, "/v1/auth/logout", &old).await;
    assert_refused(&service, refused, 401, "used_refresh_token").await;
    let newest = json!({"refresh_token": next["refresh_token"]});
    let refused = post(&service, "/v1/auth/refresh", &newest).await;
    assert_refused(&service, refused, 401, "ended_login").await;
}

#[tokio::test]
async fn an_access_token_that_is_refused_has_its_own_code_and_is_in_the_audit_trail() {
    let (chain, service) = start(&[]).await;
    let elsewhere = Running::start(&chain.database, &with_accounts(&[("JWT_AUDIENCE", "other")]));
    let wallet = Keypair::new();
    let token = access_token(&service, &wallet).await;
    let of_other_audience = access_token(&elsewhere, &wallet).await;
    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let key = Keypair::new_from_array(blake3::derive_key(
        "bauta api 2026-11-23 key of access tokens",
        SECRET.as_bytes(),
    ));
    let mut expired: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
    (expired["iat"], expired["exp"]) = (json!(1_600_000_000), json!(1_600_000_600));
    let expired = format!("{header}.{}", BASE64.encode(expired.to_string()));
    let expired = format!(
        "{expired}.{}",
        BASE64.encode(key.sign_message(expired.as_bytes()))
    );
    for (token, code) in [
        (of_other_audience, "other_audience"),
        (expired, "expired_token"),
        (format!("{none}.{claims}."), "invalid_token"),
        (format!("{none}.{claims}.{signature}"), "invalid_token"),
        ("x".to_owned(), "invalid_token"),
        (format!("bauta_00000000_{}", "00".repeat(32)), "wallet_required"),
    ] {
        assert_refused(&service, account_with(&service, &token).await, 401, code).await;
    }
    let without = service.get("/v1/account").await;
    assert_refused(&service, without, 401, "missing_token").await;
    assert_eq!(account_with(&service, &token).await.0, 200);
}

#[tokio::test]
async fn relays_and_proofs_refuse_the_token_of_a_wallet_whether_it_is_valid_or_not() {
    let (_chain, service) = start(&[]).await;
    let token = access_token(&service, &Keypair::new()).await;
    for (method, path) in [
        (Method::GET, "/v1/relay".to_owned()),
        (Method::POST, "/v1/relay".to_owned()),
        (Method::GET, format!("/v1/relay/{}", "0a".repeat(16))),
        (Method::GET, format!("/v1/relay/{}/events", "0a".repeat(16))),
        (Method::POST, "/v1/zkp/generate".to_owned()),
        (Method::POST, "/v1/zkp/verify".to_owned()),
        (Method::GET, "/v1/zkp/sealing-key".to_owned()),
        (Method::GET, format!("/v1/zkp/jobs/{}", "0a".repeat(32))),
    ] {
        for token in [token.as_str(), "expired.or.other"] {
            let request = service.request(method.clone(), &path).bearer_auth(token);
            let response = request.send().await.unwrap();
            let refused = (response.status().as_u16(), response.json().await.unwrap());
            assert_refused(&service, refused, 403, "wallet_not_accepted").await;
        }
    }
}

#[tokio::test]
async fn neither_the_database_nor_the_log_has_a_wallet_or_a_token() {
    let (chain, service) = start(&[]).await;
    let wallet = Keypair::new();
    let session = log_in(&service, &wallet).await;
    grant(&chain.database.url().unwrap(), &wallet, "owner");
    let body = json!({"roles": ["owner", "developer"]});
    let path = format!("/v1/accounts/{}/roles", wallet.pubkey());
    let request = service.request(Method::PUT, &path);
    let request = request.bearer_auth(session["access_token"].as_str().unwrap());
    assert_eq!(send(request, &body).await.0, 200);
    let mut stored = String::new();
    for table in ["accounts", "logins", "used_nonces", "api_keys", "audit_log"] {
        let statement = AssertSqlSafe(format!(
            "SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"
        ));
        let rows: String = sqlx::query_scalar(statement)
            .fetch_one(chain.database.pool())
            .await
            .unwrap();
        stored += &rows;
    }
    let refresh = session["refresh_token"].as_str().unwrap();
    let mut secrets = vec![
        wallet.pubkey().to_string(),
        hex::encode(wallet.pubkey().as_array()),
    ];
    secrets.extend(refresh.split('_').skip(1).map(str::to_owned));
    secrets.push(session["access_token"].as_str().unwrap().to_owned());
    assert!(stored.contains("developer"), "{stored}");
    let log = service.log_of_all_requests().await;
    for secret in secrets {
        assert!(!stored.contains(&secret), "{secret}: {stored}");
        assert!(!log.contains(&secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn logins_have_a_limit_for_each_address_and_need_their_settings() {
    let (chain, service) = start(&[("LOGINS_PER_MINUTE", "2")]).await;
    let body = json!({"refresh_token": "x"});
    for expected in [401, 401, 429] {
        let (status, problem) = post(&service, "/v1/auth/refresh", &body).await;
        assert_eq!(status, expected, "{problem}");
    }
    let without = Running::start(&chain.database, &[]);
    for (method, path) in [
        (Method::POST, "/v1/auth/challenge"),
        (Method::POST, "/v1/auth/refresh"),
        (Method::GET, "/.well-known/jwks.json"),
        (Method::GET, "/v1/keys"),
    ] {
        let (status, problem) = send(without.request(method, path), &json!({})).await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("feature_disabled")),
            "{path}"
        );
    }
    let url = chain.database.url().unwrap();
    for (missing, expected) in [
        ("ACCOUNT_KEY", "ACCOUNT_KEY is not"),
        ("PUBLIC_URL", "PUBLIC_URL is not"),
    ] {
        let settings: Vec<_> = ACCOUNTS
            .into_iter()
            .filter(|(name, _)| *name != missing)
            .collect();
        let output = command(&url, &settings).output().unwrap();
        let printed = text(&output);
        assert!(
            !output.status.success() && printed.contains(expected),
            "{printed}"
        );
        assert!(!printed.contains(SECRET), "{printed}");
    }
}
