use bauta_store::Circuit;
use bauta_wire::api::{CircuitDocument, CircuitList};

use super::{problems::Failure, respond::Document, state::Reads};

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
        provenance: circuit.provenance.as_str().into(),
        status: circuit.status.as_str().into(),
        retires_at: circuit.retires_at,
        vk_hash: hash(circuit.vk_hash),
        constraint_system_hash: hash(circuit.constraint_system_hash),
        transcript_hash: hash(circuit.transcript_hash),
    }
}
