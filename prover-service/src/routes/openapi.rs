//! The description of the routes at `/openapi.json`.

use utoipa::{
    OpenApi,
    openapi::{
        Content, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{limits::UNLIMITED_PATH, profiling::Format};

/// The description of the service, without its routes. `routes::all` adds them.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bauta prover service",
        description = "Makes proofs for members who delegate proving. The service sees their secrets: see docs/prover-service.md."
    ),
    // utoipa doesn't collect the types of query parameters.
    components(schemas(Format))
)]
pub struct Document;

/// A complete request. Its secret is published here and must not be used.
const EXAMPLE: &str = include_str!("example.json");

/// Adds the parts that many routes share: the errors of every service (docs/service.md), the
/// authorisation, and an example.
pub fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key with the permission that the route requires. Needed only if the service has keys (API_KEYS).",
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
        "409" => "The job has already ended",
        "422" => "The idempotency key was used for another request",
        "426" => "The route is a websocket",
        "501" => "The statement isn't built yet, or the service has no database",
        _ => "The request timed out",
    }
}
