//! Measurements of the proving time, for operators.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{AUDIT, InvalidField, InvalidFields, Json, UnreadBody};
use bauta_store::Role;
use bauta_wire::api::{ProfileBody, ProfileCaseDocument, ProfileDocument};

use super::{
    problems::{Failure, ProblemDocument},
    respond::uncached,
    state::Reads,
};
use crate::prover::{Measurement, Profile, ProfileCase};

/// Largest body in bytes.
const MAX_BODY_BYTES: usize = 1 << 10;
/// Largest number of members of a generated registry.
const MAX_NETWORK_SIZE: u64 = 1_000;
/// Largest number of network sizes.
const MAX_NETWORK_SIZES: usize = 4;
/// Largest number of measured proofs for each case. So a measurement takes seconds.
const MAX_ITERATIONS: u32 = 20;

/// Measures the proving time.
///
/// The prover service makes proofs with generated members, one at a time, and each waits for a worker
/// together with other requests. One measurement runs at a time. The API key of this service at the
/// prover service (`PROVER_API_KEY`) needs the permission `admin`.
#[utoipa::path(
    post,
    path = "/v1/operator/profile",
    tag = "operations",
    security(("wallet" = ["operator"])),
    request_body(
        content = ProfileBody,
        example = json!({"circuit_types": ["default"], "network_sizes": [10], "iterations": 1})
    ),
    responses(
        (status = 200, body = ProfileDocument),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn operator_profile(
    state: Reads,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Response, Failure> {
    let by = state.with_role(&headers, &[Role::Operator]).await?.id.to_string();
    let body: ProfileBody = body.json(MAX_BODY_BYTES).await?;
    let measurement = checked(body)?;
    tracing::info!(target: AUDIT, event = "profiled", account = by);
    let profile = state.prover.profile(&measurement).await?;
    Ok(uncached(Json(document(profile))))
}

/// Returns what is measured. The error has all invalid fields.
fn checked(body: ProfileBody) -> Result<Measurement, InvalidFields> {
    let mut invalid = Vec::new();
    let mut refuse = |field: &str, rule: String| invalid.push(InvalidField::new(field, rule));
    let types = body.circuit_types.as_slice();
    if types.is_empty() || types.len() > 2 || types.len() == 2 && types[0] == types[1] {
        let rule = "must contain default, optimized or both, each at most once";
        refuse("circuit_types", rule.to_owned());
    }
    let sizes = &body.network_sizes;
    let are_sizes = sizes.iter().all(|size| (1..=MAX_NETWORK_SIZE).contains(size));
    if !are_sizes || !(1..=MAX_NETWORK_SIZES).contains(&sizes.len()) {
        let rule = format!("must contain 1 to {MAX_NETWORK_SIZES} numbers from 1 to {MAX_NETWORK_SIZE}");
        refuse("network_sizes", rule);
    }
    if !(1..=MAX_ITERATIONS).contains(&body.iterations) {
        refuse("iterations", format!("must be from 1 to {MAX_ITERATIONS}"));
    }
    match InvalidFields::of(invalid) {
        Some(fields) => Err(fields),
        None => Ok(Measurement {
            circuit_types: body.circuit_types,
            network_sizes: body.network_sizes,
            iterations: body.iterations,
        }),
    }
}

fn document(profile: Profile) -> ProfileDocument {
    ProfileDocument {
        circuit: profile.circuit_id,
        iterations: profile.iterations,
        threads: profile.threads,
        cases: profile.cases.iter().map(case_document).collect(),
        recommendations: profile.recommendations,
    }
}

const fn case_document(case: &ProfileCase) -> ProfileCaseDocument {
    ProfileCaseDocument {
        circuit_type: case.circuit_type,
        network_size: case.network_size,
        avg_ms: case.avg_ms,
        min_ms: case.min_ms,
        max_ms: case.max_ms,
        p50_ms: case.p50_ms,
        p95_ms: case.p95_ms,
        p99_ms: case.p99_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_bounded_and_all_invalid_fields_are_named() {
        let read = |text: &str| checked(serde_json::from_str(text).unwrap());
        let measured = read("{}").unwrap();
        assert_eq!((measured.network_sizes, measured.iterations), (vec![10], 5));
        for (body, fields) in [
            (
                r#"{"circuit_types":["optimized","default"],"network_sizes":[1,2,3,1000],"iterations":20}"#,
                "",
            ),
            (r#"{"circuit_types":["default","default"]}"#, "circuit_types"),
            (r#"{"network_sizes":[1,2,3,4,5]}"#, "network_sizes"),
            (r#"{"network_sizes":[0]}"#, "network_sizes"),
            (r#"{"iterations":21}"#, "iterations"),
            (
                r#"{"circuit_types":[],"network_sizes":[1001],"iterations":0}"#,
                "circuit_types network_sizes iterations",
            ),
        ] {
            let text = read(body).map_or_else(|error| error.to_string(), |_| String::new());
            let named = fields
                .split_whitespace()
                .all(|field| text.contains(&format!("{field}: ")));
            assert!(named && fields.is_empty() == text.is_empty(), "{body}: {text}");
        }
    }
}
