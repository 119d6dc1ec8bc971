//! Who may use which route: every route with every kind of caller.

use std::collections::BTreeSet;

use bauta_service_common::{NewApiKey, Quota};
use bauta_store::RegistryKind;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer as _;

use crate::{
    common::{
        Chain, Running, address,
        wallets::{access_token, grant, with_accounts},
    },
    openapi::{document, routes},
};

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    /// Without a credential.
    Anonymous,
    /// A key for servers with all permissions.
    Key,
    /// A key for web pages with all permissions that it can have, from a page of its origin.
    PageKey,
    /// A wallet without a role.
    Wallet,
    Owner,
    Operator,
    Auditor,
    Developer,
    /// A wallet that the chain names as the authority of the attested registry.
    Authority,
}
use Caller::{Anonymous, Auditor, Authority, Developer, Key, Operator, Owner, PageKey, Wallet};

const CALLERS: [Caller; 9] = [
    Anonymous, Key, PageKey, Wallet, Owner, Operator, Auditor, Developer, Authority,
];
const EVERYONE: &[Caller] = &CALLERS;
/// A wallet that logs in would be joined to its proof.
const NO_WALLET: &[Caller] = &[Anonymous, Key, PageKey];
const WALLETS: &[Caller] = &[Wallet, Owner, Operator, Auditor, Developer, Authority];
const DEVELOPER: &[Caller] = &[Developer];
const PAGE: &str = "https://app.example.org";

/// The callers that each route accepts. It refuses all others with 401 or 403.
const TABLE: [(&str, &[Caller]); 72] = [
    ("GET /.well-known/jwks.json", EVERYONE),
    ("GET /.well-known/ohttp-gateway", EVERYONE),
    ("POST /.well-known/ohttp-gateway", EVERYONE),
    ("GET /api/cluster/status", EVERYONE),
    ("GET /feature-flags", EVERYONE),
    ("POST /feature-flags", &[Operator]),
    ("GET /health", EVERYONE),
    ("GET /v1/account", WALLETS),
    ("GET /v1/accounts", &[Owner, Auditor]),
    ("PUT /v1/accounts/{wallet}/roles", &[Owner]),
    ("GET /v1/audit", &[Auditor]),
    ("GET /v1/audit/checkpoint", EVERYONE),
    ("GET /v1/audit/seals", EVERYONE),
    ("POST /v1/auth/challenge", EVERYONE),
    ("POST /v1/auth/logout", EVERYONE),
    ("POST /v1/auth/refresh", EVERYONE),
    ("POST /v1/auth/token", EVERYONE),
    ("GET /v1/circuits", EVERYONE),
    ("GET /v1/clusters", EVERYONE),
    ("GET /v1/config", EVERYONE),
    ("GET /v1/events", EVERYONE),
    ("GET /v1/keys", DEVELOPER),
    ("POST /v1/keys", DEVELOPER),
    ("DELETE /v1/keys/{key}", &[Owner, Operator, Developer]),
    ("POST /v1/keys/{key}/rotate", DEVELOPER),
    ("GET /v1/ledger", &[Operator, Auditor]),
    ("GET /v1/ledger/{wallet}", &[Operator, Auditor]),
    ("GET /v1/operator/jobs", &[Operator, Auditor]),
    ("GET /v1/operator/metrics", &[Operator, Auditor]),
    ("POST /v1/operator/profile", &[Operator]),
    ("GET /v1/operator/queue", &[Operator, Auditor]),
    ("GET /v1/operator/sponsorship", &[Operator, Auditor]),
    ("PUT /v1/operator/sponsorship", &[Operator]),
    ("GET /v1/operator/workers", &[Operator, Auditor]),
    ("GET /v1/proving-keys/{sha256}", EVERYONE),
    ("GET /v1/registries", EVERYONE),
    ("GET /v1/registries/{registry}", EVERYONE),
    ("GET /v1/registries/{registry}/anonymity", EVERYONE),
    ("GET /v1/registries/{registry}/collections", EVERYONE),
    ("POST /v1/registries/{registry}/eligibility", EVERYONE),
    ("GET /v1/registries/{registry}/growth", EVERYONE),
    ("GET /v1/registries/{registry}/holdings", EVERYONE),
    ("GET /v1/registries/{registry}/paths/{index}", EVERYONE),
    ("POST /v1/registries/{registry}/registrations", EVERYONE),
    ("GET /v1/registries/{registry}/roots", EVERYONE),
    ("GET /v1/registries/{registry}/roots/{root}/leaves", EVERYONE),
    (
        "PUT /v1/registries/{registry}/roots/{root}/leaves",
        &[Key, Authority],
    ),
    ("GET /v1/relay", NO_WALLET),
    ("POST /v1/relay", NO_WALLET),
    ("GET /v1/relay/{relay}", NO_WALLET),
    ("GET /v1/relay/{relay}/events", NO_WALLET),
    ("GET /v1/scopes", EVERYONE),
    ("GET /v1/scopes/{scope}", EVERYONE),
    ("GET /v1/scopes/{scope}/analytics", EVERYONE),
    ("GET /v1/scopes/{scope}/nullifiers", EVERYONE),
    ("GET /v1/scopes/{scope}/nullifiers/{nullifier}", EVERYONE),
    ("GET /v1/scopes/{scope}/verifications", EVERYONE),
    ("POST /v1/tickets", &[Key, PageKey]),
    ("POST /v1/tiles", EVERYONE),
    ("GET /v1/tiles/{hash}", EVERYONE),
    ("GET /v1/tracks/{id}/analytics", EVERYONE),
    ("GET /v1/verifying-keys/{vk_hash}", EVERYONE),
    ("GET /v1/webhooks", DEVELOPER),
    ("POST /v1/webhooks", DEVELOPER),
    ("DELETE /v1/webhooks/{webhook}", &[Owner, Operator, Developer]),
    ("GET /v1/webhooks/{webhook}/deliveries", DEVELOPER),
    ("POST /v1/webhooks/{webhook}/enable", DEVELOPER),
    ("POST /v1/webhooks/{webhook}/replay", DEVELOPER),
    ("POST /v1/webhooks/{webhook}/rotate", DEVELOPER),
    ("GET /v1/ws", EVERYONE),
    ("POST /v1/zkp/generate", &[Key]),
    ("GET /v1/zkp/jobs/{job}", &[Key]),
];
/// The other routes of proofs.
const PROOFS: [(&str, &[Caller]); 2] = [
    ("GET /v1/zkp/sealing-key", NO_WALLET),
    ("POST /v1/zkp/verify", NO_WALLET),
];

