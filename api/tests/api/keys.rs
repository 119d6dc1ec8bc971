//! The API keys of developers: creation, rotation, revocation, and keys for web pages.

use std::time::Duration;

use bauta_service_common::{NewApiKey, Quota};
use bauta_store::{ApiKey, testing::TestDatabase};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signer::Signer as _;

use crate::common::{
    Chain, Running,
    wallets::{access_token, grant, send, with_accounts},
};

const PAGE: &str = "https://app.example.org";
const OTHER: &str = "https://other.example";
/// A route that needs the permission `prove`.
const JOB: &str = "/v1/zkp/jobs/0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// A service, and a developer who is logged in.
struct Developer {
    chain: Chain,
    service: Running,
    wallet: Keypair,
    token: String,
}

impl Developer {
    async fn start(more: &[(&str, &str)]) -> Self {
        let chain = Chain::new().await;
        let service = Running::start_at(&with_role(&chain.database), &with_accounts(more));
        let (wallet, url) = (Keypair::new(), chain.database.url().unwrap());
        grant(&url, &wallet, "developer");
        let token = access_token(&service, &wallet).await;
        Self {
            chain,
            service,
            wallet,
            token,
        }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.service.request(method, path).bearer_auth(&self.token);
        send(request, body).await
    }

    /// Creates a key. Returns the key and its prefix.
    async fn create(&self, body: &Value) -> (String, String) {
        let (status, new) = self.send(Method::POST, "/v1/keys", body).await;
        assert_eq!(status, 201, "{new}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&new["api_key"]), text(&new["key"]["prefix"]))
    }

    async fn keys(&self) -> Vec<Value> {
        let (status, list) = self.send(Method::GET, "/v1/keys", &json!({})).await;
        assert_eq!(status, 200, "{list}");
        list["data"].as_array().unwrap().clone()
    }
}

/// Returns the URL of a database with the role of the service.
fn with_role(database: &TestDatabase) -> String {
    let url = database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20role%3Dbauta_api")
}

fn server_key() -> Value {
    json!({"kind": "server", "name": "back end", "permissions": ["prove", "read"], "days": 30})
}

fn page_key() -> Value {
    json!({
        "kind": "publishable", "name": "page", "permissions": ["read", "relay"], "origins": [PAGE], "days": 30,
    })
}

/// Waits until a key has this status at a service, which compares its copy of the keys with the
/// database once per second.
async fn wait_for(service: &Running, key: &str, status: u16) {
    let reached = async {
        loop {
            let request = service.request(Method::GET, JOB).bearer_auth(key);
            if request.send().await.unwrap().status() == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_developer_creates_rotates_and_revokes_keys_that_every_instance_accepts_or_refuses() {
    let developer = Developer::start(&[]).await;
    let second = Running::start(&developer.chain.database, &with_accounts(&[]));
    let (key, prefix) = developer.create(&server_key()).await;
    // The route is authorised. Its feature is off.
    wait_for(&second, &key, 503).await;

    let path = format!("/v1/keys/{prefix}/rotate");
    let (status, new) = developer.send(Method::POST, &path, &json!({"days": 60})).await;
    assert_eq!(status, 201, "{new}");
    let next = new["api_key"].as_str().unwrap().to_owned();
    wait_for(&second, &next, 503).await;
    // The old key is valid for another day.
    wait_for(&second, &key, 503).await;
    let keys = developer.keys().await;
    assert_eq!(keys.len(), 2);
    for key in &keys {
        assert_eq!(key["permissions"], json!(["prove", "read"]), "{key}");
        assert_eq!(
            (&key["name"], &key["owner"]),
            (&json!("back end"), &json!(prefix)),
            "{key}"
        );
    }
    let old = keys.iter().find(|key| key["prefix"] == prefix.as_str()).unwrap();
    let left = old["expires_at"].as_i64().unwrap() - keys[0]["created_at"].as_i64().unwrap();
    assert!((86_000..=86_400).contains(&left), "{left}");

    let (status, _) = developer
        .send(Method::DELETE, &format!("/v1/keys/{prefix}"), &json!({}))
        .await;
    assert_eq!(status, 204);
    for instance in [&developer.service, &second] {
        wait_for(instance, &key, 401).await;
        wait_for(instance, &next, 503).await;
    }
    for (method, path) in [
        (Method::DELETE, format!("/v1/keys/{prefix}")),
        (Method::POST, path),
        (Method::DELETE, "/v1/keys/00000000".to_owned()),
    ] {
        let (status, problem) = developer.send(method, &path, &json!({"days": 1})).await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_key")), "{path}");
    }
    let log = developer.service.log_of_all_requests().await;
    for secret in [key, next] {
        assert!(!log.contains(secret.rsplit('_').next().unwrap()));
    }
}

#[tokio::test]
async fn the_keys_of_an_account_are_unknown_to_others_and_end_with_its_role() {
    let developer = Developer::start(&[]).await;
    let (other, owner) = (Keypair::new(), Keypair::new());
    let url = developer.chain.database.url().unwrap();
    grant(&url, &other, "developer");
    grant(&url, &owner, "owner");
    let (key, prefix) = developer.create(&server_key()).await;
    wait_for(&developer.service, &key, 503).await;
    let token = access_token(&developer.service, &other).await;
    for (method, path) in [
        (Method::DELETE, format!("/v1/keys/{prefix}")),
        (Method::POST, format!("/v1/keys/{prefix}/rotate")),
    ] {
        let request = developer.service.request(method, &path).bearer_auth(&token);
        let (status, problem) = send(request, &json!({"days": 1})).await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_key")), "{path}");
    }
    let request = developer.service.request(Method::GET, "/v1/keys");
    let (_, list) = send(request.bearer_auth(&token), &json!({})).await;
    assert_eq!(list["data"], json!([]));

    // An owner revokes any key, and takes roles from wallets.
    let token = access_token(&developer.service, &owner).await;
    let (second, prefix) = developer.create(&server_key()).await;
    wait_for(&developer.service, &second, 503).await;
    let request = developer
        .service
        .request(Method::DELETE, &format!("/v1/keys/{prefix}"));
    assert_eq!(send(request.bearer_auth(&token), &json!({})).await.0, 204);
    wait_for(&developer.service, &second, 401).await;
    wait_for(&developer.service, &key, 503).await;
    // So does an operator.
    let operator = Keypair::new();
    grant(&developer.chain.database.url().unwrap(), &operator, "operator");
    let of_operator = access_token(&developer.service, &operator).await;
    let (third, prefix) = developer.create(&server_key()).await;
    wait_for(&developer.service, &third, 503).await;
    let request = developer
        .service
        .request(Method::DELETE, &format!("/v1/keys/{prefix}"));
    assert_eq!(send(request.bearer_auth(&of_operator), &json!({})).await.0, 204);
    wait_for(&developer.service, &third, 401).await;
    let set = async |wallet: &Keypair, roles: Value| {
        let path = format!("/v1/accounts/{}/roles", wallet.pubkey());
        let request = developer.service.request(Method::PUT, &path).bearer_auth(&token);
        send(request, &json!({"roles": roles})).await
    };
    let (status, account) = set(&developer.wallet, json!(["auditor"])).await;
    assert_eq!(
        (status, &account["roles"]),
        (200, &json!(["auditor"])),
        "{account}"
    );
    wait_for(&developer.service, &key, 401).await;
    let (status, problem) = developer.send(Method::POST, "/v1/keys", &server_key()).await;
    assert_eq!((status, &problem["code"]), (403, &json!("missing_role")));
    let (status, problem) = set(&owner, json!([])).await;
    assert_eq!((status, &problem["code"]), (409, &json!("last_owner")));
    let (status, problem) = set(&owner, json!(["admin"])).await;
    assert_eq!((status, &problem["field"]), (400, &json!("roles")));
    let request = developer
        .service
        .request(Method::GET, "/v1/accounts")
        .bearer_auth(&token);
    let (_, list) = send(request, &json!({})).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 4, "{list}");
}

#[tokio::test]
async fn a_key_of_an_account_is_refused_if_its_owner_is_a_key_of_the_configuration() {
    let chain = Chain::new().await;
    let random = || NewApiKey::random(&["prove"], 4_000_000_000, Quota::default());
    let (configured, of_account, of_operator) = (random(), random(), random());
    for key in [&of_account, &of_operator] {
        let row = ApiKey {
            owner: configured.row.prefix.clone(),
            ..key.row.clone()
        };
        assert!(chain.database.store.add_api_key(&row).await.unwrap());
    }
    sqlx::query("UPDATE api_keys SET account = $1 WHERE prefix = $2")
        .bind([1_u8; 16].as_slice())
        .bind(&of_account.row.prefix)
        .execute(chain.database.pool())
        .await
        .unwrap();
    let service = Running::start(&chain.database, &[("API_KEYS", configured.line.as_str())]);
    wait_for(&service, &configured.key, 503).await;
    wait_for(&service, &of_operator.key, 503).await;
    let response = service.request(Method::GET, JOB).bearer_auth(&*of_account.key);
    assert_eq!(response.send().await.unwrap().status(), 401);
}

fn text<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_publishable_key_works_only_from_pages_of_its_origins_which_read_the_responses() {
    let developer = Developer::start(&[]).await;
    let (key, _) = developer.create(&page_key()).await;
    let (server, _) = developer.create(&server_key()).await;
    let owners: Vec<Value> = developer
        .keys()
        .await
        .iter()
        .map(|key| key["owner"].clone())
        .collect();
    assert_ne!(owners[0], owners[1], "pages must not use up what servers need");
    wait_for(&developer.service, &server, 503).await;
    let service = &developer.service;
    for (origin, allowed) in [(PAGE, PAGE), (OTHER, "")] {
        let preflight = service
            .request(Method::OPTIONS, "/v1/relay")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization");
        let response = preflight.send().await.unwrap();
        assert_eq!(text(&response, "access-control-allow-origin"), allowed);
        let has_header = text(&response, "access-control-allow-headers").contains("authorization");
        assert_eq!(has_header, !allowed.is_empty());
        let request = service
            .request(Method::GET, "/v1/config")
            .header("origin", origin);
        let response = request.bearer_auth(&key).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(text(&response, "access-control-allow-origin"), allowed);
        let vary = response.headers().get_all("vary").iter();
        assert!(vary.into_iter().any(|name| name == "Origin"), "{origin}");
    }
    // A key for servers, and a wallet's token, are not for these pages.
    for credential in [&server, &developer.token] {
        let request = service.request(Method::GET, "/v1/config").header("origin", PAGE);
        let response = request.bearer_auth(credential).send().await.unwrap();
        assert_eq!(text(&response, "access-control-allow-origin"), "");
    }
    // What the key may not do, and where it may not be used.
    for (origin, code) in [
        (Some(PAGE), "missing_permission"),
        (Some(OTHER), "origin_not_allowed"),
        (None, "origin_not_allowed"),
    ] {
        let mut request = service.request(Method::GET, JOB).bearer_auth(&key);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403, "{origin:?}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], code, "{origin:?}");
        service
            .wait_for_line(|line| line["target"] == "audit" && line["code"] == code)
            .await;
    }
}

#[tokio::test]
async fn a_key_that_breaks_a_rule_is_refused_with_all_fields_and_nothing_is_stored() {
    let developer = Developer::start(&[]).await;
    let body = json!({
        "kind": "x", "name": "", "permissions": ["admin"], "origins": ["*"], "days": 0,
    });
    let (status, problem) = developer.send(Method::POST, "/v1/keys", &body).await;
    let fields: Vec<&Value> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(status, 400);
    assert_eq!(fields, ["kind", "name", "permissions", "origins", "days"]);
    let mut too_much = page_key();
    too_much["permissions"] = json!(["read", "prove"]);
    let (status, problem) = developer.send(Method::POST, "/v1/keys", &too_much).await;
    assert_eq!((status, &problem["field"]), (400, &json!("permissions")));
    assert!(developer.keys().await.is_empty());
}
