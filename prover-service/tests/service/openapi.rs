//! The description of the routes at `/openapi.json`: the page in docs/api is generated from it, and
//! the service behaves as it says.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::Command,
};

use bauta_store::testing::TestDatabase;
use serde_json::{Map, Value, json};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
    contract::contract,
    schemathesis, sealed,
};

/// If this variable is set, the tests write the files instead of comparing them.
const WRITE: &str = "BAUTA_WRITE_DOCS";

fn docs() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", "api"].iter().collect()
}

#[tokio::test]
async fn the_checked_in_page_and_description_match_the_service() {
    let service = Running::start(&[]);
    let (_, document) = service.get("/openapi.json").await;
    let json = format!("{document:#}\n");
    for (name, text) in [
        ("prover-service.openapi.json", json),
        ("prover-service.md", page(&document)),
    ] {
        let file = docs().join(name);
        if env::var_os(WRITE).is_some() {
            fs::write(file, text).unwrap();
            continue;
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == text,
            "docs/api/{name} is out of date; generate it with\n\
             {WRITE}=1 cargo test --workspace --test service openapi::the_checked_in_page"
        );
    }
}

/// Returns the request examples by route and name. No real member has their secrets.
fn request_examples(answer: &Value, sealed: &Value) -> Value {
    let mut job = request(3);
    job["wait"] = false.into();
    let elements = ["root", "nullifier", "scope", "claim", "context"].map(|name| &answer["public"][name]);
    json!({
        "POST /prove": {"ownership": request(3), "contract": contract(3), "job": job, "sealed": sealed},
        "POST /prove/batch": {"two": {"requests": [request(3), request(4)]}},
        "POST /verify": {"public": {
            "proof": answer["proof"]["proof"],
            "circuitId": answer["proof"]["metadata"]["circuit_id"],
            "public": answer["public"],
        }, "document": {"proof": answer["proof"]}, "list": {
            "proof": answer["proof"]["proof"],
            "circuitId": answer["proof"]["metadata"]["circuit_id"],
            "expected_output": elements,
        }},
        "POST /tickets": {"job": {"id": "01890000-0000-7000-8000-000000000000", "origin": "https://app.example.org"}},
        "POST /api/profiling/comprehensive": {"short": {
            "circuitTypes": ["default"], "networkSizes": [10], "iterations": 1, "warmupIterations": 0,
        }},
        "POST /api/workers/register": {
            "worker": {"id": "worker-1", "url": "http://worker-1:3001", "maxConcurrency": 4},
        },
    })
}

/// Sends a request of a route and returns the status and the response.
async fn exchange(service: &Running, route: &str, job: &str, body: Option<&Value>) -> (u16, Value) {
    let (method, path) = route.split_once(' ').unwrap();
    let path = path.replace("{id}", job);
    let mut request = service.request(method.parse().unwrap(), &path);
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Returns the names of all fields of a value, with their paths.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.insert(format!("{path}/{name}"));
                fields(value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| fields(value, path, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_request_example_succeeds_and_every_response_example_has_the_fields_of_a_response() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes/examples.json");
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove,admin");
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &line)]));
    service.identify(&key);
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let is_written = env::var_os(WRITE).is_some();
    let requests = if is_written {
        let (status, answer) = service.post("/prove", &request(3)).await;
        assert_eq!(status, 200, "{answer}");
        request_examples(&answer, &sealed::example(&service).await)
    } else {
        let examples: Value = serde_json::from_str(&fs::read_to_string(FILE).unwrap()).unwrap();
        let requests = object(&examples)
            .iter()
            .map(|(route, examples)| (route.clone(), examples["requests"].clone()));
        let requests: Map<String, Value> = requests.filter(|(_, requests)| requests.is_object()).collect();
        assert_eq!(requests["POST /prove"]["ownership"], request(3));
        Value::Object(requests)
    };
    let mut responses: BTreeMap<(String, String), Value> = BTreeMap::new();
    for (route, examples) in object(&requests) {
        for (name, body) in object(examples) {
            let (status, response) = exchange(&service, route, &job, Some(body)).await;
            assert!(
                (200..300).contains(&status),
                "{route} {name}: {status} {response}"
            );
            let key = (route.clone(), status.to_string());
            if name == "ownership" {
                responses.insert(key, response);
            } else {
                responses.entry(key).or_insert(response);
            }
        }
    }
    for route in [
        "GET /health",
        "GET /circuits",
        "GET /models",
        "GET /sealing-key",
        "GET /jobs",
        "GET /jobs/{id}",
        "GET /api/queue/stats",
        "GET /api/queue/failed",
        "GET /api/metrics/snapshot",
        "GET /api/workers/stats",
    ] {
        let (status, response) = exchange(&service, route, &job, None).await;
        assert_eq!(status, 200, "{route}: {response}");
        responses.insert((route.to_owned(), status.to_string()), response);
    }
    if is_written {
        let mut examples = json!({});
        for (route, requests) in object(&requests) {
            examples[route]["requests"] = requests.clone();
        }
        for ((route, status), response) in responses {
            examples[&route]["responses"][&status] = response;
        }
        fs::write(FILE, format!("{examples:#}\n")).unwrap();
        return;
    }
    let (_, document) = service.get("/openapi.json").await;
    for ((route, status), response) in responses {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        let example = &operation["responses"][&status]["content"]["application/json"]["example"];
        let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
        fields(example, "", &mut expected);
        fields(&response, "", &mut found);
        assert_eq!(expected, found, "{route} {status}");
    }
}

