//! Tests the engine as a WebAssembly module in Node. `cargo xtask wasm` builds the module and runs
//! this test.

mod common;

use std::{env, path::Path, process::Command};

use bauta_iden3::json;
use bauta_prover::Proof;
use common::{Case, Values, products};

/// Makes a proof in Node. Returns its standard output, or its standard error if it fails.
fn prove(case: &Case, wires: &[ark_bn254::Fr]) -> Result<String, String> {
    let module = env::var_os("BAUTA_WASM_PROVER")
        .expect("run this as `cargo xtask wasm`, which sets the path of the module");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/wasm-prover/prove.mjs");
    let directory = tempfile::tempdir().unwrap();
    let [key, witness] = ["circuit.zkey", "witness.wtns"].map(|name| directory.path().join(name));
    std::fs::write(&key, case.key.to_bytes().unwrap()).unwrap();
    let values = bauta_iden3::Witness::new(wires.to_vec());
    std::fs::write(&witness, &*values.to_bytes().unwrap()).unwrap();
    let output = Command::new("node")
        .arg(script)
        .arg(module)
        .args([key, witness])
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn arkworks_accepts_proofs_made_in_webassembly_and_each_proof_is_different() {
    let case = products(300, 2, 3, Values::Random, 1);
    let proofs = [(); 2].map(|()| {
        let text = prove(&case, &case.wires).unwrap();
        let ark_groth16::Proof { a, b, c } = json::proof_from_json(&text).unwrap();
        Proof { a, b, c }
    });
    assert!(proofs.iter().all(|proof| case.ark_verifies(proof)));
    assert_ne!(proofs[0], proofs[1]);
}

#[test]
fn a_witness_that_does_not_satisfy_the_circuit_gives_an_error_and_no_proof() {
    let case = products(300, 2, 3, Values::Random, 1);
    let mut wires = case.wires.clone();
    wires[5] += ark_bn254::Fr::from(1u64);
    let error = prove(&case, &wires).unwrap_err();
    assert!(error.contains("does not verify"), "{error}");
}
