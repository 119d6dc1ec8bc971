//! The description of the routes: the checked-in page is made from it, and the service does what it says.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf, process::Command};

use bauta_store::testing::TestDatabase;
use serde_json::{Map, Value};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
    schemathesis,
};

/// Set to write the page instead of comparing it.
const WRITE: &str = "BAUTA_WRITE_DOCS";

fn docs() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", "api"].iter().collect()
}

#[tokio::test]
async fn the_checked_in_page_and_description_are_what_the_service_serves() {
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
            "docs/api/{name} isn't what the code gives; write it anew with\n\
             {WRITE}=1 cargo test --workspace --test service openapi::the_checked_in_page"
        );
    }
}

#[tokio::test]
async fn the_example_gives_a_proof() {
    let service = Running::start(&[]);
    let (_, document) = service.get("/openapi.json").await;
    let example =
        &document["paths"]["/prove"]["post"]["requestBody"]["content"]["application/json"]["example"];
    // A member of the tests' registry, whose secret is nobody's.
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

/// Asks every described route for something that there isn't; each answer must be described. Which statuses there were, of routes that
/// need a key, and of those that don't.
async fn ask_all(service: &Running, document: &Value) -> [BTreeSet<u16>; 2] {
    let mut statuses = [BTreeSet::new(), BTreeSet::new()];
    for (path, methods) in object(&document["paths"]) {
        let asked = path.replace("{id}", "01890000-0000-7000-8000-000000000000");
        for (method, operation) in object(methods) {
            let status = service
                .status(method.to_uppercase().parse().unwrap(), &asked)
                .await;
            let described = &operation["responses"][status.to_string()];
            assert!(described.is_object(), "{method} {path} answers {status}");
            statuses[usize::from(operation["security"].is_null())].insert(status);
        }
    }
    statuses
}

#[tokio::test]
async fn every_described_route_is_there_and_every_refusal_is_described() {
    let ((alice, alices), (bob, bobs)) = (api_key("prove"), api_key("admin"));
    let lines = format!("{alices},{bobs}");
    let service = Running::start(&[]);
    let (_, document) = service.get("/openapi.json").await;
    assert!(object(&document["paths"]).len() >= 12, "{document}");
    let [guarded, open] = ask_all(&service, &document).await;
    assert_eq!((guarded, open), ([200, 400, 501].into(), [200, 400].into()));
    let mut service = Running::start(&[("API_KEYS", &lines)]);
    // A stranger, a key for proofs, and one for operators.
    let [guarded, open] = ask_all(&service, &document).await;
    assert_eq!((guarded, open), ([401].into(), [200, 400].into()));
    for key in [alice, bob] {
        service.identify(&key);
        assert!(ask_all(&service, &document).await[0].contains(&403));
    }
    let service = Running::start(&[("REQUESTS_PER_MINUTE", "1")]);
    assert_eq!(service.get("/circuits").await.0, 200);
    // But for /health, which is 200.
    let [guarded, open] = ask_all(&service, &document).await;
    assert_eq!((guarded, open), ([429].into(), [200, 429].into()));
}

/// Schemathesis makes good, odd and bad requests from the description, and compares every answer with it.
#[tokio::test]
async fn every_answer_to_thousands_of_made_up_requests_is_as_described() {
    let schemathesis = tokio::task::spawn_blocking(schemathesis::install).await.unwrap();
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUST_LOG", "info")]));
    let folder = tempfile::tempdir().unwrap();
    // A job that there is; no made-up id would meet one.
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
                // Which texts are a good path is for mathematics to say: a request of the right types is refused more often than not.
                .args(["--exclude-checks", "positive_data_acceptance"])
                // 501 by contract, whatever is sent; to schemathesis that is a fault.
                .args(["--exclude-path", "/api/proof/generate"])
                // Of a made-up request nothing comes for a minute.
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

/// The page: routes by tag, then the schemas that they name.
fn page(document: &Value) -> String {
    let mut page = String::from(
        "# Routes of the prover service\n\nMade from the code: the service serves it as OpenAPI at `/openapi.json`, and \
         [prover-service.openapi.json](prover-service.openapi.json) is a copy. What it all means is in \
         [prover-service.md](../prover-service.md), what every service has in [service.md](../service.md). Field elements are texts: \
         `0x` and 64 hexadecimal digits.\n",
    );
    for tag in ["proofs", "jobs", "operations"] {
        write!(page, "\n## Of {tag}\n").unwrap();
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
    // The summary begins with the route itself.
    let said = [&operation["summary"], &operation["description"]];
    let said: Vec<&str> = said.into_iter().filter_map(Value::as_str).collect();
    let said = said.join("\n\n").replace(&format!("`{method} {path}`"), "");
    let said = said.trim_start_matches(':').trim();
    if !said.is_empty() {
        let mut letters = said.chars();
        let first = letters.next().unwrap().to_uppercase();
        writeln!(text, "{first}{}\n", letters.as_str()).unwrap();
    }
    let needed = operation["security"].as_array().into_iter().flatten();
    for scope in needed.filter_map(|needed| needed["api_key"][0].as_str()) {
        writeln!(text, "Where there are API keys: one with the scope `{scope}`.\n").unwrap();
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (string(&parameter["name"]), string(&parameter["in"]));
        writeln!(
            text,
            "`{name}` ({place}): {}\n",
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
    text += "| status | what | body |\n|---|---|---|\n";
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
        let described = string(&response["description"]);
        writeln!(text, "| {status} | {described} | {} |", bodies.join(", ")).unwrap();
    }
    text
}

fn schema(name: &str, schema: &Value) -> String {
    let mut text = format!("\n### {name}\n\n");
    if let Some(described) = schema["description"].as_str() {
        writeln!(text, "{described}\n").unwrap();
    }
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(string)
        .collect();
    if let Some(properties) = schema["properties"].as_object() {
        text += "| field | type | |\n|---|---|---|\n";
        for (field, property) in properties {
            let optional = if required.contains(&field.as_str()) {
                ""
            } else {
                ", may be left out"
            };
            let described = property["description"].as_str().unwrap_or_default();
            let described = described.replace('\n', " ").replace('|', "\\|");
            writeln!(text, "| `{field}` | {}{optional} | {described} |", kind(property)).unwrap();
        }
    } else {
        writeln!(text, "{}", kind(schema)).unwrap();
    }
    text
}

/// A type in words.
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
