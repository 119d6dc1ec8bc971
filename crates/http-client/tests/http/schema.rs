//! The description of a service: samples of its responses, and checks of requests.

use std::{collections::BTreeSet, fs, path::PathBuf};

use regex::Regex;
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::server::Recorded;

/// The names of texts that are field elements, although the description has no pattern.
const ELEMENTS: [&str; 5] = ["root", "nullifier", "scope", "claim", "context"];
/// The headers of the client that a route must list to receive them.
const HEADERS: [&str; 4] = [
    "idempotency-key",
    "bauta-rollout",
    "bauta-min-slot",
    "last-event-id",
];

pub struct Description(Value);

impl Description {
    /// Reads a checked-in description.
    pub fn read(name: &str) -> Self {
        let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", "api", name]
            .iter()
            .collect();
        Self(serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
    }

    /// Returns the operation of a route, for example `GET /v1/scopes`.
    fn operation(&self, route: &str) -> &Value {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &self.0["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "the description has no {route}");
        operation
    }

    /// Returns a JSON response of a route with every field.
    pub fn sample(&self, route: &str, status: u16) -> Value {
        let response = &self.operation(route)["responses"][status.to_string()];
        let schema = &response["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{route} has no document with status {status}");
        self.sample_of("", schema)
    }

    /// Returns whether a route responds with content of a type.
    pub fn has_content(&self, route: &str, kind: &str) -> bool {
        self.operation(route)["responses"]["200"]["content"][kind].is_object()
    }

    /// Returns whether a route responds with a status.
    pub fn responds(&self, route: &str, status: u16) -> bool {
        self.operation(route)["responses"][status.to_string()].is_object()
    }

    /// Returns every route, for example `GET /v1/scopes`.
    pub fn routes(&self) -> BTreeSet<String> {
        let paths = self.0["paths"].as_object().unwrap();
        let of_path = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            let methods = methods.filter(|method| *method != "parameters");
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        of_path.collect()
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    fn sample_of(&self, name: &str, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let choice = choices.iter().find(|choice| choice["type"] != "null");
            return self.sample_of(name, choice.unwrap());
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let samples = parts.iter().map(|part| self.sample_of(name, part));
            let fields: Map<String, Value> = samples
                .flat_map(|sample| sample.as_object().cloned().unwrap_or_default())
                .collect();
            return fields.into();
        }
        if let Some(value) = schema["enum"].as_array() {
            return value[0].clone();
        }
        match kinds(schema)
            .iter()
            .find(|kind| *kind != "null")
            .map(String::as_str)
        {
            Some("string") if ELEMENTS.contains(&name) => format!("0x{}", "0".repeat(64)).into(),
            Some("string") => format!("a {name}").into(),
            Some("integer") => schema["minimum"].as_i64().unwrap_or(1).max(1).into(),
            Some("number") => json!(1.5),
            Some("boolean") => true.into(),
            Some("array") => {
                let number = schema["minItems"].as_u64().unwrap_or(3).max(1);
                (0..number)
                    .map(|_| self.sample_of(name, &schema["items"]))
                    .collect()
            }
            Some("object") => {
                let fields = schema["properties"].as_object().into_iter().flatten();
                let fields: Map<String, Value> = fields
                    .map(|(name, schema)| (name.clone(), self.sample_of(name, schema)))
                    .collect();
                fields.into()
            }
            other => panic!("{name}: no sample of the type {other:?}: {schema}"),
        }
    }

    /// Checks method, path, parameters, headers and body of a request.
    pub fn check(&self, route: &str, request: &Recorded) {
        let operation = self.operation(route);
        let (method, path) = route.split_once(' ').unwrap();
        assert_eq!(request.method.as_str(), method);
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let find = |place: &str, name: &str| {
            let found = parameters.iter().find(|parameter| {
                let named = parameter["name"].as_str().unwrap_or_default();
                parameter["in"] == place && named.eq_ignore_ascii_case(name)
            });
            found.unwrap_or_else(|| panic!("{route} has no parameter {name} in {place}"))
        };
        let (wanted, sent): (Vec<_>, Vec<_>) = (path.split('/').collect(), request.path.split('/').collect());
        assert_eq!(wanted.len(), sent.len(), "{route}: {}", request.path);
        for (wanted, sent) in wanted.iter().zip(sent) {
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => self.check_text(name, &find("path", name)["schema"], sent),
                None => assert_eq!(*wanted, sent, "{route}"),
            }
        }
        let url = Url::parse(&format!("http://service/?{}", request.query)).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (name, value) in &pairs {
            self.check_text(name, &find("query", name)["schema"], value);
        }
        for parameter in &parameters {
            if parameter["in"] == "query" && parameter["required"] == true {
                let name = &parameter["name"];
                assert!(pairs.iter().any(|(sent, _)| name == sent), "{route} needs {name}");
            }
        }
        for name in HEADERS {
            if let Some(value) = request.headers.get(name) {
                self.check_text(name, &find("header", name)["schema"], value.to_str().unwrap());
            }
        }
        let accepts_key = operation["security"].as_array().into_iter().flatten();
        let accepts_key = accepts_key.into_iter().any(|choice| {
            let kinds = ["api_key", "wallet"];
            kinds.iter().any(|kind| choice[kind].is_array())
        });
        if request.headers.contains_key("authorization") {
            assert!(accepts_key, "{route} accepts no key");
        } else {
            let is_open = operation["security"]
                .as_array()
                .is_none_or(|choices| choices.contains(&json!({})));
            assert!(is_open, "{route} needs a key");
        }
        let content = &operation["requestBody"]["content"];
        if request.body.is_empty() {
            assert!(content.is_null(), "{route} needs a body");
            return;
        }
        let kind = request.headers["content-type"].to_str().unwrap();
        assert!(content[kind].is_object(), "{route} accepts no {kind}");
        if kind == "application/json" {
            let body = serde_json::from_slice(&request.body).unwrap();
            let errors = self.errors("body", &content[kind]["schema"], &body);
            assert!(errors.is_empty(), "{route}: {errors:?}");
        }
    }

    /// Checks a parameter, which is a text in each URL and header.
    fn check_text(&self, name: &str, schema: &Value, text: &str) {
        let resolved = self.resolve(schema);
        let is_number = kinds(resolved).iter().any(|kind| kind == "integer");
        let value = if is_number {
            json!(text.parse::<u64>().unwrap())
        } else {
            json!(text)
        };
        let errors = self.errors(name, schema, &value);
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// Returns what of a value breaks the rules of a schema.
    pub fn errors(&self, name: &str, schema: &Value, value: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        let wrong = |rule: &str| vec![format!("{name} {rule}: {value}")];
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let fits = choices
                .iter()
                .any(|choice| self.errors(name, choice, value).is_empty());
            return if fits {
                Vec::new()
            } else {
                wrong("has none of the forms")
            };
        }
        let kinds = kinds(schema);
        let own: &[&str] = match value {
            Value::Null => &["null"],
            Value::Bool(_) => &["boolean"],
            Value::Number(number) if number.is_f64() => &["number"],
            Value::Number(_) => &["integer", "number"],
            Value::String(_) => &["string"],
            Value::Array(_) => &["array"],
            Value::Object(_) => &["object"],
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| own.contains(&kind.as_str())) {
            return wrong("has another type");
        }
        let mut errors = Vec::new();
        match value {
            Value::String(text) => {
                let pattern = schema["pattern"]
                    .as_str()
                    .map(|pattern| Regex::new(pattern).unwrap());
                if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
                    errors.extend(wrong("does not match its pattern"));
                }
                if schema["enum"]
                    .as_array()
                    .is_some_and(|values| !values.contains(value))
                {
                    errors.extend(wrong("is none of the values"));
                }
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap();
                let is_low = schema["minimum"].as_f64().is_some_and(|least| number < least);
                if is_low || schema["maximum"].as_f64().is_some_and(|most| number > most) {
                    errors.extend(wrong("is out of range"));
                }
            }
            Value::Array(elements) => {
                let number = elements.len() as u64;
                let is_short = schema["minItems"].as_u64().is_some_and(|least| number < least);
                if is_short || schema["maxItems"].as_u64().is_some_and(|most| number > most) {
                    errors.extend(wrong("has another number of elements"));
                }
                for element in elements {
                    errors.extend(self.errors(name, &schema["items"], element));
                }
            }
            Value::Object(fields) => {
                for required in schema["required"].as_array().into_iter().flatten() {
                    if !fields.contains_key(required.as_str().unwrap()) {
                        errors.extend(wrong(&format!("has no {required}")));
                    }
                }
                for (field, value) in fields {
                    match schema["properties"].get(field) {
                        Some(schema) => errors.extend(self.errors(field, schema, value)),
                        None => errors.extend(wrong(&format!("has an unknown field {field}"))),
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        errors
    }
}

fn kinds(schema: &Value) -> Vec<String> {
    match &schema["type"] {
        Value::String(kind) => vec![kind.clone()],
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(|kind| Some(kind.as_str()?.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn requests_and_bodies_that_differ_from_the_description_are_found() {
    let api = Description::read("api-service.openapi.json");
    let body = |body: &Value| api.errors("body", &json!({"$ref": "#/components/schemas/TileRequest"}), body);
    let hash = format!("0x{}", "0".repeat(64));
    assert_eq!(body(&json!({"hashes": [hash]})), [""; 0]);
    for wrong in [
        json!({}),
        json!({"hashes": []}),
        json!({"hashes": ["0x00"]}),
        json!({"hashes": [1]}),
        json!({"hashes": [hash], "more": 1}),
        json!([]),
    ] {
        assert_ne!(body(&wrong), [""; 0], "{wrong}");
    }
}
