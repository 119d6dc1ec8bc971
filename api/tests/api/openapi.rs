//! The description of the routes at `/openapi.json`: a copy is checked in, it is valid, and the
//! service behaves as it says.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    common::{
        Chain, Running, address,
        complete::{Complete, leaves},
        ohttp_client::Client,
    },
    schemathesis,
};

/// If this variable is set, the tests write the files instead of comparing them.
pub const WRITE: &str = "BAUTA_WRITE_DOCS";

fn file() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "docs",
        "api",
        "api-service.openapi.json",
    ]
    .iter()
    .collect()
}

/// Returns the checked-in description.
pub fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap()
}

/// Returns each route (`GET /path`) and its description.
pub fn routes(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    })
}

#[tokio::test]
async fn the_checked_in_description_matches_the_service() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    let text = format!("{:#}\n", service.read("/openapi.json").await);
    if env::var_os(WRITE).is_some() {
        fs::write(file(), text).unwrap();
        return;
    }
    let found = fs::read_to_string(file()).unwrap_or_default();
    assert!(
        found == text,
        "docs/api/api-service.openapi.json is out of date; generate it with\n\
         {WRITE}=1 cargo test --workspace --test api openapi::the_checked_in"
    );
}

#[tokio::test]
async fn the_description_is_valid_openapi_and_complete() {
    let python = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let validator = python.with_file_name("openapi-spec-validator");
    let output = Command::new(validator).arg(file()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let (document, mut ids) = (document(), BTreeSet::new());
    for (route, operation) in routes(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{id} is not unique");
        for text in ["summary", "description"] {
            let prose = operation[text].as_str().unwrap_or_default();
            assert!(prose.ends_with('.'), "{route} has no {text}");
        }
        let body = &operation["requestBody"]["content"]["application/json"];
        assert!(
            body.is_null() || body["example"].is_object(),
            "the body of {route} has no example"
        );
    }
    assert!(ids.len() >= 23, "{ids:?}");
}

/// Returns the members of a value that its schema doesn't describe.
fn undescribed(document: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let reference = schema["$ref"].as_str().or_else(|| {
        // A member that can be null is described as one of two types.
        let mut alternatives = schema["oneOf"].as_array().into_iter().flatten();
        alternatives.find_map(|one| one["$ref"].as_str())
    });
    if let Some(reference) = reference {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        return undescribed(document, schema, value, path);
    }
    match value {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| undescribed(document, &schema["items"], item, path))
            .collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| {
                let path = format!("{path}/{name}");
                match &schema["properties"][name] {
                    Value::Null => vec![path],
                    schema => undescribed(document, schema, member, &path),
                }
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the status with which a route answers its example.
fn expected_status(route: &str) -> u16 {
    match route {
        // The service has a wallet, but none of the relay or the proof in the example.
        "POST /v1/relay" => 422,
        // The wallet of the examples has signed nothing, and has no login.
        "POST /v1/auth/token" | "POST /v1/auth/refresh" | "POST /v1/auth/logout" => 401,
        "POST /v1/keys" | "POST /v1/webhooks" => 201,
        "GET /v1/ws" => 426,
        "DELETE /v1/keys/{key}"
        | "POST /v1/keys/{key}/rotate"
        | "DELETE /v1/webhooks/{webhook}"
        | "GET /v1/webhooks/{webhook}/deliveries"
        | "POST /v1/webhooks/{webhook}/enable"
        | "POST /v1/webhooks/{webhook}/replay"
        | "POST /v1/webhooks/{webhook}/rotate"
        | "GET /v1/relay/{relay}"
        | "GET /v1/relay/{relay}/events"
        | "GET /v1/ledger/{wallet}"
        | "GET /v1/zkp/jobs/{job}" => 404,
        // The node has no account of the registry, the service no folder of proving keys, and the
        // stand-in of the prover service measures nothing.
        "POST /v1/registries/{registry}/registrations"
        | "GET /v1/proving-keys/{sha256}"
        | "POST /v1/operator/profile" => 503,
        _ => 200,
    }
}

#[tokio::test]
async fn every_described_route_answers_its_example_and_each_member_of_the_answers_is_described() {
    let mut complete = Complete::start(&[]).await;
    let root = complete.chain.root(address("registry")).to_string();
    let attested = complete.chain.root(address("attested")).to_string();
    let document = document();
    for (route, operation) in routes(&document) {
        let (method, path) = route.split_once(' ').unwrap();
        let (registry, root) = match method {
            "PUT" => ("attested", &attested),
            _ => ("registry", &root),
        };
        let path = path
            .replace("{registry}", &address(registry).to_string())
            .replace("{scope}", &address("scope").to_string())
            .replace("{root}", root)
            .replace("{hash}", root)
            .replace("{nullifier}", root)
            .replace("{vk_hash}", &format!("0x{}", hex::encode(complete.vk_hash)))
            .replace("{sha256}", &"02".repeat(32))
            .replace("{index}", "0")
            .replace("{id}", "7")
            .replace("{relay}", &"0a".repeat(16))
            .replace("{key}", "0a0a0a0a")
            .replace("{webhook}", &"0a".repeat(16))
            .replace("{wallet}", &address("wallet").to_string())
            .replace("{job}", &"0a".repeat(32));
        let needs_track = path.ends_with("/anonymity") || path.ends_with("/growth");
        let path = if needs_track {
            format!("{path}?track=7")
        } else {
            path
        };
        let mut request = complete.service.request(method.parse::<Method>().unwrap(), &path);
        if let Some(requirements) = operation["security"].as_array() {
            let is_for_key = requirements.iter().any(|one| one["api_key"].is_array());
            let credential = if is_for_key {
                &complete.key
            } else {
                &complete.token
            };
            request = request.bearer_auth(credential);
        }
        if path.ends_with("/leaves") && method == "PUT" {
            let octets = request.header("content-type", "application/octet-stream");
            request = octets.body(leaves().concat());
        }
        if route == "POST /.well-known/ohttp-gateway" {
            let keys = complete.service.response(&path).await.bytes().await.unwrap();
            let (sealed, _) = Client::encapsulate(&keys, b"no request");
            request = request.header("content-type", "message/ohttp-req").body(sealed);
        }
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        if example.is_object() {
            request = request.json(example);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let expected = expected_status(&route);
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        if kind == "text/event-stream" {
            // It has no end.
            assert_eq!(status, expected, "{route}");
            assert!(
                operation["responses"]["200"]["content"][&kind]["schema"].is_object(),
                "{route}"
            );
            continue;
        }
        let body = response.bytes().await.unwrap();
        assert_eq!(status, expected, "{route}: {}", String::from_utf8_lossy(&body));
        let described = &operation["responses"][status.to_string()];
        assert!(described.is_object(), "{route} answers {status}");
        let schema = &described["content"][kind.as_str()]["schema"];
        assert!(schema.is_object(), "{route} answers {kind}");
        if kind.ends_with("json") {
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                undescribed(&document, schema, &body, ""),
                [""; 0],
                "{route}: {body}"
            );
        }
    }
    // The members of errors.
    let problem = &document["components"]["schemas"]["ProblemDocument"];
    for (path, body) in [
        (
            "/v1/zkp/verify",
            json!({"proof": "", "circuitId": "", "public": {}}),
        ),
        ("/v1/zkp/verify", json!({})),
        ("/v1/zkp/generate", json!({})),
    ] {
        let request = complete.service.request(Method::POST, path).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            undescribed(&document, problem, &answer, ""),
            [""; 0],
            "{path}: {answer}"
        );
    }
}

/// Schemathesis generates valid, unusual and invalid requests from the description, and compares
/// every response with it.
#[tokio::test]
async fn every_response_to_thousands_of_generated_requests_is_as_described() {
    let program = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let mut complete = Complete::start(&[("RUST_LOG", "info")]).await;
    let folder = tempfile::tempdir().unwrap();
    // Existing values. Generated ones would not match any. A request for a later slot than the
    // database's gets 503, as described.
    let settings = format!(
        "[parameters]\n\"path.registry\" = \"{}\"\n\"path.scope\" = \"{}\"\n\"path.root\" = \"{root}\"\n\n\
         [[operations]]\ninclude-name = \"PUT /v1/registries/{{registry}}/roots/{{root}}/leaves\"\n\
         [operations.parameters]\n\"path.registry\" = \"{}\"\n\"path.root\" = \"{attested}\"\n\n\
         # A client can send any header.\n\
         [[operations]]\ninclude-name = \"POST /v1/zkp/generate\"\n[operations.generation]\n\
         allow-extra-parameters = false\n\n\
         [[operations]]\ninclude-name = \"POST /v1/zkp/verify\"\n[operations.generation]\n\
         allow-extra-parameters = false\n\n\
         [[operations]]\ninclude-name = \"POST /v1/relay\"\n[operations.generation]\n\
         allow-extra-parameters = false\n\n\
         # No generated body is encrypted for the key of the gateway. Its own tests send such bodies.\n\
         [[operations]]\ninclude-name = \"POST /.well-known/ohttp-gateway\"\nenabled = false\n\n\
         # A stream has no end.\n\
         [[operations]]\ninclude-name = \"GET /v1/events\"\nenabled = false\n\n\
         [checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"501\", \"503\"]\n",
        address("registry"),
        address("scope"),
        address("attested"),
        root = complete.chain.root(address("registry")),
        attested = complete.chain.root(address("attested")),
    );
    fs::write(folder.path().join("schemathesis.toml"), settings).unwrap();
    let (address, current) = (complete.service.address, folder.path().to_owned());
    let authorization = format!("Authorization: Bearer {}", complete.key);
    let run = move || {
        Command::new(program)
            .current_dir(current)
            .args(["run", &format!("http://{address}/openapi.json")])
            .args(["--header", &authorization])
            .args([
                "--phases",
                "examples,coverage,fuzzing,stateful",
                "--max-examples",
                "25",
            ])
            // A prefix may be longer than the registry allows, and a cursor belongs to its list.
            .args(["--exclude-checks", "positive_data_acceptance"])
            // A machine with other work is slow. A request that hangs still fails.
            .args(["--max-response-time", "60", "--request-timeout", "90"])
            // With two, Python 3.11 fails at random: "AST constructor recursion depth mismatch".
            .args(["--workers", "1", "--seed", "1", "--continue-on-failure"])
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{report}");
    // The examples reach each of these routes behind its checks.
    let metrics = complete.service.metrics().await;
    for (route, status) in [
        ("/v1/zkp/verify", 200),
        ("/v1/zkp/generate", 200),
        ("/v1/zkp/sealing-key", 200),
        ("/v1/registries/{registry}/eligibility", 200),
        ("/v1/registries/{registry}/registrations", 503),
        ("/v1/relay", 422),
    ] {
        let labels = format!("route=\"{route}\",status=\"{status}\"");
        assert!(metrics.contains(&labels), "{labels}: {metrics}");
    }
    let log = complete.service.log();
    // The stand-in of the node answers only questions for accounts.
    let mut errors = log.lines().filter(|line| line.contains("\"level\":\"ERROR\""));
    assert!(errors.all(|line| line.contains("node_unavailable")), "{log}");
}
