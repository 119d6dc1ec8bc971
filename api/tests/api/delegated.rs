//! A proof from the client's secret to its verification, with the real prover service. The secret
//! is sealed by an implementation of HPKE that shares no code with the services.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use bauta_circuits::{Ownership, load_or_setup_development};
use bauta_dev_servers::Service;
use bauta_primitives::{Attributes, Claim, Context, EntryId, FieldElement, Scope, tree::Depth};
use bauta_service_common::{NewApiKey, Quota};
use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};
use solana_address::Address;
use solana_keypair::Keypair;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    common::{
        Chain, Running, address, number_bytes,
        wallets::{ACCOUNTS, grant, log_in, send},
    },
    verifying_keys::node,
};

const TRACK: u64 = 7;
/// The member's secret, and the last byte of its mint.
const SECRET: u8 = 9;

/// Returns the command of the prover service, which cargo builds with the workspace.
fn prover_service(url: &str, key: &str) -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_bauta-api")).with_file_name("prover-service");
    assert!(
        program.is_file(),
        "build the program with cargo build --bin prover-service"
    );
    let mut command = Command::new(program);
    command
        .env("HOST", "127.0.0.1")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .env("DATABASE_URL", url)
        .env("DATABASE_CONNECTIONS", "8")
        .env("WITNESS_KEYS", format!("test:{}", "42".repeat(32)))
        .env("ALLOW_DEVELOPMENT_KEYS", "true")
        .env("API_KEYS", key);
    command
}

