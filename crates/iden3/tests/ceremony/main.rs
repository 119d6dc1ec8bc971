//! Runs a complete ceremony with the real snarkjs. Its inputs are a constraint system and a witness
//! of this crate, its outputs are a key and proofs.

#[path = "../common/mod.rs"]
mod common;
mod honest;
mod refused;

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

/// A folder with `circuit.r1cs`, `witness.wtns` and the files that snarkjs makes from them.
struct Ceremony {
    snarkjs: Snarkjs,
    directory: PathBuf,
    system: R1cs,
    z: Vec<Fr>,
}

/// A ceremony with 22 constraints and 3 rows for public wires, so the domain has 32 points. There
/// are twice as many powers of tau as needed.
static CEREMONY: LazyLock<Ceremony> = LazyLock::new(|| {
    let ceremony = Ceremony::new("ceremony", 20);
    ceremony.contribute(6);
    ceremony
});

/// A ceremony with 15 constraints and 3 rows, so the domain also has 32 points. There are exactly
/// as many powers of tau as needed.
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

    /// Makes powers of tau, the initial key, two contributions and a beacon.
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
        bauta_peers::groth16::prove(
            &key.to_ark_proving_key(),
            [Fr::rand(&mut rng), Fr::rand(&mut rng)],
            &self.system.to_ark_matrices(),
            self.system.n_public() as usize + 1,
            &self.z,
        )
    }

    fn public(&self) -> &[Fr] {
        &self.z[1..=self.system.n_public() as usize]
    }

    /// Checks that both verifiers accept the proofs of both provers for a key.
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
        assert!(bauta_peers::groth16::verifies(&verifying, &public, &proof));

        self.write("our_proof.json", proof_to_json(&self.ark_proof(&key)).as_bytes());
        self.write("our_public.json", public_to_json(&public).as_bytes());
        self.write("our_vk.json", verifying_key_to_json(&verifying).as_bytes());
        let output = self.run(&[
            "groth16",
            "verify",
            "our_vk.json",
            "our_public.json",
            "our_proof.json",
        ]);
        assert!(output.contains("OK!"), "{output}");
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
