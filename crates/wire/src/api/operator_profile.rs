//! Measurements of the proving time, for operators.

use serde::{Deserialize, Serialize};

use crate::prover::CircuitType;

/// What is measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    /// How proofs are made: on one thread, on all threads, or both. By default `["default"]`.
    #[serde(default = "default_types")]
    pub circuit_types: Vec<CircuitType>,
    /// Numbers of members of the generated registries: 1 to 4 numbers from 1 to 1,000. By default
    /// `[10]`.
    #[serde(default = "default_sizes")]
    pub network_sizes: Vec<u64>,
    /// Measured proofs for each case, from 1 to 20. By default 5.
    #[serde(default = "default_iterations")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 20))]
    pub iterations: u32,
}

fn default_types() -> Vec<CircuitType> {
    vec![CircuitType::Default]
}

fn default_sizes() -> Vec<u64> {
    vec![10]
}

const fn default_iterations() -> u32 {
    5
}

/// The measured times.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileDocument {
    /// The circuit.
    pub circuit: String,
    /// Measured proofs for each case.
    pub iterations: u32,
    /// Number of proving threads.
    pub threads: u32,
    /// One case for each circuit type and network size.
    pub cases: Vec<ProfileCaseDocument>,
    /// Recommendations that follow from the times.
    pub recommendations: Vec<String>,
}

/// The times of a case: milliseconds of proving and self-verification, without the time in the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileCaseDocument {
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
}
