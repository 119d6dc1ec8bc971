use serde::Serialize;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The description of this service, but for its routes, which `all` adds.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bauta prover service",
        description = "Proves for members who delegate it. It sees their secrets: docs/prover-service.md."
    ),
    // A parameter's type isn't collected by itself.
    components(schemas(super::profiling::Format))
)]
pub struct Document;

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:bauta:problem:` and the code.
    r#type: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable.
    code: String,
    /// What was wrong and the rule, for people.
    detail: String,
    /// Of bad input: which field.
    field: Option<String>,
    /// Of bad input: the rule that it breaks.
    rule: Option<String>,
    /// The request's id, as in the log.
    request_id: String,
}

/// A request that gives a proof. Its secret is published here: it is nobody's.
const EXAMPLE: &str = include_str!("example.json");

/// Adds what is the same for many routes: the errors of every service (docs/service.md), and an example.
pub fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key with the scope that the route names, where the service has keys (API_KEYS)",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("api_key", SecurityScheme::Http(key));
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_errors(path, operation);
            if path == "/prove"
                && let Some(RefOr::T(body)) = &mut operation.request_body
                && let Some(RefOr::T(content)) = body.content.get_mut("application/json")
            {
                content.example = serde_json::from_str(EXAMPLE).ok();
            }
        }
    }
    document
}

fn add_errors(path: &str, operation: &mut Operation) {
    let mut errors = vec![
        ("500", "A fault inside; the log has it under the request's id"),
        ("503", "Too much at once, or the database is away; Retry-After"),
        ("504", "It took too long"),
    ];
    if path != super::limits::FREE {
        errors.push(("429", "Too many wait, or ask; Retry-After"));
    }
    if operation.security.is_some() {
        errors.extend([("401", describe("401")), ("403", describe("403"))]);
    }
    if operation.request_body.is_some() {
        errors.extend([
            ("400", "What was sent breaks a rule"),
            ("413", "The body is over the limit"),
            ("415", "The body isn't application/json"),
        ]);
    }
    if operation.parameters.is_some() {
        errors.push(("400", "A parameter breaks its rule"));
    }
    for (status, description) in errors {
        let known = operation.responses.responses.entry(status.to_owned());
        known.or_insert_with(|| {
            let problem = Content::new(Some(Ref::from_schema_name("ProblemDocument")));
            let response = ResponseBuilder::new().description(description);
            response.content("application/problem+json", problem).into()
        });
    }
    // What a status means is the same everywhere, and in docs/service.md and docs/prover-service.md.
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
        "200" => "Done",
        "202" => "Taken as a job",
        "400" => "What was sent breaks a rule; `field` and `rule` say which",
        "401" => "An API key is missing, unknown or expired",
        "403" => "The API key doesn't have the scope",
        "404" => "There is no such thing, or it is another's",
        "409" => "The job has ended already",
        "426" => "A websocket is expected",
        "501" => "This service can't: a statement that isn't built, or no database",
        _ => "It took too long",
    }
}
