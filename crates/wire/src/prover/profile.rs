//! Measurements of the proving time.

use serde::{Deserialize, Serialize};

/// What to measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProfileRequest {
    /// How proofs are made: on one thread, on all threads, or both. By default `["default"]`.
    #[serde(default = "default_types")]
    pub circuit_types: Vec<CircuitType>,
    /// Numbers of members of the generated registries, each from 1 to 10,000. By default `[10]`.
    #[serde(default = "default_sizes")]
    pub network_sizes: Vec<u64>,
    /// Measured proofs for each case, from 1 to 200. By default 10.
    #[serde(default = "default_iterations")]
    pub iterations: u32,
    /// Proofs for each case before the measured ones, at most 20. By default 1.
    #[serde(default = "default_warmups")]
    pub warmup_iterations: u32,
    /// Whether the report contains the memory of the process after each case.
    #[serde(default)]
    pub include_memory: bool,
    /// Whether the report contains the processor time of the process during each case.
    #[serde(default, rename = "includeCPU")]
    pub include_cpu: bool,
    /// The circuit's id, as `/circuits` lists it. By default the circuit with the smallest depth.
    pub circuit_id: Option<String>,
}

/// How a proof is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CircuitType {
    /// On one thread, as when several proofs run at the same time.
    Default,
    /// On all threads, as when no other proof runs.
    Optimized,
}

/// The results of a measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Time of the measurement in Unix milliseconds.
    pub timestamp: u64,
    /// The circuit's id.
    pub circuit_id: String,
    /// Measured proofs for each case.
    pub iterations: u32,
    /// Proofs for each case before the measured ones.
    pub warmup_iterations: u32,
    /// Number of proving threads.
    pub threads: usize,
    /// One case for each circuit type and network size.
    pub cases: Vec<Case>,
    /// Recommendations that follow from the measurements.
    pub recommendations: Vec<String>,
}

/// The measurements of one case. Times are milliseconds of proving and self-verification, without
/// the time in the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// How the proofs were made.
    pub circuit_type: CircuitType,
    /// Number of members of the registry.
    pub network_size: u64,
    /// Mean.
    pub avg_ms: f64,
    /// Minimum.
    pub min_ms: f64,
    /// Maximum.
    pub max_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Resident memory of the process after the case, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processor time of the process divided by the elapsed time. 100 is one processor. It includes
    /// other work of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
}

fn default_types() -> Vec<CircuitType> {
    vec![CircuitType::Default]
}

fn default_sizes() -> Vec<u64> {
    vec![10]
}

const fn default_iterations() -> u32 {
    10
}

const fn default_warmups() -> u32 {
    1
}
