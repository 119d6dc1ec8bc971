//! Compares the constraints of `ownership` with its form in ordinary code and with arkworks's own
//! checker, and makes whole proofs.

use ark_bn254::Fr;
use ark_ff::{Field, PrimeField, UniformRand};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem};
use bauta_circuits::{
    CircuitsError, Key, Ownership, Proof,
    statement::{ArkworksCircuit, assign, evaluate, r1cs},
};
use bauta_primitives::{
    Claim, FieldElement, ProofInputs, Root,
    tree::{Depth, MembershipPath},
};

use super::common::{Member, element, rng};

const DEPTHS: [Depth; 2] = [Depth::Ten, Depth::Sixteen];

#[test]
fn constraints_fit_the_domain_they_were_designed_for() {
    let ten = r1cs(&Ownership::new(Depth::Ten));
    assert!(ten.constraints.len() <= 4_090);
    assert_eq!(ten.domain_size(), 4_096);
    assert_eq!(ten.n_public(), 1);
    let sixteen = r1cs(&Ownership::new(Depth::Sixteen));
    assert!(sixteen.constraints.len() <= 5_905);
    assert_eq!(sixteen.constraints.len() - ten.constraints.len(), 6 * 302);
}

/// Every key, every ceremony and every `vk_hash` belongs to one constraint system, so a change of
/// the shared gadgets must not change this one.
#[test]
fn the_constraints_of_version_1_never_change() {
    let hashes = DEPTHS.map(|depth| hex::encode(r1cs(&Ownership::new(depth)).hash()));
    assert_eq!(
        hashes,
        [
            "61456d8c6013d548d41352c28972a1a9a1cfb13b7f7aa06a098811216afba980",
            "be5de56fa05ab464fda01f185b3e5444ca2fb4a9d9808d15be7f8b6580ce549b",
        ]
    );
}

#[test]
fn random_members_satisfy_the_constraints_and_agree_with_the_plain_code() {
    for depth in DEPTHS {
        let statement = Ownership::new(depth);
        let r1cs = r1cs(&statement);
        for seed in 0..10 {
            assert_agree(statement, &r1cs, &Member::random(depth, &mut rng(seed)));
        }
    }
}

#[test]
fn edge_values_satisfy_the_constraints_and_agree_with_the_plain_code() {
    let largest = {
        let mut bytes = FieldElement::MODULUS;
        bytes[31] -= 1;
        FieldElement::from_bytes("r - 1", bytes).unwrap()
    };
    for depth in DEPTHS {
        let statement = Ownership::new(depth);
        let r1cs = r1cs(&statement);
        for value in [FieldElement::ZERO, FieldElement::from_u64(1), largest] {
            for index in [0, 1, 2, 3, depth.capacity() - 1] {
                let member = Member {
                    depth,
                    secret: value,
                    entry_id: value,
                    attributes: value,
                    index,
                    path: vec![[value; 3]; depth.levels()],
                    scope: value,
                    context: value,
                };
                assert_agree(statement, &r1cs, &member);
            }
        }
    }
}

fn assert_agree(statement: Ownership, r1cs: &bauta_iden3::R1cs, member: &Member) {
    super::assert_agree(&statement, r1cs, &member.inputs());
}

#[test]
fn arkworks_sees_the_same_constraints() {
    let statement = Ownership::new(Depth::Ten);
    let inputs = Member::random(Depth::Ten, &mut rng(1)).inputs();
    let system = ConstraintSystem::new_ref();
    ArkworksCircuit {
        statement: &statement,
        inputs: Some(&inputs),
    }
    .generate_constraints(system.clone())
    .unwrap();
    system.finalize();
    assert!(system.is_satisfied().unwrap());
    let r1cs = r1cs(&statement);
    assert_eq!(system.num_constraints(), r1cs.constraints.len());
    assert_eq!(system.num_instance_variables(), r1cs.n_public() as usize + 1);
    assert_eq!(system.num_variables(), r1cs.wires as usize);
}

