//! The description of the routes at `/openapi.json`.

use bauta_wire::api::{Every, RevertedDocument};
use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{feature_flags::SWITCHED, layers::UNLIMITED_PATH, problems::ProblemDocument};

/// The description of the service, without its routes. `routes::all` adds them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bauta API",
        description = "What dApps read: registries, trees, scopes, verifications and analytics; and relayed verifications. `x-discloses` of each route says what a request shows to the service: see docs/api-service.md."
    ),
    // utoipa doesn't collect the types of query parameters, and of a stream only one event.
    components(schemas(ProblemDocument, Every, RevertedDocument))
)]
pub struct Document;

/// The routes whose responses have no end.
const STREAMS: [&str; 2] = ["/v1/events", "/v1/ws"];
/// The patterns of parameters and of the elements of bodies, by name.
const PATTERNS: [(&[&str], &str); 15] = [
    (
        &[
            "registry",
            "scope",
            "owner",
            "asset",
            "recipient",
            "relayer",
            "lookup_table",
            "merkle_tree",
            "delegate",
            "core_collection",
            "data_hash",
            "creator_hash",
            "asset_data_hash",
            "program",
            "address",
            "wallet",
        ],
        "^[1-9A-HJ-NP-Za-km-z]{32,44}$",
    ),
    (
        &[
            "root",
            "hash",
            "vk_hash",
            "nullifier",
            "hashes",
            "claim",
            "auxiliary_root",
            "commitment",
            "context",
            "encapsulated_key",
        ],
        "^0x[0-9a-fA-F]{64}$",
    ),
    (&["sha256"], "^[0-9a-f]{64}$"),
    (&["key"], "^[0-9a-f]{8}$"),
    (&["prefix"], "^[0-9a-fA-F]{0,8}/(3[0-2]|[12]?[0-9])$"),
    (&["cursor"], "^[A-Za-z0-9_-]{1,128}$"),
    (&["relay"], "^[0-9a-fA-F]{32}$"),
    (&["webhook"], "^[0-9a-fA-F]{32}$"),
    (&["job"], "^[0-9a-fA-F]{64}$"),
    (&["ciphertext"], "^0x([0-9a-fA-F]{2})+$"),
    (&["proof"], "^0x[0-9a-fA-F]{512}$"),
    (&["metadata"], "^0x([0-9a-fA-F]{2})*$"),
    (&["payload"], "^0x([0-9a-fA-F]{2}){0,240}$"),
    (&["data"], "^0x([0-9a-fA-F]{2}){0,1000}$"),
    (&["signed_transaction"], "^[A-Za-z0-9+/]{4,1644}={0,2}$"),
];

/// The names of unsigned 64-bit parameters.
const UNSIGNED: [&str; 3] = ["track", "id", "index"];