/// The credentials of all callers.
struct Callers {
    /// The database is dropped with it.
    _chain: Chain,
    service: Running,
    credentials: Vec<(Caller, Option<String>)>,
}

async fn start() -> Callers {
    let (mut chain, authority) = (Chain::new().await, Keypair::new());
    chain.create_by(authority.pubkey(), address("attested"), RegistryKind::Attested);
    chain.apply().await;
    let all = ["prove", "read", "relay", "trees"];
    let server = NewApiKey::random(&all, u64::MAX, Quota::default());
    let page = NewApiKey::for_pages(&["read", "relay"], 4_000_000_000, &[PAGE.parse().unwrap()]);
    assert!(chain.database.store.add_api_key(&page.row).await.unwrap());
    let authorities = authority.pubkey().to_string();
    let settings = with_accounts(&[
        ("API_KEYS", server.line.as_str()),
        ("REQUESTS_PER_MINUTE", "0"),
        ("UPLOAD_AUTHORITIES", authorities.as_str()),
    ]);
    let service = Running::start(&chain.database, &settings);
    let mut credentials = vec![
        (Anonymous, None),
        (Key, Some(server.key.to_string())),
        (PageKey, Some(page.key.to_string())),
        (Authority, Some(access_token(&service, &authority).await)),
    ];
    let url = chain.database.url().unwrap();
    for (caller, role) in [
        (Wallet, None),
        (Owner, Some("owner")),
        (Operator, Some("operator")),
        (Auditor, Some("auditor")),
        (Developer, Some("developer")),
    ] {
        let wallet = Keypair::new();
        if let Some(role) = role {
            grant(&url, &wallet, role);
        }
        credentials.push((caller, Some(access_token(&service, &wallet).await)));
    }
    Callers {
        _chain: chain,
        service,
        credentials,
    }
}

impl Callers {
    fn request(&self, caller: Caller, route: &str) -> RequestBuilder {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path
            .replace("{registry}", &address("attested").to_string())
            .replace("{wallet}", &address("wallet").to_string())
            .replace("{key}", "0a0a0a0a")
            .replace("{webhook}", &"0a".repeat(16))
            .replace("{root}", &format!("0x{}", "00".repeat(32)))
            .replace("{relay}", &"0a".repeat(16))
            .replace("{job}", &"0a".repeat(32))
            .replace(['{', '}'], "");
        let request = self.service.request(method.parse::<Method>().unwrap(), &path);
        let request = request.header("origin", PAGE);
        let (_, credential) = self.credentials.iter().find(|(kind, _)| *kind == caller).unwrap();
        match credential {
            Some(credential) => request.bearer_auth(credential),
            None => request,
        }
    }
}

