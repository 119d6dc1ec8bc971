//! Tests that this crate reads and verifies the files of snarkjs, and that snarkjs accepts the
//! files of this crate.

use bauta_iden3::{ContributionKind, Witness, ZKey};

use super::*;

#[test]
fn snarkjs_reads_our_constraint_system_and_witness() {
    let ceremony = Ceremony::new("files", 6);
    let output = ceremony.run(&["r1cs", "info", "circuit.r1cs"]);
    for line in [
        "# of Wires: 12",
        "# of Constraints: 8",
        "# of Private Inputs: 2",
        "# of Public Inputs: 1",
        "# of Outputs: 1",
    ] {
        assert!(output.contains(line), "{line} is not in {output}");
    }
    ceremony.run(&["r1cs", "export", "json", "circuit.r1cs", "circuit.json"]);
    let exported = json(&fs::read_to_string(ceremony.path("circuit.json")).expect("snarkjs wrote it"));
    for (row, constraint) in ceremony.system.constraints.iter().enumerate() {
        for (matrix, terms) in [&constraint.a, &constraint.b, &constraint.c]
            .into_iter()
            .enumerate()
        {
            let expected: serde_json::Map<_, _> = terms
                .iter()
                .map(|(wire, value)| (wire.to_string(), value.to_string().into()))
                .collect();
            assert_eq!(
                exported["constraints"][row][matrix],
                serde_json::Value::Object(expected)
            );
        }
    }
    assert!(
        ceremony
            .run(&["wtns", "check", "circuit.r1cs", "witness.wtns"])
            .contains("WITNESS IS CORRECT")
    );

    let mut wrong = ceremony.z.clone();
    wrong[8] += Fr::from(1_u64);
    ceremony.system.is_satisfied(&wrong).expect_err("a wrong wire");
    ceremony.write("wrong.wtns", &Witness::new(wrong).to_bytes().expect("few values"));
    ceremony
        .snarkjs
        .run(
            &ceremony.directory,
            &["wtns", "check", "circuit.r1cs", "wrong.wtns"],
        )
        .expect_err("snarkjs refuses it");
}

#[test]
fn a_ceremony_of_snarkjs_is_verified_and_its_key_proves() {
    let ceremony = &*CEREMONY;
    let output = ceremony.run(&["zkey", "verify", "circuit.r1cs", "powers.ptau", "final.zkey"]);
    assert!(output.contains("ZKey Ok!"), "{output}");

    let key = ceremony.read_key("final.zkey");
    let mut powers = ceremony.powers();
    assert_eq!(
        check_all(&key, &ceremony.system, &mut powers).expect("an honest ceremony"),
        3
    );

    let names: Vec<_> = key
        .contributions
        .iter()
        .map(|contribution| contribution.name.as_deref())
        .collect();
    assert_eq!(
        names,
        [
            Some("first contributor"),
            Some("zweite Mitwirkende: Zoë"),
            Some("beacon")
        ]
    );
    let ContributionKind::Beacon {
        hash,
        iterations_exp: 10,
    } = &key.contributions[2].kind
    else {
        panic!(
            "the last contribution is a beacon: {:?}",
            key.contributions[2].kind
        );
    };
    assert_eq!(hex::encode(hash), BEACON);
    // snarkjs prints hashes as 16 groups of 8 hex digits.
    let printed: String = output.split_whitespace().collect();
    for hash in key.verify_transcript().expect("verified above") {
        let hex = hex::encode(hash);
        assert!(printed.contains(&hex), "{hex} is not in {output}");
    }

    let bytes = fs::read(ceremony.path("final.zkey")).expect("snarkjs wrote it");
    assert!(
        key.to_bytes().expect("consistent") == bytes,
        "reading and writing must not change the bytes of snarkjs"
    );
    ceremony.prove_and_verify("final.zkey");
}

#[test]
fn snarkjs_proves_with_our_development_key_and_continues_its_transcript() {
    let ceremony = Ceremony::new("development", 20);
    let key = ZKey::development(&ceremony.system, &mut rng(5)).expect("a valid system");
    ceremony.write("development.zkey", &key.to_bytes().expect("consistent"));
    ceremony.prove_and_verify("development.zkey");

    ceremony.run(&[
        "zkey",
        "contribute",
        "development.zkey",
        "next.zkey",
        "-n=next",
        "-e=entropy",
    ]);
    let next = ceremony.read_key("next.zkey");
    assert_eq!(
        next.verify_transcript()
            .expect("our contribution, then snarkjs's")
            .len(),
        2
    );
    next.check_sound().expect("the key is sound");
}

#[test]
fn our_contribution_is_verified_by_snarkjs() {
    let ceremony = &*CEREMONY;
    let mut key = ceremony.read_key("0.zkey");
    let hash = key.contribute("ours", &mut rng(6));
    ceremony.write("ours.zkey", &key.to_bytes().expect("consistent"));
    let output = ceremony.run(&["zkey", "verify", "circuit.r1cs", "powers.ptau", "ours.zkey"]);
    assert!(output.contains("ZKey Ok!"), "{output}");
    let hex = hex::encode(hash);
    assert!(
        output.split_whitespace().collect::<String>().contains(&hex),
        "{hex} is not in {output}"
    );
    check_all(&key, &ceremony.system, &mut ceremony.powers()).expect("our own contribution");
}

#[test]
fn a_key_from_exactly_as_many_powers_as_it_needs_is_verified() {
    let ceremony = &*TIGHT;
    assert_eq!(ceremony.system.domain_size(), 32);
    let key = ceremony.read_key("final.zkey");
    check_all(&key, &ceremony.system, &mut ceremony.powers()).expect("an honest ceremony");
    ceremony.prove_and_verify("final.zkey");
}
