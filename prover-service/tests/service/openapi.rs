//! The description of the routes at `/openapi.json`: the page in docs/api is generated from it, and
//! the service behaves as it says.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf, process::Command};

use bauta_store::testing::TestDatabase;
use serde_json::{Map, Value};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
    schemathesis,
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

#[tokio::test]
async fn the_example_of_the_description_can_be_proved() {
    let service = Running::start(&[]);
    let (_, document) = service.get("/openapi.json").await;
    let example =
        &document["paths"]["/prove"]["post"]["requestBody"]["content"]["application/json"]["example"];
    // A member of the tests' registry. No real member has this secret.
    let member = request(3);
    if env::var_os(WRITE).is_some() {
        fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes/example.json"),
            format!("{member:#}\n"),
        )
        .unwrap();
        return;
    }
    assert_eq!(*example, member);
    let (status, answer) = service.post("/prove", example).await;
    assert_eq!(status, 200, "{answer}");
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
    assert_eq!((guarded, open), ([200, 400, 501].into(), [200, 400].into()));
    let mut service = Running::start(&[("API_KEYS", &lines)]);
    // Without a key, with a key for proofs, and with a key for operators.
    let [guarded, open] = request_all(&service, &document).await;
    assert_eq!((guarded, open), ([401].into(), [200, 400].into()));
    for key in [alice, bob] {
        service.identify(&key);
        assert!(request_all(&service, &document).await[0].contains(&403));
    }
    let service = Running::start(&[("REQUESTS_PER_MINUTE", "1")]);
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
    let service = Running::start(&with_jobs(&url, &[("RUST_LOG", "info")]));
    let folder = tempfile::tempdir().unwrap();
    // An existing job. A generated id would not match one.
    let job = service.enqueue(&request(3), None).await;
    service.result(&job).await;
    let settings = format!("[parameters]\n\"path.id\" = \"{job}\"\n");
    fs::write(folder.path().join("schemathesis.toml"), settings).unwrap();
    let output = tokio::task::spawn_blocking({
        let (address, folder) = (service.address, folder.path().to_owned());
        move || {
            Command::new(schemathesis)
                .current_dir(folder)
                .args(["run", &format!("http://{address}/openapi.json")])
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
                .args(["--workers", "2", "--seed", "1", "--continue-on-failure"])
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
    let required = operation["security"].as_array().into_iter().flatten();
    for permission in required.filter_map(|required| required["api_key"][0].as_str()) {
        writeln!(
            text,
            "If the service has API keys, the route requires the permission `{permission}`.\n"
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
    if content["example"].is_object() {
        writeln!(text, "```json\n{:#}\n```\n", content["example"]).unwrap();
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
