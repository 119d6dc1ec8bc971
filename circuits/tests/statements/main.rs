//! Compares the constraints of each statement with its form in ordinary code, tests what is
//! refused, and makes whole proofs.

mod address;
#[path = "../common/mod.rs"]
mod common;
mod list;
mod ownership;
#[path = "../common/presentations.rs"]
mod presentations;
mod reputation;

use bauta_circuits::{
    CircuitsError, Key, Statement,
    statement::{assign, assign_parallel, evaluate, r1cs},
};
use bauta_iden3::R1cs;
use bauta_primitives::{Claim, Context, Digest, FieldElement, Nullifier, ProofInputs, Root, Scope};

/// The page with the sizes of keys.
const PAGE: &str = include_str!("../../../docs/benchmarks/circuits.md");

/// Asserts that the inputs satisfy the constraints, and that the digest is that of the ordinary
/// code.
fn assert_agree<S: Statement>(statement: &S, r1cs: &R1cs, inputs: &ProofInputs<S::Private>) {
    let evaluation = evaluate(statement, inputs).unwrap();
    let (wires, constraints) = (r1cs.wires as usize, r1cs.constraints.len());
    let assignment = assign(statement, inputs, wires, constraints).unwrap();
    let parallel = assign_parallel(statement, inputs, wires, constraints).unwrap();
    assert_eq!(parallel.wires(), assignment.wires());
    assert_eq!((parallel.a(), parallel.b()), (assignment.a(), assignment.b()));
    r1cs.is_satisfied(assignment.wires()).unwrap();
    assert_eq!(assignment.digest(), evaluation.digest);
    let rows = r1cs.evaluations(assignment.wires()).unwrap();
    assert_eq!(assignment.a(), rows.a);
    assert_eq!(assignment.b(), rows.b);
}

/// Returns the error for inputs that break a rule. Asserts that no proof can be made with them.
fn refusal<S: Statement>(statement: &S, inputs: &ProofInputs<S::Private>) -> CircuitsError {
    let error = evaluate(statement, inputs).unwrap_err();
    for assign in [assign::<S>, assign_parallel::<S>] {
        let refused = assign(statement, inputs, 0, 0).err().unwrap();
        assert_eq!(refused.to_string(), error.to_string());
    }
    error
}

/// Makes a proof with the development key, and asserts that it is valid for its digest and for no
/// digest with another public value.
fn assert_proves<S: Statement>(statement: S, inputs: &ProofInputs<S::Private>) {
    let key = Key::development(statement).unwrap();
    let (length, depth) = (key.to_bytes().unwrap().len(), key.statement().depth() as u8);
    let row = format!("| {} | {depth} | {length} | 576 | 256 |", S::NAME);
    assert!(
        PAGE.contains(&row),
        "docs/benchmarks/circuits.md must contain {row}"
    );
    let evaluation = evaluate(key.statement(), inputs).unwrap();
    let proof = key.prove(inputs, &mut common::rng(1)).unwrap();
    let verify = |digest: Digest| key.verifying_key().verify(digest, &proof);
    verify(evaluation.digest).unwrap();
    let mut parts = [evaluation.public; 5];
    let other = FieldElement::from_u64(77);
    parts[0].root = Root::new(other);
    parts[1].nullifier = Nullifier::new(other);
    parts[2].scope = Scope::new(other);
    parts[3].claim = Claim::new(other);
    parts[4].context = Context::new(other);
    for changed in parts {
        assert!(matches!(
            verify(changed.digest()),
            Err(CircuitsError::InvalidProof)
        ));
    }
}

/// Returns the statement's constraints, whose number must be this.
fn r1cs_of<S: Statement>(statement: &S, constraints: usize) -> R1cs {
    let r1cs = r1cs(statement);
    assert_eq!(r1cs.constraints.len(), constraints);
    assert_eq!(r1cs.n_public(), 1);
    r1cs
}
