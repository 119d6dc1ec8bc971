//! Measurements of the proving time by the prover service, for operators.

use bauta_wire::prover::CircuitType;
use serde::Deserialize;
use serde_json::json;

use super::{Call, ProverError, ProverService};

/// What is measured. The caller has checked the bounds.
#[derive(Debug)]
pub struct Measurement {
    /// `default`, `optimized`, or both.
    pub circuit_types: Vec<CircuitType>,
    /// Numbers of members of the generated registries.
    pub network_sizes: Vec<u64>,
    /// Measured proofs for each case.
    pub iterations: u32,
}

/// The times that the prover service has measured.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub circuit_id: String,
    pub iterations: u32,
    pub threads: u32,
    pub cases: Vec<Case>,
    pub recommendations: Vec<String>,
}

/// The times of one case in milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    pub circuit_type: CircuitType,
    pub network_size: u64,
    pub avg_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

impl ProverService {
    /// Measures the proving time of the prover service. It makes proofs with generated members, one
    /// at a time, and measures for one client at a time.
    pub async fn profile(&self, measurement: &Measurement) -> Result<Profile, ProverError> {
        let http = self.http()?;
        let _permit = self.calls.try_acquire().map_err(|_| ProverError::Busy)?;
        let body = json!({
            "circuitTypes": measurement.circuit_types,
            "networkSizes": measurement.network_sizes,
            "iterations": measurement.iterations,
        });
        let call = Call {
            path: "v1/api/profiling/comprehensive?format=json",
            body: Some(&body),
            idempotency_key: None,
            timeout: self.proof_timeout,
        };
        http.send(&call).await.map_err(|error| match error {
            // Only operators see the reason.
            ProverError::Unavailable(reason) => ProverError::NotMeasured(reason),
            error => error,
        })
    }
}
