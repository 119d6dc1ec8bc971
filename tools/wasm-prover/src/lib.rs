//! The proving engine for `wasm32-unknown-unknown`: the portable back end on one thread, without
//! files.
//!
//! ```text
//!   host --write(KEY | WITNESS | SEED, byte)..--> prove() --> read(i).. --> proof.json, or an
//!   error
//! ```
//!
//! The host passes bytes one by one. This takes a few million calls, but needs no shared memory,
//! which is easy to get wrong. Randomness comes from the host's seed: 32 bytes of its cryptographic
//! generator, new for each proof.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_iden3::{ZKey, json};
use bauta_prover::{Engine, Options, Proof, Witness};

/// The inputs that the host has written, and the output that it can read.
struct State {
    /// The bytes of a `.zkey`, of a `.wtns` and of a seed.
    inputs: [Vec<u8>; 3],
    output: Vec<u8>,
}

static STATE: Mutex<State> = Mutex::new(State {
    inputs: [const { Vec::new() }; 3],
    output: Vec::new(),
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Appends a byte to input 0 (the key), 1 (the witness) or 2 (the seed). Other input numbers are
/// ignored.
#[unsafe(no_mangle)]
pub extern "C" fn write(input: u32, byte: u32) {
    let byte = byte.to_le_bytes()[0];
    if let Some(bytes) = state().inputs.get_mut(input as usize) {
        bytes.push(byte);
    }
}

/// Makes a proof, verifies it and empties the inputs. Returns 1 if this succeeds; the output is
/// then `proof.json` in the format of snarkjs. Returns 0 if it fails; the output is then an error
/// message.
#[unsafe(no_mangle)]
pub extern "C" fn prove() -> u32 {
    let mut state = state();
    let [key, witness, seed] = std::mem::take(&mut state.inputs);
    let (text, proved) = match proof(&key, &witness, &seed) {
        Ok(proof) => (proof, 1),
        Err(error) => (error.to_string(), 0),
    };
    state.output = text.into_bytes();
    proved
}

/// Returns the length of the output in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> u32 {
    u32::try_from(state().output.len()).unwrap_or(u32::MAX)
}

/// Returns a byte of the output, or 0 if `index` is beyond its end.
#[unsafe(no_mangle)]
pub extern "C" fn read(index: u32) -> u32 {
    state().output.get(index as usize).copied().map_or(0, u32::from)
}

fn proof(key: &[u8], witness: &[u8], seed: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
    let seed: [u8; 32] = seed.try_into().map_err(|_| "the seed must have 32 bytes")?;
    let engine = Engine::prepare_with(&ZKey::from_bytes(key)?, Options::service())?;
    let witness = bauta_iden3::Witness::from_bytes(witness)?;
    let witness = Witness::new(witness.values().to_vec());
    let Proof { a, b, c } = engine.prove(&witness, &mut StdRng::from_seed(seed))?;
    Ok(json::proof_to_json(&ark_groth16::Proof { a, b, c }))
}

fn no_randomness(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}
getrandom::register_custom_getrandom!(no_randomness);
