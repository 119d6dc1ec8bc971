//! What is checked before anything is paid: the cheap checks first, then the proof, then a
//! simulation.

use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, PublicInputs, poseidon};
use bauta_store::{Circuit, CircuitStatus, Scope, ScopeMode, ScopeStatus};
use tokio::sync::Semaphore;

use super::{
    Shared,
    checked::{CheckedRequest, Payment, check_build},
    error::RelayError,
    payment,
    request::{Fee, MIN_VALIDITY_SECONDS, RelayRequest},
    transaction,
};
use crate::{time::unix_seconds, verifier::Verifier, verifying_keys::VerifyingKeys};

/// Verifies the proofs of requests. Clients take turns.
pub struct Proofs<'a> {
    /// Makes the verdicts, and keeps them.
    pub verifier: &'a Verifier,
    /// The verifying keys of the circuits.
    pub keys: &'a VerifyingKeys,
    /// The client that sent the request.
    pub client: &'a str,
}

/// Checks a request. Returns the instruction and its compute units.
pub async fn check(
    shared: &Shared,
    proofs: &Proofs<'_>,
    simulations: &Semaphore,
    request: &RelayRequest,
) -> Result<CheckedRequest, RelayError> {
    let now = unix_seconds();
    let scope = shared.store.scope(request.scope).await?;
    if request.fee == Fee::Sponsored {
        shared.policy.check(&scope, now)?;
    }
    check_scope(&scope, request, now)?;
    let mut checked = transaction_of(shared, &scope, request)?;
    check_build(&checked)?;
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
    check_proof(proofs, &circuit, &scope, &checked.verify).await?;
    // A node that simulates a request knows it. A request with a delay is simulated when it is
    // sent.
    if request.max_delay_seconds == 0 {
        // The semaphore is never closed.
        let permit = simulations.acquire().await.map_err(|_| RelayError::Busy)?;
        let compute_units = transaction::simulate(shared, &checked).await?;
        drop(permit);
        if request.signed_transaction.is_none() {
            checked.compute_units = compute_units;
        } else if u64::from(checked.compute_units) * 11 < u64::from(compute_units) * 10 {
            // The simulation used more, without the reserve of 10 %.
            return Err(RelayError::CoSignature("has too few compute units"));
        }
    }
    if let Some(signed) = checked.payment.as_ref().and_then(|payment| payment.signed)
        && !shared.nodes.is_accepted(signed.blockhash).await?
    {
        return Err(RelayError::BlockhashExpired);
    }
    Ok(checked)
}

/// Returns the instructions of a request, before they are simulated.
fn transaction_of(
    shared: &Shared,
    scope: &Scope,
    request: &RelayRequest,
) -> Result<CheckedRequest, RelayError> {
    let payer = request.payer();
    if request.fee == Fee::InTransaction && shared.wallets.get(&payer).is_some() {
        return Err(RelayError::OwnRecipient);
    }
    let call = match (&request.consumer, scope.gate) {
        (None, None) => None,
        (None, Some(_)) => return Err(RelayError::Gated),
        (Some(_), None) => return Err(RelayError::NotGated),
        (Some(call), Some(_)) => {
            let (consumers, wallets) = (&shared.consumers, &shared.wallets);
            Some(consumers.instruction(call, payer, request.relayer, wallets)?)
        }
    };
    let mut checked = CheckedRequest {
        verify: instruction(scope, request),
        call,
        payment: None,
        compute_units: 0,
    };
    checked.compute_units = checked.most_units();
    if let Some(signed) = &request.signed_transaction {
        payment::co_signed(shared, &mut checked, signed)?;
    } else if request.fee == Fee::InTransaction {
        checked.payment = Some(Payment {
            lamports: payment::due(0, 0),
            signed: None,
        });
    }
    Ok(checked)
}

fn is_active(circuit: &Circuit, now: i64) -> bool {
    circuit.status == CircuitStatus::Active && circuit.retires_at.is_none_or(|at| now < at)
}

fn check_scope(scope: &Scope, request: &RelayRequest, now: i64) -> Result<(), RelayError> {
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
        (Some(_), None) => {
            return Err(RelayError::AuxiliaryRoot(
                "needs auxiliary_root; give the root of its auxiliary registry",
            ));
        }
        (None, Some(_)) => {
            return Err(RelayError::AuxiliaryRoot(
                "has no auxiliary registry; omit auxiliary_root",
            ));
        }
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
        payer: request.payer(),
        scope: scope.address,
        circuit: scope.circuit,
        registry: (scope.mode == ScopeMode::Live).then_some(scope.registry),
        auxiliary_registry: scope.auxiliary_registry,
        gate: scope.gate,
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

/// Verifies the proof for the values that the program would verify it for.
async fn check_proof(
    proofs: &Proofs<'_>,
    circuit: &Circuit,
    scope: &Scope,
    verify: &Verify,
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
    let (digest, proof) = (public.digest(), verify.proof);
    let verdict = proofs
        .verifier
        .verdict(proofs.keys, proofs.client, circuit, digest, proof)
        .await?;
    verdict.map_err(|_| RelayError::ProofRefused)
}
