use bauta_store::Circuit;
use serde::Serialize;
use utoipa::ToSchema;

use super::{problems::Failure, respond::Document, state::Reads};

/// A circuit according to the program's events.
#[derive(Serialize, ToSchema)]
pub struct CircuitDocument {
    /// The circuit account.
    address: String,
    /// The name of the statement.
    statement: String,
    /// The version of the statement.
    version: i32,
    /// The depth of the trees that the circuit reads: 10 or 16.
    depth: u8,
    /// The leaf format.
    leaf_format: u8,
    /// The leaf format of the auxiliary registry. 0 if the statement includes none.
    auxiliary_format: u8,
    /// `development` or `ceremony`. Anyone can forge proofs with a development key.
    provenance: &'static str,
    /// `active` or `suspended`.
    status: &'static str,
    /// The time from which the circuit is retired for ever, in Unix seconds. Null if no retirement
    /// is scheduled.
    retires_at: Option<i64>,
    /// The SHA-256 of the verifying key, whose bytes are at `/v1/verifying-keys/{vk_hash}`.
    vk_hash: String,
    /// The SHA-256 of the constraint system.
    constraint_system_hash: String,
    /// The SHA-256 of the transcript of the ceremony.
    transcript_hash: String,
}

/// All registered circuits.
#[derive(Serialize, ToSchema)]
pub struct CircuitList {
    data: Vec<CircuitDocument>,
}

/// Lists the registered circuits.
///
/// The order is that of their registration. Only the program's admin registers circuits, so the
/// list is short and has no pages.
#[utoipa::path(
    get,
    path = "/v1/circuits",
    tag = "program",
    responses(
        (status = 200, body = CircuitList),
    ),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn circuits(state: Reads) -> Result<Document<CircuitList>, Failure> {
    let circuits = state.store.circuits().await?;
    let data = circuits.into_iter().map(document).collect();
    Ok(Document(CircuitList { data }))
}

fn document(circuit: Circuit) -> CircuitDocument {
    let hash = |bytes: [u8; 32]| format!("0x{}", hex::encode(bytes));
    CircuitDocument {
        address: circuit.address.to_string(),
        statement: circuit.statement,
        version: circuit.version,
        depth: circuit.depth as u8,
        leaf_format: circuit.leaf_format,
        auxiliary_format: circuit.auxiliary_format,
        provenance: circuit.provenance.as_str(),
        status: circuit.status.as_str(),
        retires_at: circuit.retires_at,
        vk_hash: hash(circuit.vk_hash),
        constraint_system_hash: hash(circuit.constraint_system_hash),
        transcript_hash: hash(circuit.transcript_hash),
    }
}