/// Runs the script that the tests of the prover service use.
fn seal(message: &Value) -> Value {
    let script: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "prover-service",
        "tests",
        "service",
        "seal.mjs",
    ]
    .iter()
    .collect();
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(message.to_string().as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A chain with a member, and the prover service on its database.
struct Setup {
    chain: Chain,
    mint: Address,
    /// The API key of the API service at the prover service.
    of_api: NewApiKey,
    cache: TempDir,
    prover: Service,
    /// The URL of a node with the circuit's verifying key.
    solana: String,
}

impl Setup {
    async fn new() -> Self {
        Self::with_permissions(&["prove"]).await
    }

    /// The API key of the API service has these permissions at the prover service.
    async fn with_permissions(permissions: &[&str]) -> Self {
        let circuit = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
        let (mut chain, registry) = (Chain::new().await, address("registry"));
        let mut mint = address("mint").to_bytes();
        mint[31] = SECRET;
        let mint = Address::from(mint);
        chain.circuit(address("development"), circuit.verifying_key().hash());
        chain.create(registry, RegistryKind::Holders);
        chain.register(registry, address("another"), address("ben"), TRACK);
        chain.register(registry, mint, address("ann"), TRACK);
        chain.apply().await;
        let migrated = prover_service(&chain.database.url().unwrap(), "")
            .arg("migrate")
            .status();
        assert!(migrated.unwrap().success());
        let of_api = NewApiKey::random(permissions, u64::MAX, Quota::default());
        let cache = tempfile::tempdir().unwrap();
        let (solana, _) = node(circuit.verifying_key().to_bytes()).await;
        Self {
            // It makes proofs at once, but runs no jobs.
            prover: start(&chain, &of_api, &cache, false),
            chain,
            mint,
            of_api,
            cache,
            solana,
        }
    }

    /// Starts another instance of the prover service, which runs jobs.
    fn start_worker(&self) -> Service {
        start(&self.chain, &self.of_api, &self.cache, true)
    }

    /// Starts the API service with clients' API keys.
    fn start_api(&self, keys: &str, more: &[(&str, &str)]) -> Running {
        let mut settings = vec![
            ("PROVER_URL", self.prover.url()),
            ("PROVER_API_KEY", self.of_api.key.as_str()),
            ("PROOFS_PER_MINUTE", "0"),
            ("API_KEYS", keys),
            ("SOLANA_RPC_URL", self.solana.as_str()),
        ];
        settings.extend(more);
        Running::start(&self.chain.database, &settings)
    }

    /// Returns a request for a proof, sealed to the key that the API service returns.
    async fn request(&self, service: &Running, context: Context) -> Value {
        let scope = Scope::new(FieldElement::from_u64(11));
        let key = service.read("/v1/zkp/sealing-key").await;
        let private = json!({
            "secret": format!("0x{}", hex::encode(number_bytes(SECRET.into()))),
            "entry_id": EntryId::of_mint(self.mint.as_array()),
            "attributes": Attributes::of_track(TRACK),
        });
        let associated = [
            &scope.to_bytes()[..],
            &Claim::of_track(TRACK).to_bytes(),
            &context.to_bytes(),
            b"ownership",
        ]
        .concat();
        let sealed = seal(&json!({
            "public_key": key["public_key"].as_str().unwrap().trim_start_matches("0x"),
            "info": hex::encode(key["info"].as_str().unwrap()),
            "aad": hex::encode(associated),
            "plaintext": hex::encode(private.to_string()),
        }));
        let field = |name: &str| format!("0x{}", sealed[name].as_str().unwrap());
        json!({
            "pid": self.mint.to_string(), "pattern": "membership",
            "registry": address("registry").to_string(), "scope": scope, "context": context,
            "private": {
                "key_id": key["key_id"], "encapsulated_key": field("encapsulated_key"),
                "ciphertext": field("ciphertext"),
            },
        })
    }
}

fn start(chain: &Chain, of_api: &NewApiKey, cache: &TempDir, runs_jobs: bool) -> Service {
    let url = chain.database.url().unwrap();
    let service = Service::start("prover-service", 0, |port| {
        let mut command = prover_service(&url, &of_api.line);
        command
            .env("PORT", port.to_string())
            .env("CACHE_DIR", cache.path())
            .env("RUN_JOBS", runs_jobs.to_string());
        command
    });
    service.unwrap()
}

fn context(number: u64) -> Context {
    Context::new(FieldElement::from_u64(number))
}

fn key() -> NewApiKey {
    NewApiKey::random(&["prove"], u64::MAX, Quota::default())
}

/// Sends a request for a proof. Returns the status and the body.
async fn generate(
    service: &Running,
    key: &NewApiKey,
    headers: &[(&str, &str)],
    body: &Value,
) -> (u16, Value) {
    let mut request = service.request(Method::POST, "/v1/zkp/generate").json(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.bearer_auth(&*key.key).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Passes connections on to a service, and keeps everything that passes. Returns its URL.
async fn record(url: &str) -> (String, Arc<Mutex<Vec<u8>>>) {
    let (passed, target) = (
        Arc::<Mutex<Vec<u8>>>::default(),
        url.trim_start_matches("http://").to_owned(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    let kept = passed.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (from_client, to_client) = client.into_split();
            let (from_service, to_service) = TcpStream::connect(&target).await.unwrap().into_split();
            tokio::spawn(pass(from_client, to_service, kept.clone()));
            tokio::spawn(pass(from_service, to_client, kept.clone()));
        }
    });
    (own, passed)
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, kept: Arc<Mutex<Vec<u8>>>) {
    let mut bytes = [0; 4_096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        kept.lock().unwrap().extend_from_slice(&bytes[..count]);
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}

/// Returns whether a proof is valid.
async fn is_valid(service: &Running, made: &Value) -> bool {
    let proof = json!({"proof": made["proof"], "circuitId": made["vk_hash"], "public": made["public"]});
    let request = service.request(Method::POST, "/v1/zkp/verify").json(&proof);
    let verdict: Value = request.send().await.unwrap().json().await.unwrap();
    verdict["valid"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_a_valid_proof_and_the_api_service_never_has_the_secret() {
    let (setup, of_client) = (Setup::new().await, key());
    let (url, passed) = record(setup.prover.url()).await;
    let service = setup.start_api(&of_client.line, &[("PROVER_URL", &url)]);
    let mut body = setup.request(&service, context(12)).await;
    // A slow machine would get a job.
    body["wait"] = true.into();
    let (status, made) = generate(&service, &of_client, &[], &body).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["public"]["context"], json!(context(12)));
    assert!(is_valid(&service, &made).await);
    // What the API service has received, sent and logged.
    let seen = |text: &str| {
        let passed = passed.lock().unwrap();
        let is_in = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        [body.to_string(), service.log(), made.to_string()]
            .iter()
            .any(|other| is_in(other.as_bytes()))
            || is_in(&passed)
    };
    assert!(seen(body["private"]["ciphertext"].as_str().unwrap()));
    assert!(!seen(&hex::encode(number_bytes(SECRET.into()))));
    assert!(!seen("attributes\":"));

    // With another recipient, what the client sealed can't be opened.
    body["context"] = json!(context(13));
    let (status, problem) = generate(&service, &of_client, &[], &body).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("private.ciphertext")),
        "{problem}"
    );
    // The prover service refuses the client's own key, which only the API service knows.
    let misconfigured = [("PROVER_API_KEY", of_client.key.as_str())];
    let misconfigured = setup.start_api(&of_client.line, &misconfigured);
    let (status, _) = generate(&misconfigured, &of_client, &[], &body).await;
    assert_eq!(status, 503);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a program of another workspace: cargo xtask drill ohttp"]
async fn the_client_of_another_implementation_gets_a_proof_made_and_verified() {
    let (setup, of_client) = (Setup::new().await, key());
    let service = setup.start_api(&of_client.line, &[crate::ohttp::KEY]);
    let relay = crate::ohttp::Relay::start(&service, None).await;
    let client = crate::ohttp::OtherClient::of(&relay);
    let mut body = setup.request(&service, context(12)).await;
    body["wait"] = true.into();
    let (status, problem) = client.post("/v1/zkp/generate", None, &body).await;
    assert_eq!((status, &problem["code"]), (401, &json!("missing_api_key")));
    let key = Some(of_client.key.as_str());
    let (status, made) = client.post("/v1/zkp/generate", key, &body).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["public"]["context"], json!(context(12)));
    let mut proof = json!({"proof": made["proof"], "circuitId": made["vk_hash"], "public": made["public"]});
    let (status, verdict) = client.post("/v1/zkp/verify", None, &proof).await;
    assert_eq!((status, &verdict["valid"]), (200, &json!(true)), "{verdict}");
    proof["public"]["context"] = json!(context(13));
    let (_, verdict) = client.post("/v1/zkp/verify", None, &proof).await;
    assert_eq!(verdict["valid"], false, "{verdict}");
    assert!(is_valid(&service, &made).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_can_be_a_job_that_only_its_client_reads_until_it_is_deleted() {
    let (setup, ann, ben) = (Setup::new().await, key(), key());
    let keys = format!("{},{}", ann.line, ben.line);
    // Without time for a proof, each request becomes a job.
    let service = setup.start_api(&keys, &[("PROOF_WAIT_MS", "0")]);
    let mut body = setup.request(&service, context(12)).await;
    let (status, by_itself) = generate(&service, &ann, &[], &body).await;
    assert_eq!(
        (status, &by_itself["state"]),
        (202, &json!("queued")),
        "{by_itself}"
    );

    body["wait"] = false.into();
    let once = [("idempotency-key", "1")];
    let (status, accepted) = generate(&service, &ann, &once, &body).await;
    assert_eq!(status, 202, "{accepted}");
    assert_eq!(generate(&service, &ann, &once, &body).await.1, accepted);
    let (status, of_ben) = generate(&service, &ben, &once, &body).await;
    assert_eq!(status, 202, "{of_ben}");
    assert_ne!(of_ben["id"], accepted["id"]);
    let mut other = setup.request(&service, context(13)).await;
    other["wait"] = false.into();
    let (status, problem) = generate(&service, &ann, &once, &other).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("idempotency_key_reused")),
        "{problem}"
    );

    let path = format!("/v1/zkp/jobs/{}", accepted["id"].as_str().unwrap());
    let read = async |key: &NewApiKey| {
        let request = service.request(Method::GET, &path).bearer_auth(&*key.key);
        let response = request.send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let assert_unknown = async |key: &NewApiKey| {
        let (status, problem) = read(key).await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("unknown_job")),
            "{problem}"
        );
    };
    let (status, job) = read(&ann).await;
    assert_eq!((status, &job["state"]), (200, &json!("queued")), "{job}");
    assert_unknown(&ben).await;
    assert_eq!(service.get(&path).await.0, 401);
    let (status, problem) = {
        let request = service.request(Method::GET, "/v1/zkp/jobs/0a");
        let response = request.bearer_auth(&*ann.key).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    assert_eq!((status, &problem["field"]), (400, &json!("job")), "{problem}");

    let _worker = setup.start_worker();
    let ended = async {
        loop {
            let (_, job) = read(&ann).await;
            if job["state"] != "queued" && job["state"] != "running" {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let job = tokio::time::timeout(Duration::from_mins(2), ended).await.unwrap();
    assert_eq!(job["state"], "succeeded", "{job}");
    // No cache has the response of another client.
    assert_unknown(&ben).await;
    assert_eq!(job["result"]["public"]["context"], json!(context(12)));
    assert!(is_valid(&service, &job["result"]).await);
    sqlx::query("DELETE FROM jobs")
        .execute(setup.chain.database.pool())
        .await
        .unwrap();
    assert_unknown(&ann).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_measures_the_proving_time_if_the_key_of_the_service_may() {
    let setup = Setup::with_permissions(&["prove", "admin"]).await;
    let url = setup.chain.database.url().unwrap();
    let keys = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let service = setup.start_api(&keys.line, &ACCOUNTS);
    let operator = Keypair::new();
    grant(&url, &operator, "operator");
    let token = log_in(&service, &operator).await["access_token"].clone();
    let measure = async |service: &Running, body: Value| {
        let request = service.request(Method::POST, "/v1/operator/profile");
        send(request.bearer_auth(token.as_str().unwrap()), &body).await
    };
    let (status, profile) = measure(&service, json!({"network_sizes": [3, 5], "iterations": 1})).await;
    assert_eq!(status, 200, "{profile}");
    let cases = profile["cases"].as_array().unwrap();
    let sizes: Vec<_> = cases
        .iter()
        .map(|case| case["network_size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [3, 5]);
    for case in cases {
        let time = |field: &str| case[field].as_f64().unwrap();
        // One proof has one time.
        assert!(
            time("p50_ms") > 0.0 && (time("max_ms") - time("min_ms")).abs() < f64::EPSILON,
            "{case}"
        );
    }
    assert_eq!(profile["iterations"], 1);
    let (status, problem) = measure(&service, json!({"iterations": 1_000_000})).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("iterations")),
        "{problem}"
    );

    // A key without the permission measures nothing.
    let weak = setup.start_api(
        &keys.line,
        &[&ACCOUNTS[..], &[("PROVER_API_KEY", "bauta_x")]].concat(),
    );
    let (status, problem) = measure(&weak, json!({"iterations": 1})).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("not_measured")),
        "{problem}"
    );
}
