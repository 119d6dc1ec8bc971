//! The description of the routes at `/openapi.json`.

use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use bauta_wire::prover::OUTPUT_ELEMENTS;

use super::{jobs::StateFilter, limits::UNLIMITED_PATH, profiling::Format};

/// The description of the service, without its routes. `routes::all` adds them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bauta prover service",
        description = "Makes proofs for members who delegate proving. The service sees their secrets: see docs/prover-service.md."
    ),
    servers(
        (url = "/v1", description = "The routes of this version"),
        (url = "/", description = "The same routes without a version, as in earlier systems"),
    ),
    // utoipa doesn't collect the types of query parameters.
    components(schemas(Format, StateFilter))
)]
pub struct Document;

/// Examples of requests and responses by route, `{"POST /prove": {"requests": {NAME: body},
/// "responses": {STATUS: body}}}`. A test sends every request. The secret is published here and
/// must not be used.
const EXAMPLES: &str = include_str!("examples.json");

/// Adds the parts that many routes share: the errors of every service (docs/service.md) and the
/// authorisation. Then adds what utoipa can't derive: the three forms of requests, patterns and
/// examples.
pub fn complete(mut document: utoipa::openapi::OpenApi) -> Value {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key with the permission that the route requires. Routes that also accept requests without a key do \
             so only if the operator allows it (ALLOW_ANONYMOUS).",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("api_key", SecurityScheme::Http(key));
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_errors(path, operation);
        }
    }
    let mut document = serde_json::to_value(document).expect("the document is JSON");
    split_request_forms(&mut document["components"]["schemas"]);
    add_patterns(&mut document["components"]["schemas"]);
    add_type_patterns(&mut document["components"]["schemas"]);
    add_examples(&mut document);
    document
}

/// A form of a request for a proof, as a part of the fields of `ProveRequest`.
struct RequestForm {
    name: &'static str,
    description: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

/// The forms of requests. A request has exactly one.
const FORMS: [RequestForm; 4] = [
    RequestForm {
        name: "OwnershipRequest",
        description: "A request for a proof. The statements `reputation` and `address` need a field of the same \
                      name in `private`.",
        required: &["statement", "public", "private"],
        optional: &[
            "version",
            "depth",
            "registry",
            "tag",
            "priority",
            "wait",
            "requestId",
        ],
    },
    RequestForm {
        name: "SealedRequest",
        description: "A request for a proof whose private inputs are sealed to this service.",
        required: &["statement", "public", "sealed"],
        optional: &[
            "version",
            "depth",
            "registry",
            "tag",
            "priority",
            "wait",
            "requestId",
        ],
    },
    RequestForm {
        name: "ContractRequest",
        description: "A request for a proof of ownership in the form of earlier systems.",
        required: &[
            "walletHash",
            "tokenId",
            "trackId",
            "merkleProof",
            "secret",
            "scope",
            "context",
        ],
        optional: &[
            "statement",
            "version",
            "depth",
            "tag",
            "priority",
            "wait",
            "requestId",
        ],
    },
    RequestForm {
        name: "ModelRequest",
        description: "A request for the statement `policy`, which isn't built yet.",
        required: &["model_id", "inputs"],
        optional: &["tag"],
    },
];

/// Replaces the schema of a request by one schema for each form. The parser accepts the fields of
/// all forms and then checks the form, so that its errors are precise.
fn split_request_forms(schemas: &mut Value) {
    let fields = schemas["ProveRequest"]["properties"].take();
    for form in &FORMS {
        let mut properties = Map::new();
        for name in form.required {
            properties.insert((*name).to_owned(), without_null(&fields[*name]));
        }
        for name in form.optional {
            properties.insert((*name).to_owned(), fields[*name].clone());
        }
        schemas[form.name] = json!({
            "type": "object",
            "description": form.description,
            "required": form.required,
            "properties": properties,
            "additionalProperties": false,
        });
    }
    let forms = FORMS
        .iter()
        .map(|form| json!({"$ref": format!("#/components/schemas/{}", form.name)}));
    schemas["ProveRequest"] = json!({
        "description": "A request for a proof, in one of four forms.",
        "oneOf": forms.collect::<Vec<_>>(),
    });
}

/// Returns the schema of a field that must be given.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(types) = schema["type"].as_array() {
        let types = types.iter().find(|kind| **kind != "null").cloned();
        schema["type"] = types.unwrap_or_default();
    }
    if let Some(kinds) = schema["oneOf"].as_array() {
        let kinds = kinds.iter().find(|kind| kind["type"] != "null").cloned();
        schema = kinds.unwrap_or_default();
    }
    schema
}