#[test]
fn inputs_that_break_a_rule_are_refused_by_name() {
    let rng = &mut rng(2);
    let statement = Ownership::new(Depth::Ten);
    let member = Member::random(Depth::Ten, rng);
    let wrong = |change: &mut dyn FnMut(&mut ProofInputs)| {
        let mut inputs = member.inputs();
        change(&mut inputs);
        super::refusal(&statement, &inputs)
    };
    let other = element(rng);
    assert!(matches!(
        wrong(&mut |inputs| inputs.root = Root::new(other)),
        CircuitsError::WrongRoot
    ));
    assert!(matches!(
        wrong(&mut |inputs| {
            let (depth, index) = (inputs.path.depth(), inputs.path.index());
            let mut siblings = inputs.path.siblings().to_vec();
            siblings[9][2] = other;
            inputs.path = MembershipPath::new(depth, index, siblings).unwrap();
        }),
        CircuitsError::WrongRoot
    ));
    assert!(matches!(
        wrong(&mut |inputs| inputs.claim = Claim::new(other)),
        CircuitsError::WrongClaim { .. }
    ));
    let deeper = Member::random(Depth::Sixteen, rng).inputs();
    let deeper = wrong(&mut |inputs| inputs.path = deeper.path.clone());
    assert_eq!(
        deeper.to_string(),
        "the path does not fit the statement's tree: a path has 16 levels of siblings where the tree has 10"
    );
}

#[test]
fn a_proof_holds_for_its_digest_alone_and_every_proof_is_blinded_afresh() {
    let rng = &mut rng(3);
    let key = Key::development(Ownership::new(Depth::Ten)).unwrap();
    let member = Member::random(Depth::Ten, rng);
    let inputs = member.inputs();
    let evaluation = evaluate(key.statement(), &inputs).unwrap();
    let proof = key.prove(&inputs, rng).unwrap();
    key.verifying_key().verify(evaluation.digest, &proof).unwrap();
    assert_eq!(Proof::from_bytes(&proof.to_bytes()).unwrap(), proof);

    let mut parts = [evaluation.public; 5];
    let other = element(rng);
    parts[0].root = Root::new(other);
    parts[1].nullifier = bauta_primitives::Nullifier::new(other);
    parts[2].scope = bauta_primitives::Scope::new(other);
    parts[3].claim = Claim::new(other);
    parts[4].context = bauta_primitives::Context::new(other);
    for changed in parts {
        let result = key.verifying_key().verify(changed.digest(), &proof);
        assert!(matches!(result, Err(CircuitsError::InvalidProof)), "{changed:?}");
    }

    let second = key.prove(&inputs, rng).unwrap();
    assert_ne!(second, proof);
    key.verifying_key().verify(evaluation.digest, &second).unwrap();
}

#[test]
fn arkworks_proves_with_the_same_key_and_accepts_the_engines_proofs() {
    let rng = &mut rng(4);
    let key = Key::development(Ownership::new(Depth::Ten)).unwrap();
    let inputs = Member::random(Depth::Ten, rng).inputs();
    let digest = evaluate(key.statement(), &inputs).unwrap().digest;
    let r1cs = r1cs(key.statement());
    let assignment = assign(
        key.statement(),
        &inputs,
        r1cs.wires as usize,
        r1cs.constraints.len(),
    )
    .unwrap();

    let reference = bauta_peers::groth16::prove(
        &key.zkey().to_ark_proving_key(),
        [Fr::rand(rng), Fr::rand(rng)],
        &r1cs.to_ark_matrices(),
        2,
        assignment.wires(),
    );
    let verifying_key = key.zkey().to_ark_verifying_key();
    let public = [Fr::from_be_bytes_mod_order(&digest.to_bytes())];
    for proof in [reference, key.prove(&inputs, rng).unwrap().to_ark()] {
        assert!(bauta_peers::groth16::verifies(&verifying_key, &public, &proof));
        assert!(!bauta_peers::groth16::verifies(
            &verifying_key,
            &[public[0] + Fr::ONE],
            &proof
        ));
    }
}
