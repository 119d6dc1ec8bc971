//! What is checked before anything is paid: the cheap checks first, then the proof, then a
//! simulation.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bauta_circuits::{PreparedVerifyingKey, Proof, VerifyingKey};
use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, PublicInputs, poseidon};
use bauta_store::{Circuit, CircuitStatus, Scope, ScopeMode, ScopeStatus};

use super::{
    Shared,
    error::RelayError,
    request::{CheckedRequest, MIN_VALIDITY_SECONDS, RelayRequest},
    transaction,
};
use crate::{time::unix_seconds, verifying_keys::VerifyingKeys};

/// The prepared verifying keys by hash. Only keys of registered circuits are kept.
pub type Prepared = Mutex<HashMap<[u8; 32], Arc<PreparedVerifyingKey>>>;

/// Checks a request. Returns the instruction and its compute units.
pub async fn check(
    shared: &Shared,
    keys: &VerifyingKeys,
    prepared: &Prepared,
    request: &RelayRequest,
) -> Result<CheckedRequest, RelayError> {
    let now = unix_seconds();
    let scope = shared.store.scope(request.scope).await?;
    shared.policy.check(&scope, now)?;
    check_scope(&scope, request, now)?;
    check_root(shared, &scope, request, now).await?;
    if shared.store.nullifier(&scope, request.nullifier).await?.is_some() {
        return Err(RelayError::NullifierUsed);
    }
    let circuits = shared.store.circuits().await?;
    let circuit = circuits
        .into_iter()
        .find(|circuit| circuit.address == scope.circuit);
    let circuit = circuit
        .filter(|circuit| is_active(circuit, now))
        .ok_or(RelayError::CircuitInactive)?;
    let verify = instruction(&scope, request);
    let key = prepared_key(keys, prepared, &circuit).await?;
    check_proof(&scope, &verify, key).await?;
    // A node that simulates a request knows it. A request with a delay is simulated when it is
    // sent.
    let compute_units = if request.max_delay_seconds == 0 {
        transaction::simulate(shared, &verify).await?
    } else {
        transaction::LARGEST_VERIFICATION
    };
    Ok(CheckedRequest {
        verify,
        compute_units,
    })
}

fn is_active(circuit: &Circuit, now: i64) -> bool {
    circuit.status == CircuitStatus::Active && circuit.retires_at.is_none_or(|at| now < at)
}

fn check_scope(scope: &Scope, request: &RelayRequest, now: i64) -> Result<(), RelayError> {
    if scope.gate.is_some() {
        return Err(RelayError::Gated);
    }
    let last = now + i64::from(request.max_delay_seconds);
    if scope.status != ScopeStatus::Open || scope.closes_at <= last {
        return Err(RelayError::ScopeNotOpen { state: "closed" });
    }
    if now < scope.opens_at {
        return Err(RelayError::ScopeNotOpen {
            state: "not open yet",
        });
    }
    if let Some(required) = scope.required_claim
        && required != request.claim.element()
    {
        return Err(RelayError::OtherClaim {
            required: required.to_string(),
        });
    }
    match (scope.auxiliary_registry, request.auxiliary_root) {
        (Some(_), None) => return Err(RelayError::AuxiliaryRoot("needs auxiliary_root")),
        (None, Some(_)) => return Err(RelayError::AuxiliaryRoot("has no auxiliary registry")),
        _ => {}
    }
    if request.expiry < last.saturating_add(MIN_VALIDITY_SECONDS) {
        return Err(RelayError::ExpiresSoon);
    }
    Ok(())
}

async fn check_root(
    shared: &Shared,
    scope: &Scope,
    request: &RelayRequest,
    now: i64,
) -> Result<(), RelayError> {
    let accepted = match scope.mode {
        ScopeMode::Snapshot => scope.root == Some(request.root),
        ScopeMode::Live => {
            let registry = shared.store.registry(scope.registry).await?;
            let roots = shared.store.valid_roots(&registry, now).await?;
            // A root that only a snapshot copied is not accepted here.
            let is_kept = |until: Option<i64>| until.is_some_and(|until| now < until);
            roots.iter().any(|known| {
                known.root == request.root && (known.replaced_at.is_none() || is_kept(known.valid_until))
            })
        }
    };
    if accepted {
        Ok(())
    } else {
        Err(RelayError::RootNotValid)
    }
}

fn instruction(scope: &Scope, request: &RelayRequest) -> Verify {
    Verify {
        payer: request.relayer,
        scope: scope.address,
        circuit: scope.circuit,
        registry: (scope.mode == ScopeMode::Live).then_some(scope.registry),
        auxiliary_registry: scope.auxiliary_registry,
        gate: None,
        recipient: request.recipient,
        relayer: Some(request.relayer),
        proof: request.proof,
        root: request.root,
        nullifier: request.nullifier,
        claim: request.claim,
        auxiliary_root: request.auxiliary_root,
        expiry: request.expiry,
        payload: request.payload.clone(),
    }
}

async fn prepared_key(
    keys: &VerifyingKeys,
    prepared: &Prepared,
    circuit: &Circuit,
) -> Result<Arc<PreparedVerifyingKey>, RelayError> {
    let known = |hash| {
        let kept = prepared.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(hash).cloned()
    };
    if let Some(key) = known(&circuit.vk_hash) {
        return Ok(key);
    }
    let bytes = keys.get(&circuit.address, circuit.vk_hash).await?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|error| RelayError::Internal(error.to_string()))?;
    let key = Arc::new(key.prepare());
    prepared
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(circuit.vk_hash, key.clone());
    Ok(key)
}

/// Verifies the proof for the values that the program would verify it for.
async fn check_proof(
    scope: &Scope,
    verify: &Verify,
    key: Arc<PreparedVerifyingKey>,
) -> Result<(), RelayError> {
    let claim = match verify.auxiliary_root {
        None => verify.claim,
        Some(root) => Claim::new(poseidon::hash([verify.claim.element(), root.element()])),
    };
    let public = PublicInputs {
        root: verify.root,
        nullifier: verify.nullifier,
        scope: scope.scope,
        claim,
        context: verify.context(),
    };
    let proof = verify.proof;
    let verified = tokio::task::spawn_blocking(move || {
        let proof = Proof::from_bytes(&proof).map_err(|_| RelayError::ProofRefused)?;
        key.verify(public.digest(), &proof)
            .map_err(|_| RelayError::ProofRefused)
    });
    verified
        .await
        .map_err(|error| RelayError::Internal(error.to_string()))?
}
