//! What the service needs to start, and the database role that it runs with.

use std::fs;

use bauta_store::{RegistryKind, ScopeMode, testing::TestDatabase};
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;

use crate::{
    common::{Chain, Running, address, command, nullifier, text},
    compose_secrets,
};

#[tokio::test]
async fn the_service_names_what_it_lacks_and_does_not_migrate() {
    let database = TestDatabase::empty().await.unwrap();
    let url = database.url().unwrap();
    let output = command(&url, &[]).output().unwrap();
    let printed = text(&output);
    assert!(
        !output.status.success() && printed.contains("migrate the database"),
        "{printed}"
    );
    let output = command("", &[]).output().unwrap();
    let printed = text(&output);
    assert!(
        !output.status.success() && printed.to_lowercase().contains("database_url"),
        "{printed}"
    );
    let output = command(&url, &[]).arg("--print-config").output().unwrap();
    let printed = text(&output);
    assert!(
        output.status.success() && printed.contains("ANONYMOUS_TILES_PER_MINUTE"),
        "{printed}"
    );
    assert!(!printed.contains(&url), "{printed}");
}

/// Otherwise all clients of the proxy share the limit of one address.
#[tokio::test]
async fn the_services_of_the_compose_file_count_the_clients_of_the_proxy() {
    let file = include_str!("../../../deploy/compose/compose.yml");
    let proxy = file
        .lines()
        .find_map(|line| line.strip_prefix("x-proxy: &proxy \"${BAUTA_FRONT_GATEWAY:-"));
    let proxy = proxy.unwrap().trim_end_matches("}\"");
    for part in [
        "{BAUTA_CONFIG: /run/secrets/api_toml, TRUSTED_PROXIES: *proxy}",
        "{BAUTA_CONFIG: /run/secrets/prover_toml, TRUSTED_PROXIES: *proxy}",
        "gateway: *proxy}]",
    ] {
        assert_eq!(file.matches(part).count(), 1, "{part}");
    }
    // The ports are published only on this machine.
    let ports: Vec<&str> = file.lines().filter(|line| line.contains("ports: [")).collect();
    assert!(ports.len() == 4 && ports.iter().all(|line| line.contains("[\"127.0.0.1:")));
    let proxies = bauta_service_common::TrustedProxies::new(vec![proxy.parse().unwrap()]);
    let headers = [("x-forwarded-for", "192.0.2.7")].map(|(name, value)| {
        let name: reqwest::header::HeaderName = name.parse().unwrap();
        (name, value.parse().unwrap())
    });
    let client = proxies.client(proxy.parse().unwrap(), &headers.into_iter().collect());
    assert_eq!(client.to_string(), "192.0.2.7");
    // Another container on the network is no proxy.
    let other = "172.29.251.5".parse().unwrap();
    assert_eq!(proxies.client(other, &reqwest::header::HeaderMap::new()), other);
}

#[cfg(not(feature = "vault"))]
#[tokio::test]
async fn a_wallet_of_a_key_store_needs_its_settings_and_a_build_with_its_feature() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let vault = format!("vault:relay:{}", address("wallet"));
    let aws = format!("aws-kms:alias/relay:{}", address("wallet"));
    for (payer, vault_url, expected) in [
        (&vault, "", "RELAY_VAULT_URL or RELAY_VAULT_TOKEN is not set"),
        (&vault, "http://vault.example", "must begin with https://"),
        (&vault, "https://vault.example", "without the feature vault"),
        (&aws, "", "without the feature aws-kms"),
        (&"vault:relay".to_owned(), "", "STORE:KEY:ADDRESS"),
    ] {
        let mut settings = vec![
            ("SOLANA_RPC_URL", "http://127.0.0.1:1"),
            ("RELAY_KEY", crate::relay::KEY),
            ("RELAY_PAYERS", payer.as_str()),
        ];
        if !vault_url.is_empty() {
            settings.extend([
                ("RELAY_VAULT_URL", vault_url),
                ("RELAY_VAULT_TOKEN", "hvs.secret"),
            ]);
        }
        let output = command(&url, &settings).output().unwrap();
        let printed = text(&output);
        assert!(
            !output.status.success() && printed.contains(expected),
            "{printed}"
        );
        assert!(!printed.contains("hvs.secret"), "{printed}");
    }
}

#[test]
fn the_compose_file_gives_no_client_one_key_for_both_services() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = compose_secrets::make(folder.path());
    let hashes = |file: &str| -> Vec<String> {
        let settings = fs::read_to_string(secrets.join(file)).unwrap();
        let keys = settings.lines().find(|line| line.starts_with("api_keys = "));
        let lines = keys.unwrap().split(',');
        lines
            .map(|line| line.split(':').nth(1).unwrap().to_owned())
            .collect()
    };
    let (of_api, of_prover) = (hashes("api.toml"), hashes("prover.toml"));
    // The prover service has the keys of its client, of its operator and of the API.
    assert_eq!((of_api.len(), of_prover.len()), (1, 3));
    assert!(!of_prover.contains(&of_api[0]));
    let key = fs::read_to_string(secrets.join("api_service_key")).unwrap();
    let secret = key.trim().rsplit('_').next().unwrap();
    assert_eq!(hex::encode(Sha256::digest(secret)), of_api[0]);
}

#[tokio::test]
async fn the_role_bauta_api_reads_every_route_and_writes_nothing() {
    let mut chain = Chain::new().await;
    let registry = address("registry");
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("mint"), address("ann"), 7);
    chain.scope(address("scope"), registry, ScopeMode::Live);
    chain.verify(address("scope"), registry, 7);
    chain.apply().await;
    let url = chain.database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let limited = format!("{url}{separator}options=-c%20role%3Dbauta_api");
    let service = Running::start_at(&limited, &[]);
    let (root, scope) = (chain.root(registry), address("scope"));
    for path in [
        "/v1/clusters".to_owned(),
        "/v1/config".to_owned(),
        "/v1/circuits".to_owned(),
        "/v1/registries".to_owned(),
        format!("/v1/registries/{registry}"),
        format!("/v1/registries/{registry}/collections"),
        format!("/v1/registries/{registry}/roots"),
        format!("/v1/registries/{registry}/paths/0"),
        format!("/v1/registries/{registry}/holdings"),
        format!("/v1/registries/{registry}/anonymity?track=7"),
        format!("/v1/registries/{registry}/growth?track=7"),
        "/v1/scopes".to_owned(),
        format!("/v1/scopes/{scope}"),
        format!("/v1/scopes/{scope}/nullifiers"),
        format!("/v1/scopes/{scope}/nullifiers/{}", nullifier(1)),
        format!("/v1/scopes/{scope}/verifications"),
        format!("/v1/scopes/{scope}/analytics"),
        "/v1/tracks/7/analytics?every=hour".to_owned(),
    ] {
        service.read(&path).await;
    }
    service.bytes(&format!("/v1/tiles/{root}")).await;
    service
        .bytes(&format!("/v1/registries/{registry}/roots/{root}/leaves"))
        .await;
    let store = bauta_store::Store::connect(&limited, 1).await.unwrap();
    for table in ["nullifiers", "roots", "holdings"] {
        let statement = AssertSqlSafe(format!("DELETE FROM {table}"));
        let error = sqlx::query(statement).execute(store.pool()).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
}
