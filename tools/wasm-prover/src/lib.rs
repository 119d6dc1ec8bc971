//! The prover of the ownership statement for `wasm32-unknown-unknown`, with a C interface.
//!
//! ```text
//!   input(n) -> address; the host writes n bytes there; the next call reads and wipes them
//!
//!   supported()          whether the arithmetic of this build is right on this engine
//!   load_key()           web-key file           -->
//!   prove()              proof inputs           --> proof and public values
//!   prove_c()            proof inputs           --> the unblinded C
//!   prove_rest()         proof inputs           -->               on another worker
//!   combine()            the unblinded C        --> proof and public values, after prove_rest
//!   derive()             master secret, entry   --> the entry's secret
//!   commit()             secret                 --> commitment
//!   nullify()            secret, entry, scope   --> nullifier
//!   verify()             verifying key, proof, digest --> whether the proof is valid
//!
//!   output() -> address, output_length(): the result, or an error message if the call returned 0
//! ```
//!
//! The same source is built twice. With relaxed SIMD, it uses the back end of fused multiply-adds.
//! The host must call `supported` first and use the other build if the result is 0. Without relaxed
//! SIMD, it uses the back end of 29-bit limbs.
//!
//! Randomness comes from the host: each proof's inputs begin with 32 bytes of its cryptographic
//! generator. `bauta_circuits::web_inputs` has the layout of the inputs after them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_circuits::{Evaluation, Proof, VerifyingKey, web_inputs};
use bauta_primitives::{Digest, EntryId, IdentitySecret, MasterSecret, Scope};
use bauta_prover::{BlindedParts, CompactEngine, CompactKey, UnblindedC, Witness};
use zeroize::Zeroize;

#[cfg(target_feature = "relaxed-simd")]
type BackEnd = bauta_packed_field::Fused;
#[cfg(not(target_feature = "relaxed-simd"))]
type BackEnd = bauta_packed_field::Limbs29;

#[cfg(target_feature = "relaxed-simd")]
fn back_end() -> Option<BackEnd> {
    BackEnd::detect()
}
#[cfg(not(target_feature = "relaxed-simd"))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "the other build's back end needs a check"
)]
fn back_end() -> Option<BackEnd> {
    Some(bauta_packed_field::Limbs29)
}

/// The largest accepted input.
const MAX_INPUT: usize = 16 << 20;

/// A started proof, which `combine` completes.
struct Started {
    parts: BlindedParts,
    witness: Witness,
    evaluation: Evaluation,
}

struct State {
    input: Vec<u8>,
    output: Vec<u8>,
    engine: Option<CompactEngine<BackEnd>>,
    started: Option<Started>,
}

static STATE: Mutex<State> = Mutex::new(State {
    input: Vec::new(),
    output: Vec::new(),
    engine: None,
    started: None,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wipes the last output and reserves memory for the input of the next call. Returns its address,
/// or 0 if the length is above 16 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: u32) -> u32 {
    let length = length as usize;
    let mut state = state();
    state.input.zeroize();
    state.output.zeroize();
    if length > MAX_INPUT {
        return 0;
    }
    state.input = vec![0; length];
    address(&state.input)
}

/// Returns the address of the last call's output.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> u32 {
    address(&state().output)
}

/// Returns the length of the last call's output in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn output_length() -> u32 {
    u32::try_from(state().output.len()).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_possible_truncation, reason = "addresses have 32 bits here")]
fn address(bytes: &[u8]) -> u32 {
    bytes.as_ptr() as usize as u32
}

/// Returns 1 if the arithmetic of this build is right on this engine, and 0 if not.
#[unsafe(no_mangle)]
pub extern "C" fn supported() -> u32 {
    u32::from(back_end().is_some())
}

/// Reads a web-key file, which replaces the key of earlier calls.
#[unsafe(no_mangle)]
pub extern "C" fn load_key() -> u32 {
    call(|state, input| {
        let arch = back_end().ok_or("multiply-adds are not fused on this engine; use the other build")?;
        state.engine = None;
        let key = CompactKey::from_bytes(input).map_err(message)?;
        state.engine = Some(CompactEngine::new(arch, key).map_err(message)?);
        Ok(Vec::new())
    })
}

/// Makes a proof and verifies it.
#[unsafe(no_mangle)]
pub extern "C" fn prove() -> u32 {
    call(|state, input| {
        let engine = engine(state)?;
        let (mut rng, witness, evaluation) = read(engine, input)?;
        let proof = engine.prove(&witness, &mut rng).map_err(message)?;
        Ok(proof_bytes(&proof, &evaluation))
    })
}

/// Computes the unblinded C of a proof. It is secret.
#[unsafe(no_mangle)]
pub extern "C" fn prove_c() -> u32 {
    call(|state, input| {
        let engine = engine(state)?;
        let (_, witness, _) = read(engine, input)?;
        Ok(engine.unblinded_c(&witness).map_err(message)?.to_bytes().to_vec())
    })
}

/// Computes the rest of a proof and keeps it for `combine`.
#[unsafe(no_mangle)]
pub extern "C" fn prove_rest() -> u32 {
    call(|state, input| {
        let engine = engine(state)?;
        let (mut rng, witness, evaluation) = read(engine, input)?;
        let parts = engine.blinded_parts(&witness, &mut rng).map_err(message)?;
        state.started = Some(Started {
            parts,
            witness,
            evaluation,
        });
        Ok(Vec::new())
    })
}

