use bauta_service_common::{Path, Query};
use bauta_store::analytics::{Period, VerificationCounts};
use bauta_wire::api::{AnalyticsDocument, AnalyticsSeries, Every};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    problems::{Failure, ProblemDocument},
    respond::Document,
    scopes,
    state::Reads,
};
use crate::{
    series::{self, Span, VerificationsShown},
    time::unix_seconds,
};

/// The parameters of analytics.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsParameters {
    /// The period of an element. The default is a day.
    every: Option<Every>,
    /// Unix seconds in the first period. The default is 30 periods before `to`.
    #[param(minimum = 0)]
    from: Option<i64>,
    /// Unix seconds at or before which the last period begins. The default is now.
    #[param(minimum = 0)]
    to: Option<i64>,
}

impl AnalyticsParameters {
    fn span(&self) -> Result<(Period, Span), Failure> {
        let period = match self.every {
            Some(Every::Hour) => Period::Hour,
            Some(Every::Day) | None => Period::Day,
        };
        let span = Span::new(period, self.from, self.to, unix_seconds())?;
        Ok((period, span))
    }
}

/// Returns the verifications of a scope by hour or day.
///
/// Counts below `k` are null, even if they are 0. A further hour is null if the total of its day
/// would show a small count.
#[utoipa::path(
    get,
    path = "/v1/scopes/{scope}/analytics",
    tag = "analytics",
    params(("scope" = String, Path, description = "The scope account"), AnalyticsParameters),
    responses(
        (status = 200, body = AnalyticsSeries),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which scope", "keeps": "nothing"})))
)]
pub async fn scope_analytics(
    state: Reads,
    Path(address): Path<String>,
    Query(parameters): Query<AnalyticsParameters>,
) -> Result<Document<AnalyticsSeries>, Failure> {
    let (period, span) = parameters.span()?;
    let scope = scopes::read(&state, &address).await?.address;
    let known = state
        .store
        .verification_counts_of_scope(scope, period, span.days());
    Ok(document(&state, &span, &known.await?))
}

/// Returns the verifications of a track in all scopes by hour or day.
///
/// Counts are hidden as in the analytics of a scope.
#[utoipa::path(
    get,
    path = "/v1/tracks/{id}/analytics",
    tag = "analytics",
    params(("id" = u64, Path, description = "The track"), AnalyticsParameters),
    responses(
        (status = 200, body = AnalyticsSeries),
    ),
    extensions(("x-discloses" = json!({"sees": "network address; which track", "keeps": "nothing"})))
)]
pub async fn track_analytics(
    state: Reads,
    Path(track): Path<u64>,
    Query(parameters): Query<AnalyticsParameters>,
) -> Result<Document<AnalyticsSeries>, Failure> {
    let (period, span) = parameters.span()?;
    let known = state
        .store
        .verification_counts_of_track(track, period, span.days());
    Ok(document(&state, &span, &known.await?))
}

fn document(state: &Reads, span: &Span, known: &[VerificationCounts]) -> Document<AnalyticsSeries> {
    let shown = series::verifications(span, known, state.k).into_iter();
    Document(AnalyticsSeries {
        k: state.k,
        data: shown.map(AnalyticsDocument::from).collect(),
    })
}

impl From<VerificationsShown> for AnalyticsDocument {
    fn from(counts: VerificationsShown) -> Self {
        Self {
            begins: counts.begins,
            verifications: counts.verifications,
            refused: counts.refused,
        }
    }
}
