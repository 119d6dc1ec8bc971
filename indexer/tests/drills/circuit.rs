//! The circuit with which holders prove.

use std::sync::{Arc, LazyLock};

use bauta::instructions::CircuitRegistration;
use bauta::state::Provenance;
use bauta_circuits::{Key, Ownership, Statement, load_or_setup_development};
use bauta_client::addresses;
use bauta_client::instructions::RegisterCircuit;
use bauta_primitives::tree::Depth;
use solana_address::Address;

/// The leaf format of the ownership statement.
const LEAF_FORMAT: u8 = 1;

/// The development key of the ownership circuit. It is set up once per process.
pub static KEY: LazyLock<Arc<Key<Ownership>>> = LazyLock::new(|| {
    let key = load_or_setup_development(&Ownership::new(Depth::Ten)).unwrap();
    key.prepare().unwrap();
    Arc::new(key)
});

/// Returns the instruction that registers the circuit.
pub fn registration(admin: Address) -> RegisterCircuit {
    RegisterCircuit {
        payer: admin,
        admin,
        registration: description(),
    }
}

fn description() -> CircuitRegistration {
    let mut statement = [0; 32];
    statement[..Ownership::NAME.len()].copy_from_slice(Ownership::NAME.as_bytes());
    CircuitRegistration {
        statement,
        version: Ownership::VERSION,
        depth: 10,
        leaf_format: LEAF_FORMAT,
        auxiliary_format: 0,
        provenance: Provenance::Development,
        constraint_system_hash: KEY.header().constraint_system_hash,
        transcript_hash: [0; 32],
        verifying_key: KEY.verifying_key().to_bytes(),
    }
}

/// Returns the address of the circuit account.
pub fn address() -> Address {
    addresses::circuit_of(&description()).address
}
