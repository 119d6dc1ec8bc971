//! The audit trail: one log record for each request for proofs, for the end of each job, for each
//! refused API key, and for each request and each command of an operator. Requests beyond the rate
//! limit have at most two records a minute for each client. The records are logged with every value
//! of `RUST_LOG`.
//!
//! A record has the client (the API key's prefix), the circuit, the outcome, the time and the
//! request id. It never has an input, a person or an address.
//!
//! The trail is part of the log and not a table, for two reasons. A service without a database has
//! one. A log collector can store it where the operator of this service can't change it.

use std::time::Instant;

use bauta_service_common::AUDIT;

use crate::{circuits::Circuit, metrics, time};

/// The outcome of a request for proofs.
#[derive(Clone, Copy)]
pub enum Outcome {
    /// The request has its response. The record says `queued` if the request became a job.
    Succeeded,
    /// The client caused this error code.
    Refused(&'static str),
    /// The service caused this error code.
    Failed(&'static str),
}

/// The record of a request for proofs. It is written by [`finish`](Self::finish). If it is dropped
/// before, the client disconnected or the request timed out, and the outcome is `abandoned`.
pub struct AuditRecord {
    route: &'static str,
    started: Instant,
    owner: String,
    circuit_id: String,
    proofs: usize,
    job_id: Option<String>,
    is_written: bool,
}

impl AuditRecord {
    /// Starts the record of a request to this route.
    pub fn start(route: &'static str) -> Self {
        Self {
            route,
            started: Instant::now(),
            owner: String::new(),
            circuit_id: String::new(),
            proofs: 0,
            job_id: None,
            is_written: false,
        }
    }

    /// Sets the prefix of the client's API key.
    pub fn set_owner(&mut self, prefix: &str) {
        prefix.clone_into(&mut self.owner);
    }

    /// Adds a requested proof of this circuit.
    pub fn add_proof(&mut self, circuit: &Circuit) {
        self.circuit_id.clone_from(&circuit.description.id);
        self.proofs += 1;
    }

    /// Sets the id of the job that the request created.
    pub fn set_job(&mut self, id: &str) {
        self.job_id = Some(id.to_owned());
    }

    /// Writes the record.
    pub fn finish(mut self, outcome: Outcome) {
        match outcome {
            Outcome::Succeeded if self.job_id.is_some() => self.write("queued", None),
            Outcome::Succeeded => self.write("succeeded", None),
            Outcome::Refused(code) => self.write("refused", Some(code)),
            Outcome::Failed(code) => self.write("failed", Some(code)),
        }
    }

    fn write(&mut self, outcome: &'static str, code: Option<&'static str>) {
        self.is_written = true;
        let Self {
            route,
            owner,
            circuit_id,
            proofs,
            job_id,
            ..
        } = self;
        let duration_ms = time::milliseconds(self.started.elapsed());
        tracing::info!(
            target: AUDIT,
            event = "proof_requested",
            route,
            owner,
            circuit_id,
            proofs,
            job_id,
            outcome,
            code,
            duration_ms
        );
    }
}

impl Drop for AuditRecord {
    fn drop(&mut self) {
        if !self.is_written {
            self.write("abandoned", None);
        }
    }
}

/// Records that an operator with this API key uses a route for operators. The span has the route.
pub fn admin_request(prefix: &str) {
    tracing::info!(target: AUDIT, event = "admin_request", prefix);
}

/// Records that an operator ran a command that changes the database, the API keys or the key ring.
/// `subjects` are the prefixes of API keys or the names of keys that it changed.
pub fn admin_command(command: &str, subjects: &[&str]) {
    let subjects = subjects.join(",");
    tracing::info!(target: AUDIT, event = "admin_command", command, subjects);
}

/// Records that a request has no API key that allows it. The span has the route.
pub fn key_refused(code: &'static str, permission: &str) {
    tracing::info!(target: AUDIT, event = "key_refused", code, permission);
}

/// Records that the ticket of a request can't be used. The span has the route.
pub fn ticket_refused(code: &'static str) {
    tracing::info!(target: AUDIT, event = "ticket_refused", code);
}

/// Records that this process ended a job.
pub fn job_ended(job_id: &str, owner: &str, outcome: &'static str, code: Option<&str>) {
    metrics::record_job_end(outcome);
    tracing::info!(target: AUDIT, event = "job_ended", job_id, owner, outcome, code);
}
