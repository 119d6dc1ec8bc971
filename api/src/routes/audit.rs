//! The audit log.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{Json, Query};
use bauta_store::{AuditSeal, Role, StoredAuditRecord};
use bauta_wire::api::{AuditDocument, AuditPage, CheckpointDocument, SealDocument, SealPage};

use super::{
    pages::{self, MAX_PAGE, PageParameters},
    problems::{self, Failure},
    respond::uncached,
    state::Reads,
};

/// Lists the audit log.
///
/// The oldest record is the first. Records of refusals are bounded in each minute; the log of the
/// process has all refusals.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "operations",
    security(("wallet" = ["auditor"])),
    params(PageParameters),
    responses((status = 200, body = AuditPage)),
    extensions(("x-discloses" = json!({"sees": "network address; account", "keeps": "nothing"})))
)]
pub async fn audit_log(
    state: Reads,
    headers: HeaderMap,
    Query(parameters): Query<PageParameters>,
) -> Result<Response, Failure> {
    state.with_role(&headers, &[Role::Auditor]).await?;
    let PageParameters { limit, cursor } = parameters;
    let request = pages::Request::<8>::new(&["audit"], limit, MAX_PAGE, cursor.as_deref())?;
    let after = request.after.map_or(0, u64::from_be_bytes);
    let mut records = state
        .databases
        .primary()
        .audit_log(after, request.wanted())
        .await?;
    let next = request.cut(&mut records, |stored| stored.number.to_be_bytes());
    Ok(uncached(Json(AuditPage {
        data: records.into_iter().map(audit_document).collect(),
        next,
    })))
}

/// Returns a signed checkpoint of the audit log.
///
/// Keep checkpoints outside the service: a party that changes the database later can't change what
/// you have. `bauta-api check-audit --checkpoint RECORDS:HASH` compares the database with one. A
/// checkpoint can be a second old.
#[utoipa::path(
    get,
    path = "/v1/audit/checkpoint",
    tag = "operations",
    responses((status = 200, body = CheckpointDocument)),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn checkpoint(state: Reads) -> Result<Response, Failure> {
    let signer = state.audit_signer.as_ref().ok_or_else(problems::no_accounts)?;
    let note = signer.note().await?;
    Ok(uncached(Json(CheckpointDocument {
        note: note.to_string(),
        public_key: signer.checkpoints.public_key(),
    })))
}

/// Lists the stored checkpoints of the audit log.
///
/// The service stores one in each minute with new records. The oldest is the first. They show when
/// the log had how many records. A party that guesses the records between two of them can compare
/// the guess with the hash.
#[utoipa::path(
    get,
    path = "/v1/audit/seals",
    tag = "operations",
    params(PageParameters),
    responses((status = 200, body = SealPage)),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn seals(state: Reads, Query(parameters): Query<PageParameters>) -> Result<Response, Failure> {
    let PageParameters { limit, cursor } = parameters;
    let request = pages::Request::<8>::new(&["seals"], limit, MAX_PAGE, cursor.as_deref())?;
    let after = request.after.map_or(0, u64::from_be_bytes);
    let mut seals = state
        .databases
        .primary()
        .audit_seals(after, request.wanted())
        .await?;
    let next = request.cut(&mut seals, |seal| seal.head.records.to_be_bytes());
    Ok(uncached(Json(SealPage {
        data: seals.into_iter().map(seal_document).collect(),
        next,
    })))
}

fn seal_document(seal: AuditSeal) -> SealDocument {
    SealDocument {
        at: seal.at,
        records: seal.head.records.to_string(),
        note: seal.note,
    }
}

fn audit_document(stored: StoredAuditRecord) -> AuditDocument {
    AuditDocument {
        number: stored.number.to_string(),
        at: stored.at,
        event: stored.record.event,
        code: stored.record.code,
        actor: stored.record.actor,
        subject: stored.record.subject,
        hash: format!("0x{}", hex::encode(stored.hash)),
    }
}
