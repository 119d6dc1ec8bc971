//! The audit trail: a line of the log for every request for a proof and every job's end, whatever `RUST_LOG` says.
//!
//! Who asked (the API key's prefix), for what, how it ended, when, under which request id. Never an input, a person or an address.
//!
//! It is the log and not a table, because a service without a database has one, too, and because whoever collects logs can keep them where
//! the service's own operator can't change them.

use std::time::Instant;

use bauta_service_common::{AUDIT, Problem};

use crate::{circuits::Circuit, metrics, time};

/// A request for proofs, until it has ended. Dropped before that, its client or its time has gone.
pub struct Entry {
    route: &'static str,
    started: Instant,
    owner: String,
    circuit_id: String,
    proofs: usize,
    job_id: Option<String>,
    ended: bool,
}

impl Entry {
    /// A request came.
    pub fn of(route: &'static str) -> Self {
        Self {
            route,
            started: Instant::now(),
            owner: String::new(),
            circuit_id: String::new(),
            proofs: 0,
            job_id: None,
            ended: false,
        }
    }

    /// It is this key's.
    pub fn owner(&mut self, prefix: &str) {
        prefix.clone_into(&mut self.owner);
    }

    /// It asks for one more proof, of this circuit.
    pub fn proof_of(&mut self, circuit: &Circuit) {
        self.circuit_id.clone_from(&circuit.description.id);
        self.proofs += 1;
    }

    /// It became a job.
    pub fn job(&mut self, id: &str) {
        self.job_id = Some(id.to_owned());
    }

    /// It ended.
    pub fn end<T>(mut self, outcome: Result<T, Problem>) -> Result<T, Problem> {
        match &outcome {
            Ok(_) if self.job_id.is_some() => self.write("queued", None),
            Ok(_) => self.write("succeeded", None),
            Err(problem) if problem.status().is_server_error() => self.write("failed", Some(problem.code())),
            Err(problem) => self.write("refused", Some(problem.code())),
        }
        outcome
    }

    fn write(&mut self, outcome: &'static str, code: Option<&'static str>) {
        self.ended = true;
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

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.ended {
            self.write("abandoned", None);
        }
    }
}

/// This process ended a job.
pub fn job_ended(job_id: &str, owner: &str, outcome: &'static str, code: Option<&str>) {
    metrics::job_ended(outcome);
    tracing::info!(target: AUDIT, event = "job_ended", job_id, owner, outcome, code);
}