/// The numbers of hexadecimal digits of fields, by name.
const HEXADECIMAL: [(&[&str], usize); 3] = [
    (
        &[
            "root",
            "nullifier",
            "scope",
            "claim",
            "context",
            "secret",
            "entry_id",
            "attributes",
            "walletHash",
            "input_hash",
            "path",
            "model_hash",
            "output_hash",
            "proof_hash",
            "verifying_key_hash",
            "encapsulated_key",
            "public_key",
        ],
        64,
    ),
    (&["output"], 320),
    (&["proof"], 512),
];

/// The numbers of hexadecimal digits of types that are a string or something else, by name.
const HEXADECIMAL_TYPES: [(&str, usize); 2] = [("GivenProof", 512), ("ExpectedOutput", 320)];
/// The number of hexadecimal digits of an element of `expected_output`.
const ELEMENT_DIGITS: usize = 64;

/// Adds the pattern of each hexadecimal field.
fn add_patterns(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, property) in properties.into_iter().flatten() {
            let digits = HEXADECIMAL
                .iter()
                .find(|(names, _)| names.contains(&name.as_str()));
            if let Some((_, digits)) = digits {
                add_pattern(property, *digits);
            }
        }
    }
}

/// Adds the patterns of types that are a string, a list of strings or something else.
fn add_type_patterns(schemas: &mut Value) {
    for (name, digits) in HEXADECIMAL_TYPES {
        let forms = schemas[name]["oneOf"].as_array_mut();
        for form in forms.into_iter().flatten() {
            if form["type"] == "array" {
                add_pattern(form, ELEMENT_DIGITS);
                form["minItems"] = OUTPUT_ELEMENTS.into();
                form["maxItems"] = OUTPUT_ELEMENTS.into();
            } else {
                add_pattern(form, digits);
            }
        }
    }
}

/// Adds the pattern to a string, or to the strings of a list.
fn add_pattern(schema: &mut Value, digits: usize) {
    let is = |schema: &Value, kind: &str| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|other| other == kind),
        other => other == kind,
    };
    if is(schema, "string") {
        schema["pattern"] = format!("^0x[0-9a-fA-F]{{{digits}}}$").into();
    } else if is(schema, "array") {
        add_pattern(&mut schema["items"], digits);
    }
}

fn add_examples(document: &mut Value) {
    let examples: Value = serde_json::from_str(EXAMPLES).expect("a test writes the file");
    for (route, examples) in examples.as_object().into_iter().flatten() {
        let (method, path) = route.split_once(' ').expect("a method and a path");
        let operation = &mut document["paths"][path][method.to_lowercase()];
        let requests = examples["requests"].as_object().into_iter().flatten();
        for (name, body) in requests {
            operation["requestBody"]["content"]["application/json"]["examples"][name] =
                json!({"value": body});
        }
        for (status, body) in examples["responses"].as_object().into_iter().flatten() {
            operation["responses"][status]["content"]["application/json"]["example"] = body.clone();
        }
    }
}

fn add_errors(path: &str, operation: &mut Operation) {
    let mut errors = vec![
        (
            "500",
            "Internal error; the log has the cause under the request id",
        ),
        (
            "503",
            "Too many requests in progress, or the database is unavailable; see Retry-After",
        ),
        ("504", "The request timed out"),
    ];
    if path != UNLIMITED_PATH {
        errors.push((
            "429",
            "A rate limit or a queue limit is exceeded; see Retry-After",
        ));
    }
    if operation.security.is_some() {
        errors.extend([("401", describe("401")), ("403", describe("403"))]);
    }
    if operation.request_body.is_some() {
        errors.extend([
            ("400", "A field breaks its rule"),
            ("408", "The body didn't arrive within the timeout"),
            ("413", "The body is larger than the limit"),
            ("415", "The body isn't application/json"),
        ]);
    }
    if operation.parameters.is_some() {
        errors.push(("400", "A parameter breaks its rule"));
    }
    for (status, description) in errors {
        let existing = operation.responses.responses.entry(status.to_owned());
        existing.or_insert_with(|| {
            let problem = Content::new(Some(Ref::from_schema_name("ProblemDocument")));
            let response = ResponseBuilder::new().description(description);
            response.content("application/problem+json", problem).into()
        });
    }
    // A status has the same meaning on every route, and in docs/service.md and
    // docs/prover-service.md.
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
        "202" => "The request became a job",
        "400" => "A field breaks its rule; `field` and `rule` name it",
        "401" => "The API key is missing, unknown or expired",
        "403" => "The API key doesn't have the permission",
        "404" => "Not found, or owned by another API key",
        "409" => "The job has already ended, has no proof, or is not ready; or the sealing key was replaced",
        "422" => "The idempotency key was used for another request",
        "426" => "The route is a websocket",
        "501" => "The statement isn't built yet, or the service has no database",
        // A test finds responses without a description.
        _ => "",
    }
}