#[tokio::test]
async fn every_route_accepts_exactly_the_callers_of_the_table() {
    let callers = start().await;
    let table: Vec<_> = TABLE.iter().chain(&PROOFS).collect();
    let listed: BTreeSet<String> = table.iter().map(|(route, _)| (*route).to_owned()).collect();
    let described = document();
    let served: BTreeSet<String> = routes(&described).map(|(route, _)| route).collect();
    assert_eq!(listed, served, "each route has a row");
    assert_eq!(callers.credentials.len(), CALLERS.len());
    for (route, accepted) in table {
        for caller in CALLERS {
            let response = callers.request(caller, route).send().await.unwrap();
            let status = response.status().as_u16();
            // The stream of events has no end.
            let problem: Value = match status {
                200 => Value::Null,
                _ => response.json().await.unwrap_or_default(),
            };
            let code = problem["code"].as_str().unwrap_or_default();
            // A login that is refused is no refusal of the caller.
            let is_login = route.starts_with("POST /v1/auth/");
            let is_refused = [401, 403].contains(&status) && !is_login;
            assert_ne!(
                is_refused,
                accepted.contains(&caller),
                "{caller:?} {route}: {status} {code}"
            );
            // A caller that is accepted gets an answer of the route itself: of its feature that is
            // off, of the address that does not exist, or of the body that is absent.
            let is_answer = [200, 204, 400, 404, 409, 415, 422, 426].contains(&status)
                || status == 503 && code == "feature_disabled"
                || is_login && status == 401;
            assert!(is_refused || is_answer, "{caller:?} {route}: {status} {code}");
            if is_refused {
                let expected = code_of(caller, route);
                assert_eq!(code, expected, "{caller:?} {route}");
            }
        }
    }
}

#[tokio::test]
async fn an_authority_that_the_operator_did_not_list_may_not_upload() {
    let (mut chain, authority) = (Chain::new().await, Keypair::new());
    chain.create_by(authority.pubkey(), address("attested"), RegistryKind::Attested);
    chain.apply().await;
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let token = access_token(&service, &authority).await;
    let path = format!(
        "/v1/registries/{}/roots/0x{}/leaves",
        address("attested"),
        "00".repeat(32)
    );
    let request = service.request(Method::PUT, &path).bearer_auth(token);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 403);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "authority_not_listed");
}

/// Returns the code with which a route refuses a caller.
fn code_of(caller: Caller, route: &str) -> &'static str {
    let (_, path) = route.split_once(' ').unwrap();
    let is_private = path.starts_with("/v1/zkp") || path.starts_with("/v1/relay");
    let needs_key = is_private || path.ends_with("/leaves");
    match caller {
        Anonymous if path == "/v1/tickets" => "missing_api_key",
        _ if path == "/v1/tickets" => "unknown_api_key",
        Anonymous if needs_key => "missing_api_key",
        Anonymous => "missing_token",
        PageKey if needs_key => "missing_permission",
        Key | PageKey => "wallet_required",
        _ if is_private => "wallet_not_accepted",
        _ if needs_key => "not_the_authority",
        _ => "missing_role",
    }
}

/// The description names the roles and permissions of a route, so a reader of it knows the table.
#[test]
fn the_description_has_the_roles_of_the_table() {
    let document = document();
    for (route, operation) in routes(&document) {
        let row = TABLE.iter().chain(&PROOFS).find(|(listed, _)| *listed == route);
        let (_, accepted) = row.unwrap();
        let security = operation["security"].as_array();
        let requirements: Vec<&Value> = security.into_iter().flatten().collect();
        let roles: BTreeSet<&str> = requirements
            .iter()
            .flat_map(|one| one["wallet"].as_array().into_iter().flatten())
            .map(|role| role.as_str().unwrap())
            .collect();
        let in_table: BTreeSet<&str> = [
            (Owner, "owner"),
            (Operator, "operator"),
            (Auditor, "auditor"),
            (Developer, "developer"),
            (Authority, "authority"),
        ]
        .into_iter()
        .filter(|(caller, _)| accepted.contains(caller) && !accepted.contains(&Wallet))
        .map(|(_, name)| name)
        .collect();
        assert_eq!(roles, in_table, "{route}");
        let is_open =
            requirements.is_empty() || requirements.iter().any(|one| one.as_object().unwrap().is_empty());
        assert_eq!(is_open, accepted.contains(&Anonymous), "{route}");
    }
}