/// Completes the proof that `prove_rest` has started, and verifies it.
#[unsafe(no_mangle)]
pub extern "C" fn combine() -> u32 {
    call(|state, input| {
        let started = state
            .started
            .take()
            .ok_or("there is no started proof; call prove_rest first")?;
        let c = input
            .try_into()
            .ok()
            .and_then(UnblindedC::from_bytes)
            .ok_or("the input is not a point of G1")?;
        let proof = engine(state)?
            .combine(&started.parts, &c, &started.witness)
            .map_err(message)?;
        Ok(proof_bytes(&proof, &started.evaluation))
    })
}

/// Derives the secret of an entry from the master secret: 32 bytes each of master secret, registry
/// and entry id, then the counter as 4 big-endian bytes. The output is secret.
#[unsafe(no_mangle)]
pub extern "C" fn derive() -> u32 {
    call(|_, mut input| {
        let mut master = *take(&mut input)?;
        let master = MasterSecret::from_bytes(&mut master);
        let registry = take(&mut input)?;
        let entry_id = EntryId::from_bytes(*take(&mut input)?).map_err(message)?;
        let counter = u32::from_be_bytes(*take(&mut input)?);
        Ok(master.identity(registry, entry_id, counter).expose().to_vec())
    })
}

/// Computes the commitment to a secret.
#[unsafe(no_mangle)]
pub extern "C" fn commit() -> u32 {
    call(|_, mut input| Ok(secret(&mut input)?.commitment().to_bytes().to_vec()))
}

/// Computes the nullifier of a secret, an entry id and a scope, of 32 bytes each.
#[unsafe(no_mangle)]
pub extern "C" fn nullify() -> u32 {
    call(|_, mut input| {
        let secret = secret(&mut input)?;
        let entry_id = EntryId::from_bytes(*take(&mut input)?).map_err(message)?;
        let scope = Scope::from_bytes(*take(&mut input)?).map_err(message)?;
        Ok(secret.nullifier(entry_id, scope).to_bytes().to_vec())
    })
}

/// Verifies a proof: the verifying key and the proof in the program's form, then the digest. The
/// output is 1 if the proof is valid, and 0 if not. It needs no web key.
#[unsafe(no_mangle)]
pub extern "C" fn verify() -> u32 {
    call(|_, mut input| {
        let key = VerifyingKey::from_bytes(take(&mut input)?).map_err(message)?;
        let proof = Proof::from_bytes(take(&mut input)?);
        let digest = Digest::from_bytes(*take(&mut input)?).map_err(message)?;
        let is_valid = proof.is_ok_and(|proof| key.is_valid_by_engine(digest, &proof));
        Ok(vec![u8::from(is_valid)])
    })
}

/// A result, or a message. Trait objects of errors would add their `Debug` forms to the module.
type Result<T> = std::result::Result<T, String>;

/// Runs a call with the input, wipes the input, and stores the result or the error message.
fn call(run: impl FnOnce(&mut State, &[u8]) -> Result<Vec<u8>>) -> u32 {
    let mut state = state();
    state.output.zeroize();
    let mut input = std::mem::take(&mut state.input);
    let result = run(&mut state, &input);
    input.zeroize();
    let (output, success) = match result {
        Ok(output) => (output, 1),
        Err(message) => (message.into_bytes(), 0),
    };
    state.output = output;
    success
}

fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn engine(state: &State) -> Result<&CompactEngine<BackEnd>> {
    Ok(state
        .engine
        .as_ref()
        .ok_or("there is no key; call load_key first")?)
}

/// Takes the first bytes of the input.
fn take<'a, const N: usize>(input: &mut &'a [u8]) -> Result<&'a [u8; N]> {
    let (first, rest) = input.split_first_chunk().ok_or("the input is too short")?;
    *input = rest;
    Ok(first)
}

/// Takes the secret of an entry.
fn secret(input: &mut &[u8]) -> Result<IdentitySecret> {
    let mut bytes = *take(input)?;
    IdentitySecret::from_bytes(&mut bytes).map_err(message)
}

/// Reads the seed and the inputs of a proof, checks the statement and computes the witness.
fn read(engine: &CompactEngine<BackEnd>, input: &[u8]) -> Result<(StdRng, Witness, Evaluation)> {
    let (seed, inputs) = input
        .split_first_chunk()
        .ok_or("the input has no seed of 32 bytes")?;
    let (evaluation, assignment) =
        web_inputs::evaluate_and_assign(inputs, engine.wires(), engine.constraints()).map_err(message)?;
    Ok((StdRng::from_seed(*seed), assignment.into_witness(), evaluation))
}

/// Returns the proof in the program's form, then root, nullifier, scope, claim, context and digest.
fn proof_bytes(proof: &bauta_prover::Proof, evaluation: &Evaluation) -> Vec<u8> {
    let bauta_prover::Proof { a, b, c } = *proof;
    let public = &evaluation.public;
    let mut bytes = Proof::from(ark_groth16::Proof { a, b, c }).to_bytes().to_vec();
    for value in [
        public.root.to_bytes(),
        public.nullifier.to_bytes(),
        public.scope.to_bytes(),
        public.claim.to_bytes(),
        public.context.to_bytes(),
        evaluation.digest.to_bytes(),
    ] {
        bytes.extend(value);
    }
    bytes
}

fn no_randomness(_: &mut [u8]) -> std::result::Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}
getrandom::register_custom_getrandom!(no_randomness);