/// A response of a route (path, method and status).
type LinkedResponse = (&'static str, &'static str, &'static str);
/// A response, another route that it leads to, and the parameters of that route.
type Link = (
    LinkedResponse,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Where the values of a response are parameters.
const LINKS: [Link; 11] = [
    (
        ("/v1/circuits", "get", "200"),
        "verifying_key",
        &[("vk_hash", "$response.body#/data/0/vk_hash")],
    ),
    (
        ("/v1/registries", "get", "200"),
        "registry",
        &[("registry", "$response.body#/data/0/address")],
    ),
    (
        ("/v1/registries", "get", "200"),
        "roots",
        &[("registry", "$response.body#/data/0/address")],
    ),
    (
        ("/v1/registries/{registry}/roots", "get", "200"),
        "leaves",
        &[
            ("registry", "$request.path.registry"),
            ("root", "$response.body#/to_prove"),
        ],
    ),
    (
        ("/v1/registries/{registry}/roots", "get", "200"),
        "tile",
        &[("hash", "$response.body#/to_prove")],
    ),
    (
        ("/v1/scopes", "get", "200"),
        "scope",
        &[("scope", "$response.body#/data/0/address")],
    ),
    (
        ("/v1/scopes", "get", "200"),
        "nullifiers",
        &[("scope", "$response.body#/data/0/address")],
    ),
    (
        ("/v1/scopes/{scope}/nullifiers", "get", "200"),
        "nullifier",
        &[
            ("scope", "$request.path.scope"),
            ("nullifier", "$response.body#/data/0"),
        ],
    ),
    (
        ("/v1/zkp/generate", "post", "202"),
        "proof_job",
        &[("job", "$response.body#/id")],
    ),
    (
        ("/v1/relay", "post", "202"),
        "relayed",
        &[("relay", "$response.body#/id")],
    ),
    (
        ("/v1/relay", "post", "202"),
        "relay_events",
        &[("relay", "$response.body#/id")],
    ),
];

/// Adds the parts that many routes share: errors, the header of the slot that a request needs,
/// patterns and links.
pub fn complete(mut document: utoipa::openapi::OpenApi) -> Value {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key with the permission that the route requires."))
        .build();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The access token of a wallet with the role that the route requires.",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("wallet", SecurityScheme::Http(token));
    components.add_security_scheme("api_key", SecurityScheme::Http(key));
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_responses(path, operation);
        }
        let has_etag = path != UNLIMITED_PATH && !STREAMS.contains(&path.as_str());
        if let Some(operation) = item.get.as_mut().filter(|_| has_etag) {
            let unchanged = ResponseBuilder::new().description(describe("304")).build();
            let responses = &mut operation.responses.responses;
            responses.insert("304".to_owned(), RefOr::T(unchanged));
        }
    }
    let mut document = serde_json::to_value(document).expect("the document is JSON");
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            add_parameters(path, operation);
            if method == "post" && SWITCHED.contains(&path.as_str()) {
                add_rollout(operation);
            }
            describe_octets(operation);
            disclose_refusals(operation);
        }
    }
    for ((path, method, status), operation, parameters) in LINKS {
        let links = &mut document["paths"][path][method]["responses"][status]["links"];
        let parameters: Map<String, Value> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        links[operation] = json!({"operationId": operation, "parameters": parameters});
    }
    let hashes = &mut document["components"]["schemas"]["TileRequest"]["properties"]["hashes"];
    add_pattern("hashes", &mut hashes["items"]);
    let leaf = &mut document["components"]["schemas"]["CompressedBody"]["properties"];
    add_pattern("data_hash", &mut leaf["proof"]["items"]);
    for body in [
        "ChallengeBody",
        "CompressedBody",
        "ConsumerAccountBody",
        "ConsumerBody",
        "EligibilityRequest",
        "GenerateBody",
        "ProofInputs",
        "RegistrationBody",
        "RelayBody",
        "SealedPrivate",
        "TokenBody",
        "VerifyBody",
        "WebhookBody",
    ] {
        let properties = &mut document["components"]["schemas"][body]["properties"];
        for (name, schema) in properties.as_object_mut().into_iter().flatten() {
            // In proofs, it is the scope element.
            let is_element = name == "scope" && ["GenerateBody", "ProofInputs"].contains(&body);
            // The items of a list have the pattern.
            if schema["type"] != "array" {
                add_pattern(if is_element { "claim" } else { name }, schema);
            }
        }
    }
    document
}

fn add_parameters(path: &str, operation: &mut Value) {
    let is_read = path.starts_with("/v1/");
    if !is_read {
        return;
    }
    if !operation["parameters"].is_array() {
        operation["parameters"] = json!([]);
    }
    let parameters = operation["parameters"].as_array_mut().into_iter().flatten();
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        add_pattern(&name, &mut parameter["schema"]);
        describe_unsigned(&name, &mut parameter["schema"]);
    }
    let slot = json!({
        "name": "Bauta-Min-Slot",
        "in": "header",
        "required": false,
        "description": "The slot up to which the database must have followed the chain. Otherwise the response is 503 with the code behind.",
        "schema": {"type": "integer", "minimum": 0, "maximum": u64::MAX},
    });
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(slot);
    }
}

/// Adds what the audit log keeps of a refusal. A route that needs a role records the account of a
/// wallet without it.
fn disclose_refusals(operation: &mut Value) {
    let mut securities = operation["security"].as_array().into_iter().flatten();
    let needs_role = securities.any(|security| {
        let roles = security["wallet"].as_array();
        roles.is_some_and(|roles| !roles.is_empty())
    });
    let keeps = &mut operation["x-discloses"]["keeps"];
    if needs_role && let Some(text) = keeps.as_str() {
        *keeps = format!("{text}; of a refusal, account and time in the audit log for ever").into();
    }
}

