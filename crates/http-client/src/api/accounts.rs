//! Accounts, their roles, and the audit log.

use bauta_wire::api::{AccountDocument, AccountPage, AuditPage, CheckpointDocument, RolesBody, SealPage};
use solana_address::Address;

use super::{Api, PageOf};
use crate::{HttpError, transport::Request};

impl Api {
    /// Returns a page of the accounts that have a role. Needs the access token of an owner or of an
    /// auditor.
    pub async fn accounts(&self, page: &PageOf) -> Result<AccountPage, HttpError> {
        self.0
            .document(&page.of(Request::get("v1/accounts")).keyed())
            .await
    }

    /// Gives a wallet exactly these roles. Needs the access token of an owner.
    pub async fn set_roles(&self, wallet: &Address, roles: &[&str]) -> Result<AccountDocument, HttpError> {
        let body = RolesBody {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        let request = Request::put_json(format!("v1/accounts/{wallet}/roles"), &body)?;
        self.0.document(&request.keyed()).await
    }

    /// Returns a page of the audit log, the oldest record first. Needs the access token of an
    /// auditor.
    pub async fn audit_log(&self, page: &PageOf) -> Result<AuditPage, HttpError> {
        self.0.document(&page.of(Request::get("v1/audit")).keyed()).await
    }

    /// Returns a signed checkpoint of the audit log. Keep it outside the service.
    pub async fn checkpoint(&self) -> Result<CheckpointDocument, HttpError> {
        self.0.document(&Request::get("v1/audit/checkpoint")).await
    }

    /// Returns a page of the stored checkpoints of the audit log, the oldest first.
    pub async fn seals(&self, page: &PageOf) -> Result<SealPage, HttpError> {
        self.0.document(&page.of(Request::get("v1/audit/seals"))).await
    }
}
