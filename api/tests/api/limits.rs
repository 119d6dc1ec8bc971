//! Rate limits.

use std::time::Duration;

use bauta_dev_servers::Redis;
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};

use solana_keypair::Keypair;

use crate::common::{
    Chain, Running, address, command, text,
    wallets::{grant, log_in, send, with_accounts},
};

async fn assert_limited(service: &Running, path: &str) {
    let response = service.response(path).await;
    assert_eq!(response.status(), 429, "{path}");
    let seconds: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=65).contains(&seconds), "{seconds}");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "rate_limited");
}

#[tokio::test]
async fn tiles_have_their_own_limit_and_each_tile_of_a_list_counts() {
    let chain = Chain::new().await;
    let limits = [
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "2"),
        ("ANONYMOUS_TILES_PER_MINUTE", "5"),
    ];
    let service = Running::start(&chain.database, &limits);
    for _ in 0..2 {
        service.read("/v1/config").await;
    }
    assert_limited(&service, "/v1/config").await;
    // Requests to unknown routes count as well.
    assert_eq!(service.response("/v1/nowhere").await.status(), 429);
    let tile = format!("/v1/tiles/0x{}", "07".repeat(32));
    assert_eq!(service.response(&tile).await.status(), 404);
    let body = json!({"hashes": vec![format!("0x{}", "07".repeat(32)); 4]});
    let request = service.request(Method::POST, "/v1/tiles").json(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_limited(&service, &tile).await;
    // Monitoring has no limit.
    service.read("/health").await;
}

#[tokio::test]
async fn a_request_for_leaves_counts_each_tile_of_its_range() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Managed);
    chain.append(registry, 600);
    chain.apply().await;
    let service = Running::start(&chain.database, &[("ANONYMOUS_TILES_PER_MINUTE", "5")]);
    let path = format!("/v1/registries/{registry}/roots/{}/leaves", chain.root(registry));
    assert_eq!(service.bytes(&path).await.len(), 600 * 32);
    let part = service.get_with(&path, "range", "bytes=0-31").await;
    assert_eq!(part.status(), 206);
    // Three more would be seven.
    assert_limited(&service, &path).await;
}

#[tokio::test]
async fn requests_with_a_key_count_for_the_key_and_not_for_the_address() {
    let chain = Chain::new().await;
    let quota = |requests| Quota {
        requests_per_minute: Some(requests),
        proofs_per_minute: None,
    };
    let few = NewApiKey::random(&["prove"], u64::MAX, quota(2));
    let many = NewApiKey::random(&["prove"], u64::MAX, quota(0));
    let keys = format!("{},{}", few.line, many.line);
    let settings = [
        ("API_KEYS", keys.as_str()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "1"),
    ];
    let service = Running::start(&chain.database, &settings);
    let status = async |key: &str| {
        let request = service.request(Method::GET, "/v1/config").bearer_auth(key);
        request.send().await.unwrap().status().as_u16()
    };
    for expected in [200, 200, 429] {
        assert_eq!(status(&few.key).await, expected);
    }
    for _ in 0..10 {
        assert_eq!(status(&many.key).await, 200);
    }
    // An unknown key counts for the address.
    for expected in [200, 429] {
        assert_eq!(status("bauta_00000000_unknown").await, expected);
    }
}

#[tokio::test]
async fn the_command_makes_a_key_with_limits_of_its_own() {
    let chain = Chain::new().await;
    let arguments = [
        "api-key",
        "--permissions",
        "read",
        "--requests-per-minute",
        "2",
        "--proofs-per-minute",
        "0",
    ];
    let output = command("", &[]).args(arguments).output().unwrap();
    let printed = text(&output);
    assert!(output.status.success(), "{printed}");
    let [key, line] = ["key (shown only once): ", "line for API_KEYS:     "].map(|name| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().to_owned()
    });
    assert!(line.ends_with(":2:0"), "{line}");
    let service = Running::start(&chain.database, &[("API_KEYS", line.as_str())]);
    for expected in [200, 200, 429] {
        let request = service.request(Method::GET, "/v1/config").bearer_auth(&key);
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
}

#[tokio::test]
async fn a_request_that_counts_several_times_does_so_for_the_key() {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Holders);
    chain.apply().await;
    let quota = Quota {
        requests_per_minute: Some(20),
        proofs_per_minute: None,
    };
    let key = NewApiKey::random(&["prove"], u64::MAX, quota);
    let limits = [
        ("API_KEYS", key.line.as_str()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "5"),
    ];
    let service = Running::start(&chain.database, &limits);
    let path = format!("/v1/registries/{}/eligibility", address("registry"));
    let status = async |with_key: bool| {
        let body = json!({"owner": address("ann").to_string()});
        let mut request = service.request(Method::POST, &path).json(&body);
        if with_key {
            request = request.bearer_auth(key.key.as_str());
        }
        request.send().await.unwrap().status().as_u16()
    };
    // It counts as ten requests. The service has no node.
    for expected in [503, 503, 429] {
        assert_eq!(status(true).await, expected);
    }
    assert_eq!(status(false).await, 429);
}