/// Adds the header with the percentile of the client.
fn add_rollout(operation: &mut Value) {
    let percentile = json!({
        "name": "Bauta-Rollout",
        "in": "header",
        "required": false,
        "description": "The percentile of the client, while `rollout_percentage` of `GET /feature-flags` is below 100. Otherwise the response is 403 with the code not_in_rollout.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 99},
    });
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(percentile);
    }
}

/// Corrects the schema of unsigned 64-bit parameters. utoipa gives them the format of signed ones.
fn describe_unsigned(name: &str, schema: &mut Value) {
    if UNSIGNED.contains(&name)
        && let Some(schema) = schema.as_object_mut()
    {
        schema.remove("format");
        schema.insert("maximum".to_owned(), u64::MAX.into());
    }
}

/// Replaces the schema of bodies with bytes. utoipa describes them as lists of numbers.
fn describe_octets(operation: &mut Value) {
    let octets = json!({"type": "string", "contentMediaType": "application/octet-stream"});
    let describe = |body: &mut Value| {
        if let Some(content) = body.pointer_mut("/content/application~1octet-stream/schema") {
            *content = octets.clone();
        }
    };
    if let Some(body) = operation.get_mut("requestBody") {
        describe(body);
    }
    let responses = operation["responses"].as_object_mut();
    responses
        .into_iter()
        .flatten()
        .for_each(|(_, response)| describe(response));
}

fn add_pattern(name: &str, schema: &mut Value) {
    let pattern = PATTERNS.iter().find(|(names, _)| names.contains(&name));
    if let Some((_, pattern)) = pattern {
        // A route can describe another value of the same name.
        if schema["pattern"].is_null() {
            schema["pattern"] = (*pattern).into();
        }
    }
}

fn add_responses(path: &str, operation: &mut Operation) {
    let mut errors = vec!["500", "503", "504"];
    if path != UNLIMITED_PATH {
        errors.extend(["400", "429"]);
    }
    if operation.security.is_some() {
        errors.extend(["401", "403"]);
    }
    if path.starts_with("/v1/relay") || path.starts_with("/v1/zkp") {
        errors.push("403");
    }
    if operation.request_body.is_some() {
        errors.extend(["408", "413", "415"]);
    }
    for status in errors {
        let existing = operation.responses.responses.entry(status.to_owned());
        existing.or_insert_with(|| {
            let problem = Content::new(Some(Ref::from_schema_name("ProblemDocument")));
            let response = ResponseBuilder::new().description(describe(status));
            response.content("application/problem+json", problem).into()
        });
    }
    // A status has the same meaning on every route, and in docs/service.md and docs/api-service.md.
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            describe(status).clone_into(&mut response.description);
        }
    }
}

fn describe(status: &str) -> &'static str {
    match status {
        "200" => "Success",
        "304" => "The client has the content already (If-None-Match)",
        "400" => "A field breaks its rule; `field` and `rule` name it",
        "201" => "Created",
        "401" => {
            "The API key, the access token or the login is missing, unknown or expired; `code` says which"
        }
        "403" => "The API key or the wallet may not use the route; `code` says why",
        "404" => "Not found: it does not exist, or has not been indexed",
        "408" => "The body did not arrive in time",
        "202" => "Accepted",
        "409" => {
            "The root is no longer valid, the nullifier is used or being relayed, the sealing key was replaced, or a resume token is of another stream; `code` says which"
        }
        "410" => {
            "The events after the resume token are not in memory any more, or the database was restored to before it"
        }
        "413" => "The body is larger than the limit",
        "415" => "The body has another type",
        "416" => "The range begins after the last byte",
        "422" => "The request can't be carried out; `code` says why",
        "426" => "The route is a websocket, and the request is no upgrade",
        "429" => "A rate limit is exceeded, or the client has too many open streams; see Retry-After",
        "501" => "The statement isn't built yet",
        "500" => "Internal error; the log has the cause under the request id",
        "503" => {
            "Too many requests in progress or streams open, the database, the node or the prover service is unavailable, or the database has not reached \
             Bauta-Min-Slot; see Retry-After"
        }
        _ => "The request timed out",
    }
}
