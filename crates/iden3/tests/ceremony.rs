//! A whole ceremony with the real snarkjs: our constraint system and witness go in, its key and proofs come out.

mod common;

use std::{
    fs::{self, File},
    io::{BufReader, Cursor},
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
};

use ark_bn254::{Bn254, Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::UniformRand;
use ark_groth16::{Groth16, r1cs_to_qap::LibsnarkReduction};
use ark_snark::SNARK;
use bauta_iden3::{
    ContributionKind, Error, PowersOfTau, R1cs, Witness, ZKey,
    json::{
        proof_from_json, proof_to_json, public_from_json, public_to_json, verifying_key_from_json,
        verifying_key_to_json,
    },
    snarkjs::Snarkjs,
};
use common::{chain, chain_witness, rng};

const BEACON: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A directory with `circuit.r1cs`, `witness.wtns` and what snarkjs makes of them.
struct Ceremony {
    snarkjs: Snarkjs,
    directory: PathBuf,
    system: R1cs,
    z: Vec<Fr>,
}

/// 22 constraints and 3 rows for public wires: a domain of 32. The powers are twice as many as needed.
static CEREMONY: LazyLock<Ceremony> = LazyLock::new(|| {
    let ceremony = Ceremony::new("ceremony", 20);
    ceremony.contribute(6);
    ceremony
});

/// 15 constraints and 3 rows: a domain of 32 again, and exactly as many powers.
static TIGHT: LazyLock<Ceremony> = LazyLock::new(|| {
    let ceremony = Ceremony::new("tight", 13);
    ceremony.contribute(5);
    ceremony
});

impl Ceremony {
    /// Writes `circuit.r1cs` and `witness.wtns`.
    fn new(name: &str, steps: u32) -> Self {
        let snarkjs = Snarkjs::install().expect("node, npm and, the first time, the network");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", process::id()));
        fs::create_dir_all(&directory).expect("cargo's directory for tests is writable");
        let (system, z) = (chain(steps), chain_witness(steps, 1));
        let ceremony = Self {
            snarkjs,
            directory,
            system,
            z,
        };
        ceremony.write(
            "circuit.r1cs",
            &ceremony.system.to_bytes().expect("a valid system"),
        );
        ceremony.write(
            "witness.wtns",
            &Witness::new(ceremony.z.clone()).to_bytes().expect("few values"),
        );
        ceremony
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).expect("the test's own directory");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.snarkjs
            .run(&self.directory, arguments)
            .expect("snarkjs accepts it")
    }

    fn read_key(&self, name: &str) -> ZKey {
        ZKey::from_bytes(&fs::read(self.path(name)).expect("snarkjs wrote it")).expect("snarkjs's key")
    }

    fn powers(&self) -> PowersOfTau<BufReader<File>> {
        let file = File::open(self.path("powers.ptau")).expect("snarkjs wrote it");
        PowersOfTau::open(BufReader::new(file)).expect("snarkjs's powers")
    }

    /// Powers of tau, the initial key, two contributions and a beacon.
    fn contribute(&self, power: u32) {
        self.snarkjs
            .powers_of_tau(&self.directory, power)
            .expect("snarkjs makes powers of tau");
        self.run(&["groth16", "setup", "circuit.r1cs", "powers.ptau", "0.zkey"]);
        self.run(&[
            "zkey",
            "contribute",
            "0.zkey",
            "1.zkey",
            "-n=first contributor",
            "-e=entropy one",
        ]);
        self.run(&[
            "zkey",
            "contribute",
            "1.zkey",
            "2.zkey",
            "-n=zweite Mitwirkende: Zoë",
            "-e=entropy two",
        ]);
        self.run(&[
            "zkey",
            "beacon",
            "2.zkey",
            "final.zkey",
            BEACON,
            "10",
            "-n=beacon",
        ]);
    }

    fn ark_proof(&self, key: &ZKey) -> ark_groth16::Proof<Bn254> {
        let mut rng = rng(7);
        let (r, s) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
            &key.to_ark_proving_key(),
            r,
            s,
            &self.system.to_ark_matrices(),
            self.system.n_public() as usize + 1,
            self.system.constraints.len(),
            &self.z,
        )
        .expect("a small domain")
    }

    fn public(&self) -> &[Fr] {
        &self.z[1..=self.system.n_public() as usize]
    }

    /// Both provers' proofs with a key are accepted by both verifiers.
    fn prove_and_verify(&self, name: &str) {
        let key = self.read_key(name);
        self.run(&["zkey", "export", "verificationkey", name, "vk.json"]);
        self.run(&[
            "groth16",
            "prove",
            name,
            "witness.wtns",
            "proof.json",
            "public.json",
        ]);
        let read = |name: &str| fs::read_to_string(self.path(name)).expect("snarkjs wrote it");

        let verifying = verifying_key_from_json(&read("vk.json")).expect("snarkjs's key");
        assert_eq!(verifying, key.to_ark_verifying_key());
        assert_eq!(json(&verifying_key_to_json(&verifying)), json(&read("vk.json")));
        let public = public_from_json(&read("public.json")).expect("snarkjs's inputs");
        assert_eq!(public, self.public());
        let proof = proof_from_json(&read("proof.json")).expect("snarkjs's proof");
        assert_eq!(json(&proof_to_json(&proof)), json(&read("proof.json")));
        assert!(Groth16::<Bn254>::verify(&verifying, &public, &proof).expect("two inputs"));

        self.write("our_proof.json", proof_to_json(&self.ark_proof(&key)).as_bytes());
        self.write("our_public.json", public_to_json(&public).as_bytes());
        self.write("our_vk.json", verifying_key_to_json(&verifying).as_bytes());
        let said = self.run(&[
            "groth16",
            "verify",
            "our_vk.json",
            "our_public.json",
            "our_proof.json",
        ]);
        assert!(said.contains("OK!"), "{said}");
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

fn check_all(key: &ZKey, system: &R1cs, powers: &mut PowersOfTau<BufReader<File>>) -> Result<usize, Error> {
    key.check_sound()?;
    key.check_circuit(system)?;
    key.check_powers(system, powers)?;
    key.verify_transcript().map(|hashes| hashes.len())
}

#[test]
fn snarkjs_reads_our_constraint_system_and_witness() {
    let ceremony = Ceremony::new("files", 6);
    let said = ceremony.run(&["r1cs", "info", "circuit.r1cs"]);
    for line in [
        "# of Wires: 12",
        "# of Constraints: 8",
        "# of Private Inputs: 2",
        "# of Public Inputs: 1",
        "# of Outputs: 1",
    ] {
        assert!(said.contains(line), "{line} isn't in {said}");
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
        .expect_err("snarkjs refuses it too");
}

#[test]
fn a_ceremony_of_snarkjs_is_verified_and_its_key_proves() {
    let ceremony = &*CEREMONY;
    let said = ceremony.run(&["zkey", "verify", "circuit.r1cs", "powers.ptau", "final.zkey"]);
    assert!(said.contains("ZKey Ok!"), "{said}");

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
    let printed: String = said.split_whitespace().collect();
    for hash in key.verify_transcript().expect("verified above") {
        let hex = hex::encode(hash);
        assert!(printed.contains(&hex), "{hex} isn't in {said}");
    }

    let bytes = fs::read(ceremony.path("final.zkey")).expect("snarkjs wrote it");
    assert!(
        key.to_bytes().expect("consistent") == bytes,
        "reading and writing changes snarkjs's bytes"
    );
    ceremony.prove_and_verify("final.zkey");
}

#[test]
fn the_initial_key_of_snarkjs_is_refused_because_gamma_equals_delta() {
    let ceremony = &*CEREMONY;
    let key = ceremony.read_key("0.zkey");
    key.check_powers(&ceremony.system, &mut ceremony.powers())
        .expect("only the contributions are missing");
    let error = key.check_sound().expect_err("nobody contributed");
    assert!(error.to_string().contains("γ = ±δ"), "{error}");
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
    next.check_sound().expect("a key like any other");
}

#[test]
fn our_contribution_is_verified_by_snarkjs() {
    let ceremony = &*CEREMONY;
    let mut key = ceremony.read_key("0.zkey");
    let hash = key.contribute("ours", &mut rng(6));
    ceremony.write("ours.zkey", &key.to_bytes().expect("consistent"));
    let said = ceremony.run(&["zkey", "verify", "circuit.r1cs", "powers.ptau", "ours.zkey"]);
    assert!(said.contains("ZKey Ok!"), "{said}");
    let hex = hex::encode(hash);
    assert!(
        said.split_whitespace().collect::<String>().contains(&hex),
        "{hex} isn't in {said}"
    );
    check_all(&key, &ceremony.system, &mut ceremony.powers()).expect("our own contribution");
}

#[test]
fn a_key_of_exactly_as_many_powers_as_it_needs_is_verified() {
    let ceremony = &*TIGHT;
    assert_eq!(ceremony.system.domain_size(), 32);
    let key = ceremony.read_key("final.zkey");
    check_all(&key, &ceremony.system, &mut ceremony.powers()).expect("an honest ceremony");
    ceremony.prove_and_verify("final.zkey");
}

#[test]
fn a_key_of_another_constraint_system_is_refused() {
    let ceremony = &*CEREMONY;
    let key = ceremony.read_key("final.zkey");

    // The same A and B, another C: only the powers of tau show it.
    let mut other = ceremony.system.clone();
    other.constraints[2].c[0].1 += Fr::from(1_u64);
    key.check_circuit(&other).expect("a key has no matrix C");
    let error = key
        .check_powers(&other, &mut ceremony.powers())
        .expect_err("C differs");
    assert!(matches!(error, Error::OtherPowers { part: "C" }), "{error}");

    let mut other = ceremony.system.clone();
    other.constraints[2].a[0].1 += Fr::from(1_u64);
    let error = key.check_circuit(&other).expect_err("A differs");
    assert!(error.to_string().contains("matrix A, row 2, wire 0"), "{error}");

    let mut other = ceremony.system.clone();
    other.constraints.swap(1, 2);
    key.check_circuit(&other)
        .expect_err("the order of the constraints matters");
}

#[test]
fn a_key_whose_points_were_tampered_with_is_refused() {
    let ceremony = &*CEREMONY;
    let honest = ceremony.read_key("final.zkey");
    let mut powers = ceremony.powers();
    let mut refused = |part: &str, tamper: fn(&mut ZKey)| {
        let mut key = honest.clone();
        tamper(&mut key);
        let error = check_all(&key, &ceremony.system, &mut powers).expect_err(part);
        assert!(error.to_string().contains(part), "{part}: {error}");
    };
    refused("A differ", |key| key.a.swap(1, 2));
    refused("B in G1 and B in G2 differ", |key| key.b1[3] = key.a[3]);
    refused("B in G1 differ", |key| {
        key.b1.swap(0, 3);
        key.b2.swap(0, 3);
    });
    refused("IC differ", |key| key.ic.swap(0, 1));
    refused("C differ", |key| key.c.swap(2, 3));
    refused("H differ", |key| key.h.swap(0, 1));
    refused("circuit hashes differ", |key| key.cs_hash[0] ^= 1);
    refused("α or β in G1 differ", |key| {
        key.alpha_g1 = (key.alpha_g1 + key.alpha_g1).into();
    });
    refused("α or β is ±1", |key| key.alpha_g1 = G1Affine::generator());
    refused("β in G1 and β in G2 differ", |key| key.beta_g1 = key.alpha_g1);
    refused(
        "γ, which must be the generator of G2, and the key's differ",
        |key| key.gamma_g2 = key.beta_g2,
    );
    refused("δ in G1 and δ in G2 differ", |key| key.delta_g1 = key.alpha_g1);
    refused("γ = ±δ", |key| key.delta_g2 = key.gamma_g2);
    refused("γ = ±δ", |key| key.delta_g2 = -key.gamma_g2);
    refused("contribution 1: its transcript", |key| {
        key.contributions.remove(0);
    });
    refused("δ in G1 isn't the last contribution's", |key| {
        key.contributions.pop();
    });
    refused("contribution 2: its proof of knowledge", |key| {
        key.contributions[1].g2_spx = key.contributions[0].g2_spx;
    });
    refused("contribution 2: its δ", |key| {
        key.contributions[1].delta_after = key.alpha_g1;
    });
    refused("contribution 3: it isn't what its beacon gives", |key| {
        key.contributions[2].kind = ContributionKind::Beacon {
            hash: vec![1],
            iterations_exp: 10,
        };
    });
    refused("contribution 1: it isn't what its beacon gives", |key| {
        key.contributions[0].kind = ContributionKind::Beacon {
            hash: vec![1],
            iterations_exp: 10,
        };
    });
    refused("more than 2^24 iterations", |key| {
        key.contributions[2].kind = ContributionKind::Beacon {
            hash: vec![1],
            iterations_exp: 63,
        };
    });
}

#[test]
fn other_powers_of_tau_too_few_and_unprepared_ones_are_refused() {
    let ceremony = &*CEREMONY;
    let key = ceremony.read_key("final.zkey");
    let error = key
        .check_powers(&ceremony.system, &mut TIGHT.powers())
        .expect_err("another τ");
    assert!(
        matches!(
            error,
            Error::OtherPowers {
                part: "α or β in G1"
            }
        ),
        "{error}"
    );

    let few = Ceremony::new("few", 1);
    few.snarkjs
        .powers_of_tau(&few.directory, 3)
        .expect("snarkjs makes powers of tau");
    let error = key
        .check_powers(&ceremony.system, &mut few.powers())
        .expect_err("too few");
    assert!(
        matches!(
            error,
            Error::TooFewPowers {
                power: 3,
                domain_size: 32
            }
        ),
        "{error}"
    );

    let file = File::open(ceremony.path("powers_0.ptau")).expect("snarkjs wrote it");
    let mut new = PowersOfTau::open(BufReader::new(file)).expect("complete");
    let error = key
        .check_powers(&ceremony.system, &mut new)
        .expect_err("τ is one");
    assert!(error.to_string().contains("nobody contributed"), "{error}");

    let file = File::open(ceremony.path("powers_1.ptau")).expect("snarkjs wrote it");
    let mut unprepared = PowersOfTau::open(BufReader::new(file)).expect("complete but for the Lagrange form");
    let error = key
        .check_powers(&ceremony.system, &mut unprepared)
        .expect_err("not prepared for phase 2");
    assert!(
        matches!(error, Error::MissingSection { section: 12, .. }),
        "{error}"
    );
}

#[test]
fn a_damaged_ptau_is_refused_and_never_panics() {
    let ceremony = &*TIGHT;
    let key = ceremony.read_key("final.zkey");
    let whole = fs::read(ceremony.path("powers.ptau")).expect("snarkjs wrote it");
    let check = |bytes: &[u8]| -> Result<(), Error> {
        let mut powers = PowersOfTau::open(Cursor::new(bytes))?;
        key.check_powers(&ceremony.system, &mut powers)
    };
    check(&whole).expect("an honest ceremony");
    for length in (0..whole.len()).step_by(613).chain([whole.len() - 1]) {
        check(&whole[..length]).expect_err("a truncated file");
    }
    // The header, and one byte in each of sections 2 to 6: every point there is read.
    let header = 12 + 12 + 44;
    let sizes = [63 * 64, 32 * 128, 32 * 64, 32 * 64, 128];
    let starts = sizes.iter().scan(header, |end, size| {
        let start = *end + 12;
        *end = start + size;
        Some(start)
    });
    for position in (0..header).chain(starts.map(|start| start + 77)) {
        let mut damaged = whole.clone();
        damaged[position] ^= 1;
        // The power of the whole ceremony may be any that isn't smaller.
        assert!(
            check(&damaged).is_err() || (64..68).contains(&position),
            "byte {position}"
        );
    }
}
