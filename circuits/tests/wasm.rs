//! Tests the WebAssembly prover in Node: both builds, with one worker and with two. `cargo xtask
//! wasm` builds the modules and runs this test.

mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use bauta_circuits::{
    Evaluation, Ownership, Proof, load_or_setup_development, public_to_snarkjs, statement::evaluate,
    web_inputs,
};
use bauta_iden3::snarkjs::Snarkjs;
use bauta_primitives::{Attributes, ProofInputs, tree::Depth};
use bauta_program_test::{Elf, RegistrySpec, ScopeSpec, TestChain};
use bauta_prover::CompactKey;
use common::{Member, rng};

const TEN: Ownership = Ownership::new(Depth::Ten);
const COMBINATIONS: [(&str, u8); 4] = [("fused", 1), ("fused", 2), ("baseline", 1), ("baseline", 2)];

/// A folder with a web-key file of the development key.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let key = load_or_setup_development(&TEN).unwrap();
        let web_key = CompactKey::new(key.zkey()).unwrap().to_bytes().unwrap();
        fs::write(folder.path("web.key"), web_key).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a proof in Node. Returns the proof and its public values, or the error message.
    fn prove(&self, build: &str, workers: u8, inputs: &[u8]) -> Result<Vec<u8>, String> {
        let modules = env::var_os("BAUTA_WASM_PROVERS")
            .expect("run this as `cargo xtask wasm`, which sets the folder of the modules");
        fs::write(self.path("inputs"), inputs).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/wasm-prover/prove.mjs");
        let output = Command::new("node")
            // Node 20 has relaxed SIMD only with this option. Later releases accept it.
            .arg("--experimental-wasm-relaxed-simd")
            .arg(script)
            .arg(build)
            .arg(Path::new(&modules).join(format!("{build}.wasm")))
            .args([self.path("web.key"), self.path("inputs")])
            .arg(workers.to_string())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }

    fn proof(&self, build: &str, workers: u8, inputs: &ProofInputs) -> (Proof, Vec<u8>) {
        let bytes = self.prove(build, workers, &web_inputs::write(inputs)).unwrap();
        let (proof, public) = bytes.split_at(Proof::LENGTH);
        (
            Proof::from_bytes(proof.try_into().unwrap()).unwrap(),
            public.to_vec(),
        )
    }
}

/// Returns the public values in the order of the module's output.
fn public_values(evaluation: &Evaluation) -> Vec<u8> {
    let public = &evaluation.public;
    [
        public.root.to_bytes(),
        public.nullifier.to_bytes(),
        public.scope.to_bytes(),
        public.claim.to_bytes(),
        public.context.to_bytes(),
        evaluation.digest.to_bytes(),
    ]
    .concat()
}

#[test]
fn arkworks_and_snarkjs_accept_proofs_of_every_build_and_each_proof_is_different() {
    let folder = Folder::new();
    let key = load_or_setup_development(&TEN).unwrap();
    let snarkjs = Snarkjs::install().expect("node, npm and, the first time, the network");
    let inputs = Member::random(Depth::Ten, &mut rng(1)).inputs();
    let evaluation = evaluate(&TEN, &inputs).unwrap();
    fs::write(folder.path("vk.json"), key.verifying_key().to_snarkjs()).unwrap();
    fs::write(folder.path("public.json"), public_to_snarkjs(evaluation.digest)).unwrap();
    let mut proofs = Vec::new();
    for (build, workers) in COMBINATIONS {
        let (proof, public) = folder.proof(build, workers, &inputs);
        assert_eq!(public, public_values(&evaluation), "{build}, {workers} workers");
        key.verifying_key().verify(evaluation.digest, &proof).unwrap();
        fs::write(folder.path("proof.json"), proof.to_snarkjs()).unwrap();
        let verified = snarkjs
            .run(
                folder.0.path(),
                &["groth16", "verify", "vk.json", "public.json", "proof.json"],
            )
            .unwrap();
        assert!(verified.contains("OK!"), "{build}, {workers} workers: {verified}");
        assert!(!proofs.contains(&proof.to_bytes()), "{build}, {workers} workers");
        proofs.push(proof.to_bytes());
    }
}

#[test]
fn the_program_accepts_proofs_of_every_build() {
    let folder = Folder::new();
    let mut chain = TestChain::deployed(Elf::FromEnvironment);
    chain.initialize(true).unwrap();
    let circuit = chain.register_ownership().unwrap();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    for (build, workers) in COMBINATIONS {
        let spec = ScopeSpec {
            circuit: Some(circuit),
            ..ScopeSpec::default()
        };
        let scope = chain.create_scope(&registry, &spec);
        let mut verify = chain.prove(&registry, &member, &scope);
        let inputs = ProofInputs {
            secret: member.identity(),
            entry_id: member.entry_id(),
            attributes: Attributes::of_track(5),
            path: member.path(&registry),
            root: verify.root,
            scope: scope.element,
            claim: verify.claim,
            context: verify.context(),
            private: (),
        };
        verify.proof = folder.proof(build, workers, &inputs).0.to_bytes();
        chain.verify(&verify, &[]).unwrap();
    }
}

#[test]
fn a_false_statement_and_bad_files_give_an_error_and_no_proof() {
    let folder = Folder::new();
    let inputs = Member::random(Depth::Ten, &mut rng(2)).inputs();
    let mut wrong = web_inputs::write(&inputs).to_vec();
    // The last byte of the root.
    wrong[127] ^= 1;
    for (build, workers) in COMBINATIONS {
        let error = folder.prove(build, workers, &wrong).unwrap_err();
        assert!(
            error.contains("does not lead from the leaf to the root"),
            "{error}"
        );
        let error = folder.prove(build, workers, &wrong[1..]).unwrap_err();
        assert!(error.contains("the inputs have 1191 bytes"), "{error}");
    }
    let deeper = Member::random(Depth::Sixteen, &mut rng(3)).inputs();
    let error = folder.prove("fused", 2, &web_inputs::write(&deeper)).unwrap_err();
    assert!(error.contains("wires"), "{error}");
    let key = fs::read(folder.path("web.key")).unwrap();
    fs::write(folder.path("web.key"), &key[1..]).unwrap();
    let error = folder.prove("fused", 1, &wrong).unwrap_err();
    assert!(error.contains("not a web-key file"), "{error}");
}
