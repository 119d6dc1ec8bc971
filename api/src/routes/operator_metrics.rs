//! What the first page of a dashboard shows.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::Json;
use bauta_store::{
    EndedJobs, OpenJobs, RelayState, RelayWallet, Workload,
    analytics::{Period, VerificationCounts},
};
use bauta_wire::api::{
    AnalyticsDocument, IndexerMetrics, MetricsDocument, ProofMetrics, QueueMetrics, RelayMetrics, UseMetrics,
    WalletMetrics, WebhookMetrics,
};

use super::{operator_queue::ROLES, problems::Failure, respond::uncached, state::Reads};
use crate::{
    cluster_status::State,
    deployment_counts::PROOF_SECONDS,
    series::{self, Span},
    time::unix_seconds,
};

/// Returns what the deployment does.
///
/// The numbers come from the database, so they are those of all instances. They are at most a second
/// old, and those of verifications and messages at most ten seconds. Error responses by code, and
/// the proofs of requests that wait for the answer, are only in the metrics for Prometheus.
#[utoipa::path(
    get,
    path = "/v1/operator/metrics",
    tag = "operations",
    security(("wallet" = ["operator"]), ("wallet" = ["auditor"])),
    responses((status = 200, body = MetricsDocument)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn operator_metrics(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    state.with_role(&headers, &ROLES).await?;
    let counts = state.deployment_counts.counts().await?;
    let totals = &counts.totals;
    let (hours, days) = (
        uses(&state, Period::Hour, &totals.hours)?,
        uses(&state, Period::Day, &totals.days)?,
    );
    let is_paused = state.flags.current().await.sponsorship_paused;
    let min_balance = state.relay.as_ref().map(|relay| relay.min_balance());
    let status = state.cluster_status.state(&state.databases).await;
    Ok(uncached(Json(MetricsDocument {
        at: unix_seconds(),
        status: status.condition().as_str().into(),
        proofs: proof_metrics(counts.ended),
        queue: queue_metrics(counts.open, state.proof_queue.workload()),
        indexer: status.as_ref().into(),
        uses: UseMetrics {
            k: state.k,
            hours,
            days,
        },
        relays: relay_metrics(&counts.relays, counts.oldest_relay, is_paused),
        wallets: counts
            .wallets
            .iter()
            .map(|wallet| wallet_metrics(wallet, min_balance))
            .collect(),
        webhooks: WebhookMetrics {
            pending: totals.pending,
            dead: totals.dead,
        },
    })))
}

fn uses(
    state: &Reads,
    period: Period,
    known: &[VerificationCounts],
) -> Result<Vec<AnalyticsDocument>, Failure> {
    let span = Span::new(period, None, None, unix_seconds())?;
    let shown = series::verifications(&span, known, state.k);
    Ok(shown.into_iter().map(AnalyticsDocument::from).collect())
}

/// Returns a part as a share from 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

#[allow(clippy::cast_precision_loss, reason = "the number is below 2^53")]
fn proof_metrics(ended: EndedJobs) -> ProofMetrics {
    ProofMetrics {
        seconds: PROOF_SECONDS,
        succeeded: ended.succeeded,
        failed: ended.failed,
        per_second: ended.succeeded as f64 / f64::from(PROOF_SECONDS),
        success: share(ended.succeeded, ended.succeeded + ended.failed),
        p50_ms: ended.p50_ms,
        p95_ms: ended.p95_ms,
        p99_ms: ended.p99_ms,
    }
}

fn queue_metrics(open: OpenJobs, workload: Option<Workload>) -> QueueMetrics {
    QueueMetrics {
        queued: open.queued,
        running: open.running,
        workers: workload.map(|workload| workload.workers),
        advised: workload.map(|workload| workload.recommended),
    }
}

impl From<&State> for IndexerMetrics {
    fn from(state: &State) -> Self {
        let text = |slot: Option<bauta_store::Slot>| slot.map(|slot| slot.get().to_string());
        Self {
            slot: text(state.freshness.and_then(|freshness| freshness.slot)),
            finalized_slot: text(state.freshness.and_then(|freshness| freshness.finalized_slot)),
            lag_slots: state.lag_slots(),
        }
    }
}

fn relay_metrics(
    counts: &[(RelayState, u64)],
    oldest_seconds: u64,
    sponsorship_paused: bool,
) -> RelayMetrics {
    let count = |wanted: RelayState| {
        let found = counts.iter().find(|(state, _)| *state == wanted);
        found.map_or(0, |(_, relays)| *relays)
    };
    let finalized = count(RelayState::Finalized);
    let (failed, expired) = (count(RelayState::Failed), count(RelayState::Expired));
    RelayMetrics {
        queued: count(RelayState::Queued),
        sent: count(RelayState::Sent),
        confirmed: count(RelayState::Confirmed),
        finalized,
        refused: count(RelayState::Refused),
        failed,
        expired,
        success: share(finalized, finalized + failed + expired),
        oldest_seconds,
        sponsorship_paused,
    }
}

fn wallet_metrics(wallet: &RelayWallet, min_balance: Option<u64>) -> WalletMetrics {
    WalletMetrics {
        wallet: wallet.wallet.to_string(),
        balance: wallet.balance.to_string(),
        reserved: wallet.reserved.to_string(),
        min_balance: min_balance.map(|lamports| lamports.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_that_no_transaction_was_sent_for_do_not_count_as_failures() {
        let counts = [
            (RelayState::Sent, 3),
            (RelayState::Finalized, 99),
            (RelayState::Refused, 7),
            (RelayState::Failed, 1),
        ];
        let metrics = relay_metrics(&counts, 0, false);
        assert_eq!((metrics.sent, metrics.refused, metrics.queued), (3, 7, 0));
        assert_eq!(metrics.success, Some(0.99));
        assert_eq!(relay_metrics(&[], 0, false).success, None);
    }
}