/// Validates with a program that other tools use as well.
#[tokio::test]
async fn the_description_is_valid_openapi_and_complete() {
    let python = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let validator = python.with_file_name("openapi-spec-validator");
    let output = Command::new(validator)
        .arg(docs().join("prover-service.openapi.json"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let document = fs::read_to_string(docs().join("prover-service.openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let mut ids = BTreeSet::new();
    for (path, methods) in object(&document["paths"]) {
        for (method, operation) in object(methods) {
            let id = string(&operation["operationId"]);
            assert!(!id.is_empty() && ids.insert(id), "{id} is not unique");
            for text in ["summary", "description"] {
                assert!(
                    string(&operation[text]).ends_with('.'),
                    "{method} {path} has no {text}"
                );
            }
            for (status, response) in object(&operation["responses"]) {
                let text = string(&response["description"]);
                assert!(!text.is_empty(), "{method} {path} {status} has no description");
            }
            let body = &operation["requestBody"]["content"]["application/json"];
            assert!(
                body.is_null() || operation["responses"]["408"].is_object(),
                "{method} {path} doesn't describe 408"
            );
            assert!(
                body.is_null() || body["examples"].is_object(),
                "the body of {method} {path} has no example"
            );
        }
    }
    let forms = document["components"]["schemas"]["ProveRequest"]["oneOf"]
        .as_array()
        .unwrap();
    assert_eq!(forms.len(), 4);
    let schemas = &document["components"]["schemas"];
    let pattern = |digits: usize| json!(format!("^0x[0-9a-fA-F]{{{digits}}}$"));
    let string_of = |name: &str| {
        let forms = schemas[name]["oneOf"].as_array().unwrap().iter();
        forms.clone().find(|form| form["type"] == "string").unwrap()["pattern"].clone()
    };
    assert_eq!(string_of("GivenProof"), pattern(512));
    assert_eq!(string_of("ExpectedOutput"), pattern(320));
    let forms = schemas["ExpectedOutput"]["oneOf"].as_array().unwrap();
    let list = forms.iter().find(|form| form["type"] == "array").unwrap();
    assert_eq!(
        (&list["items"]["pattern"], &list["minItems"], &list["maxItems"]),
        (&pattern(64), &json!(5), &json!(5))
    );
    let fields = &schemas["OwnershipRequest"]["properties"];
    assert_eq!(
        (
            &fields["priority"]["minimum"],
            &fields["priority"]["maximum"],
            &fields["tag"]["maxLength"]
        ),
        (&json!(1), &json!(10), &json!(128))
    );
}

/// Generates a client from the description with openapi-typescript, and compiles a program that
/// uses it.
#[tokio::test]
async fn a_generated_typescript_client_compiles() {
    let source: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "tests", "openapi-client"]
        .iter()
        .collect();
    let folder = bauta_dev_servers::cache().unwrap().join("openapi-client");
    fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "tsconfig.json", "client.ts"] {
        fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    let description = docs().join("prover-service.openapi.json");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{program} {arguments:?}:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    run("npm", &["ci", "--no-audit", "--no-fund"]);
    let description = description.to_str().unwrap();
    run(
        "npx",
        &[
            "openapi-typescript",
            description,
            "--output",
            "generated/prover-service.d.ts",
        ],
    );
    run("npx", &["tsc", "--noEmit"]);
}

/// Sends a request to every described route and checks that the status is described. Returns the
/// statuses of routes that require an API key, and of routes that don't.
async fn request_all(service: &Running, document: &Value) -> [BTreeSet<u16>; 2] {
    let mut statuses = [BTreeSet::new(), BTreeSet::new()];
    for (path, methods) in object(&document["paths"]) {
        let path_with_id = path.replace("{id}", "01890000-0000-7000-8000-000000000000");
        for (method, operation) in object(methods) {
            let status = service
                .status(method.to_uppercase().parse().unwrap(), &path_with_id)
                .await;
            let described = &operation["responses"][status.to_string()];
            assert!(described.is_object(), "{method} {path} answers {status}");
            statuses[usize::from(operation["security"].is_null())].insert(status);
        }
    }
    statuses
}

#[tokio::test]
async fn every_described_route_exists_and_every_status_is_described() {
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("admin"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let service = Running::start(&[]);
    let (_, document) = service.get("/openapi.json").await;
    assert!(object(&document["paths"]).len() >= 12, "{document}");
    let [guarded, open] = request_all(&service, &document).await;
    // The list of jobs and tickets require a key in any case.
    assert_eq!((guarded, open), ([200, 400, 401, 501].into(), [200, 400].into()));
    let mut service = Running::start(&[("API_KEYS", &lines), ("ALLOW_ANONYMOUS", "")]);
    // Without a key, with a key for proofs, and with a key for operators.
    let [guarded, open] = request_all(&service, &document).await;
    assert_eq!((guarded, open), ([401].into(), [200, 400].into()));
    for key in [alice, bob] {
        service.identify(&key);
        assert!(request_all(&service, &document).await[0].contains(&403));
    }
    let service = Running::start(&[("ANONYMOUS_REQUESTS_PER_MINUTE", "1"), ("API_KEYS", "")]);
    assert_eq!(service.get("/circuits").await.0, 200);
    // /health has no limit.
    let [guarded, open] = request_all(&service, &document).await;
    assert_eq!((guarded, open), ([429].into(), [200, 429].into()));
}

/// Schemathesis generates valid, unusual and invalid requests from the description, and compares
/// every response with it.
#[tokio::test]
async fn every_response_to_thousands_of_generated_requests_is_as_described() {
    let schemathesis = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (key, line) = api_key("prove,admin");
    let mut service = Running::start(&with_jobs(&url, &[("RUST_LOG", "info"), ("API_KEYS", &line)]));
    service.identify(&key);
    let folder = tempfile::tempdir().unwrap();
    // An existing job. A generated id would not match one.
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    // The requests of a batch have the schema of `/prove`. Its combinations are covered there, and
    // take minutes at each position of a list.
    let settings = format!(
        "[parameters]\n\"path.id\" = \"{job}\"\n\
         [[operations]]\ninclude-path = \"/prove/batch\"\nphases.coverage.enabled = false\n"
    );
    fs::write(folder.path().join("schemathesis.toml"), settings).unwrap();
    let output = tokio::task::spawn_blocking({
        let (address, folder) = (service.address, folder.path().to_owned());
        move || {
            Command::new(schemathesis)
                .current_dir(folder)
                .args(["run", &format!("http://{address}/openapi.json")])
                .args(["--header", &format!("Authorization: Bearer {key}")])
                .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "25"])
                // A request with correct types is usually refused, because its path doesn't lead to
                // its root. So valid data isn't always accepted.
                .args(["--exclude-checks", "positive_data_acceptance"])
                // The contract requires status 501 for every request, which Schemathesis reports as
                // a failure.
                .args(["--exclude-path", "/api/proof/generate"])
                // The stream of an unknown request stays open for a minute.
                .args(["--exclude-path", "/requests/{id}/events"])
                .args(["--max-response-time", "10", "--request-timeout", "30"])
                // The `ast` module of Python 3.11 is not safe with threads, so there is one worker.
                .args(["--workers", "1", "--seed", "1", "--continue-on-failure"])
                .output()
                .unwrap()
        }
    })
    .await
    .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    println!("{report}");
    let log = service.log();
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

/// Generates the page: the routes by tag, then the schemas.
fn page(document: &Value) -> String {
    let mut page = String::from(
        "# Routes of the prover service\n\n\
         This page is generated from the code. The service serves the same description as OpenAPI at\n\
         `/openapi.json`, and [prover-service.openapi.json](prover-service.openapi.json) is a copy of it.\n\
         [prover-service.md](../prover-service.md) explains the routes, and [service.md](../service.md) the\n\
         parts that all services have. A field element is a string: `0x` and 64 hexadecimal digits.\n",
    );
    for (tag, title) in [
        ("proofs", "Proofs"),
        ("jobs", "Jobs"),
        ("operations", "Operations"),
    ] {
        write!(page, "\n## {title}\n").unwrap();
        for (path, item) in object(&document["paths"]) {
            for (method, operation) in object(item) {
                if operation["tags"][0] == tag {
                    page += &route(&method.to_uppercase(), path, operation);
                }
            }
        }
    }
    page += "\n## Schemas\n";
    for (name, schema) in object(&document["components"]["schemas"]) {
        page += &self::schema(name, schema);
    }
    page
}

fn route(method: &str, path: &str, operation: &Value) -> String {
    let mut text = format!("\n### {method} {path}\n\n");
    for prose in [&operation["summary"], &operation["description"]] {
        if let Some(prose) = prose.as_str() {
            writeln!(text, "{prose}\n").unwrap();
        }
    }
    let required = operation["security"].as_array().map_or(&[][..], Vec::as_slice);
    for permission in required
        .iter()
        .filter_map(|required| required["api_key"][0].as_str())
    {
        writeln!(
            text,
            "The route requires an API key with the permission `{permission}`{}.\n",
            if required.len() > 1 {
                ", unless `ALLOW_ANONYMOUS` is true"
            } else {
                ""
            }
        )
        .unwrap();
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, location) = (string(&parameter["name"]), string(&parameter["in"]));
        writeln!(
            text,
            "`{name}` ({location}): {}\n",
            string(&parameter["description"])
        )
        .unwrap();
    }
    let content = &operation["requestBody"]["content"]["application/json"];
    if content.is_object() {
        writeln!(text, "Body: {}\n", kind(&content["schema"])).unwrap();
    }
    for (name, example) in content["examples"].as_object().into_iter().flatten() {
        writeln!(
            text,
            "Example `{name}`:\n\n```json\n{:#}\n```\n",
            example["value"]
        )
        .unwrap();
    }
    text += "| status | meaning | body |\n|---|---|---|\n";
    for (status, response) in object(&operation["responses"]) {
        let bodies: Vec<String> = response["content"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(media, content)| match media.as_str() {
                "application/json" | "application/problem+json" => kind(&content["schema"]),
                other => format!("`{other}`"),
            })
            .collect();
        let description = string(&response["description"]);
        writeln!(text, "| {status} | {description} | {} |", bodies.join(", ")).unwrap();
    }
    text
}

fn schema(name: &str, schema: &Value) -> String {
    let mut text = format!("\n### {name}\n\n");
    if let Some(description) = schema["description"].as_str() {
        writeln!(text, "{description}\n").unwrap();
    }
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(string)
        .collect();
    if let Some(properties) = schema["properties"].as_object() {
        text += "| field | type | meaning |\n|---|---|---|\n";
        for (field, property) in properties {
            let optional = if required.contains(&field.as_str()) {
                ""
            } else {
                ", optional"
            };
            let description = property["description"].as_str().unwrap_or_default();
            let description = description.replace('\n', " ").replace('|', "\\|");
            writeln!(
                text,
                "| `{field}` | {}{optional} | {description} |",
                kind(property)
            )
            .unwrap();
        }
    } else {
        writeln!(text, "{}", kind(schema)).unwrap();
    }
    text
}

/// Describes a type.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(kinds) = schema[choice].as_array() {
            let kinds = kinds.iter().filter(|kind| kind["type"] != "null");
            return kinds.map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    let named = match &schema["type"] {
        Value::Array(types) => types
            .iter()
            .map(string)
            .find(|name| *name != "null")
            .unwrap_or("anything"),
        Value::String(name) => name,
        _ => "anything",
    };
    if named == "array" {
        return format!("array of {}", kind(&schema["items"]));
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| format!("`{}`", string(value)));
        return values.collect::<Vec<_>>().join(" or ");
    }
    named.to_owned()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