/// Other clients at an operator's address, for example behind the same proxy, do not end the session.
#[tokio::test]
async fn requests_and_refreshes_with_the_token_of_an_operator_count_for_the_account() {
    let chain = Chain::new().await;
    let limits = [
        ("LOGINS_PER_MINUTE", "3"),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "20"),
    ];
    let service = Running::start(&chain.database, &with_accounts(&limits));
    let (operator, other) = (Keypair::new(), Keypair::new());
    grant(&chain.database.url().unwrap(), &operator, "operator");
    let (of_operator, of_other) = (log_in(&service, &operator).await, log_in(&service, &other).await);
    let refresh = async |session: &Value, credential: Option<&Value>| {
        let mut request = service.request(Method::POST, "/v1/auth/refresh");
        if let Some(token) = credential {
            request = request.bearer_auth(token.as_str().unwrap());
        }
        let body = json!({"refresh_token": session["refresh_token"]});
        send(request, &body).await
    };
    let unknown = json!({"refresh_token": "x"});
    // The third one of the address.
    assert_eq!(refresh(&unknown, None).await.0, 401);
    assert_eq!(refresh(&unknown, None).await.0, 429);
    for credential in [None, Some(&of_other["access_token"])] {
        let (status, problem) = refresh(&of_operator, credential).await;
        assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
    }
    // A token that names the operator, and that no one has signed.
    let token = of_operator["access_token"].as_str().unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = of_other["access_token"]
        .as_str()
        .unwrap()
        .rsplit_once('.')
        .unwrap();
    let forged = json!(format!("{signed}.{signature}"));
    assert_eq!(refresh(&of_operator, Some(&forged)).await.0, 429);
    let (status, next) = refresh(&of_operator, Some(&of_operator["access_token"])).await;
    assert_eq!(status, 200, "{next}");

    let status = async |token: Option<&Value>| {
        let mut request = service.request(Method::GET, "/v1/config");
        if let Some(token) = token {
            request = request.bearer_auth(token.as_str().unwrap());
        }
        request.send().await.unwrap().status().as_u16()
    };
    // A test that takes more than a minute sends more.
    let mut sent = 0;
    while status(None).await == 200 {
        sent += 1;
        assert!(sent < 1_000);
    }
    assert_eq!(status(Some(&of_other["access_token"])).await, 429);
    for _ in 0..30 {
        assert_eq!(status(Some(&next["access_token"])).await, 200);
    }
    // The account has its own limit of logins.
    let mut session = next;
    let refused = async {
        loop {
            let token = session["access_token"].clone();
            let (status, answer) = refresh(&session, Some(&token)).await;
            if status == 429 {
                return;
            }
            session = answer;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), refused)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_address_behind_a_trusted_proxy_has_its_own_limit_and_all_together_have_another() {
    let chain = Chain::new().await;
    let limits = [
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "2"),
        ("TOTAL_REQUESTS_PER_MINUTE", "3"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let service = Running::start(&chain.database, &limits);
    let status = async |client: &str| {
        let response = service.get_with("/v1/config", "x-forwarded-for", client).await;
        response.status().as_u16()
    };
    for (client, expected) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("192.0.2.3", 429),
    ] {
        assert_eq!(status(client).await, expected, "{client}");
    }
}

#[tokio::test]
async fn instances_count_together_in_redis_and_alone_without_it() {
    let chain = Chain::new().await;
    let redis = Redis::start().unwrap();
    let settings = [
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "3"),
        ("REDIS_URL", redis.url()),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let instances = [(); 2].map(|()| Running::start(&chain.database, &settings));
    let status = async |instance: usize, client: &str| {
        let response = instances[instance].get_with("/v1/config", "x-forwarded-for", client);
        response.await.status().as_u16()
    };
    for (instance, expected) in [(0, 200), (1, 200), (0, 200), (1, 429), (0, 429)] {
        assert_eq!(status(instance, "192.0.2.1").await, expected);
    }
    // Redis has no address.
    let mut connection = redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert!(
        !keys.is_empty() && keys.iter().all(|key| !key.contains("192.0.2.1")),
        "{keys:?}"
    );
    assert_eq!(instances[0].ready().await["status"], "ready");
    let _stopped = redis.stop();
    for instance in 0..2 {
        for expected in [200, 200, 200, 429] {
            assert_eq!(status(instance, "192.0.2.2").await, expected);
        }
    }
    // The report of the checks is kept for a moment.
    let degraded = async { while instances[0].ready().await["status"] != "degraded" {} };
    tokio::time::timeout(Duration::from_secs(30), degraded)
        .await
        .unwrap();
}
