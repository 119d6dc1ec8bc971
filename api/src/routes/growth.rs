use bauta_service_common::{Path, Query};
use bauta_store::analytics::Period;
use bauta_wire::api::{AnonymityDocument, GrowthDocument, GrowthSeries};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    problems::{Failure, ProblemDocument},
    registries,
    respond::Document,
    state::Reads,
};
use crate::{
    series::{self, Span},
    time::unix_seconds,
};

/// The parameters of an anonymity set.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrackParameters {
    /// The track.
    track: u64,
}

/// Returns the present anonymity set of a track.
///
/// The number is never hidden, however small: it warns members before they prove.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/anonymity",
    tag = "analytics",
    params(("registry" = String, Path, description = "The registry account"), TrackParameters),
    responses(
        (status = 200, body = AnonymityDocument),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which track", "keeps": "nothing"})))
)]
pub async fn anonymity(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<TrackParameters>,
) -> Result<Document<AnonymityDocument>, Failure> {
    let registry = registries::read(&state, &address).await?;
    let owners = state.store.anonymity_set(&registry, parameters.track).await?;
    Ok(Document(AnonymityDocument { owners }))
}

/// The parameters of growth.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrowthParameters {
    /// The track.
    track: u64,
    /// Unix seconds in the first day. The default is 30 days before `to`.
    #[param(minimum = 0)]
    from: Option<i64>,
    /// Unix seconds at or before which the last day begins. The default is now.
    #[param(minimum = 0)]
    to: Option<i64>,
}

/// Returns the registrations and evictions of a track by day.
///
/// Counts below `k` are null, even if they are 0.
#[utoipa::path(
    get,
    path = "/v1/registries/{registry}/growth",
    tag = "analytics",
    params(("registry" = String, Path, description = "The registry account"), GrowthParameters),
    responses(
        (status = 200, body = GrowthSeries),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which track", "keeps": "nothing"})))
)]
pub async fn growth(
    state: Reads,
    Path(address): Path<String>,
    Query(GrowthParameters { track, from, to }): Query<GrowthParameters>,
) -> Result<Document<GrowthSeries>, Failure> {
    let span = Span::new(Period::Day, from, to, unix_seconds())?;
    let registry = registries::read(&state, &address).await?;
    let known = state.store.growth(&registry, track, span.days()).await?;
    let document = |day: series::GrowthShown| GrowthDocument {
        begins: day.begins,
        registered: day.registered,
        renewed: day.renewed,
        evicted: day.evicted,
    };
    let data = series::growth(&span, &known, state.k);
    Ok(Document(GrowthSeries {
        k: state.k,
        data: data.into_iter().map(document).collect(),
    }))
}
