//! What operators and auditors read, and operators change.

use bauta_wire::api::{
    JobFilter, JobListDocument, LedgerDocument, LedgerPage, MetricsDocument, ProfileBody, ProfileDocument,
    QueueDocument, SponsorshipBody, SponsorshipDocument, WorkersDocument,
};
use solana_address::Address;

use super::{Api, PageOf};
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns the wallets of the relay with their balances.
    pub async fn ledger(&self) -> Result<LedgerDocument, HttpError> {
        self.0.document(&Request::get("v1/ledger").keyed()).await
    }

    /// Returns a page of the transactions of a wallet of the relay, the oldest first.
    pub async fn ledger_entries(&self, wallet: &Address, page: &PageOf) -> Result<LedgerPage, HttpError> {
        let request = Request::get(format!("v1/ledger/{wallet}"));
        self.0.document(&page.of(request).keyed()).await
    }

    /// Returns what the deployment does.
    pub async fn operator_metrics(&self) -> Result<MetricsDocument, HttpError> {
        self.0
            .document(&Request::get("v1/operator/metrics").keyed())
            .await
    }

    /// Returns the numbers of jobs by state and priority.
    pub async fn operator_queue(&self) -> Result<QueueDocument, HttpError> {
        self.0.document(&Request::get("v1/operator/queue").keyed()).await
    }

    /// Returns the jobs of the queue, by default those that have not ended.
    pub async fn operator_jobs(&self, filter: Option<JobFilter>) -> Result<JobListDocument, HttpError> {
        let filter = filter.map(|filter| match filter {
            JobFilter::Open => "open",
            JobFilter::Failed => "failed",
        });
        let request = Request::get("v1/operator/jobs").query("state", filter);
        self.0.document(&request.keyed()).await
    }

    /// Returns the workers of the queue.
    pub async fn operator_workers(&self) -> Result<WorkersDocument, HttpError> {
        self.0
            .document(&Request::get("v1/operator/workers").keyed())
            .await
    }

    /// Measures the proving time. Needs the access token of an operator. A measurement takes seconds
    /// to minutes, so choose the client's time limit accordingly.
    pub async fn operator_profile(&self, body: &ProfileBody) -> Result<ProfileDocument, HttpError> {
        let request = Request::post("v1/operator/profile", body)?;
        self.0.document(&request.keyed().once()).await
    }

    /// Returns whether the operator pays for relays.
    pub async fn sponsorship(&self) -> Result<SponsorshipDocument, HttpError> {
        self.0
            .document(&Request::get("v1/operator/sponsorship").keyed())
            .await
    }

    /// Changes whether the operator pays for relays. Needs the access token of an operator.
    pub async fn set_sponsorship(&self, body: &SponsorshipBody) -> Result<SponsorshipDocument, HttpError> {
        let request = Request::put_json("v1/operator/sponsorship", body)?;
        self.0.document(&request.keyed().once()).await
    }
}
