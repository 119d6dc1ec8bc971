//! Measures provers that run as other programs.

use std::{
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use ark_bn254::Fr;
use bauta_iden3::{ZKey, snarkjs::Snarkjs};

/// The result of one prover.
pub struct Peer {
    /// Name and version of the prover.
    pub name: String,
    /// The median time in milliseconds.
    pub median_ms: f64,
}

/// Measures snarkjs, and rapidsnark if it is on PATH.
pub fn measure(key: &ZKey, wires: &[Fr], rounds: usize) -> Result<Vec<Peer>> {
    let directory = tempfile::tempdir()?;
    let [zkey, wtns] = ["key.zkey", "witness.wtns"].map(|name| directory.path().join(name));
    std::fs::write(&zkey, key.to_bytes()?)?;
    let witness = bauta_iden3::Witness::new(wires.to_vec());
    std::fs::write(&wtns, &*witness.to_bytes()?)?;
    let mut peers = vec![snarkjs(&zkey, &wtns, rounds)?];
    peers.extend(rapidsnark(
        "rapidsnark".as_ref(),
        directory.path(),
        &zkey,
        &wtns,
        rounds,
    )?);
    Ok(peers)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Measures proofs in one process of node, which uses its own threads. The first proof is not
/// counted.
const SCRIPT: &str = "
const fs = require('fs');
const snarkjs = require('snarkjs');
const [zkey, wtns, rounds] = process.argv.slice(1);
(async () => {
  const times = [];
  for (let round = 0; round <= Number(rounds); round++) {
    const start = performance.now();
    await snarkjs.groth16.prove(zkey, wtns);
    if (round > 0) times.push(performance.now() - start);
  }
  const { version } = JSON.parse(fs.readFileSync('node_modules/snarkjs/package.json'));
  console.log(JSON.stringify({ times, version }));
  process.exit(0);
})();
";

fn snarkjs(zkey: &Path, wtns: &Path, rounds: usize) -> Result<Peer> {
    // Use the pinned snarkjs, with which the file formats are tested.
    let snarkjs = Snarkjs::install().context("can't install snarkjs with npm")?;
    let output = Command::new("node")
        .args(["-e", SCRIPT])
        .args([zkey, wtns])
        .arg(rounds.to_string())
        .current_dir(snarkjs.directory())
        .stderr(Stdio::inherit())
        .output()
        .context("can't run node, which runs snarkjs")?;
    ensure!(output.status.success(), "snarkjs failed");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let times = report["times"]
        .as_array()
        .context("the output of snarkjs has no times")?;
    Ok(Peer {
        name: format!(
            "snarkjs {}, all threads",
            report["version"].as_str().unwrap_or("?")
        ),
        median_ms: median(times.iter().filter_map(serde_json::Value::as_f64).collect()),
    })
}

/// Measures rapidsnark. Returns `None` if the program does not exist. Leaves `proof.json` and
/// `public.json` in the folder.
fn rapidsnark(
    program: &Path,
    directory: &Path,
    zkey: &Path,
    wtns: &Path,
    rounds: usize,
) -> Result<Option<Peer>> {
    let mut samples = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let status = Command::new(program)
            .args([zkey, wtns])
            .args(["proof.json", "public.json"].map(|name| directory.join(name)))
            .stdout(Stdio::null())
            .status();
        let status = match status {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            status => status.context("can't run rapidsnark")?,
        };
        ensure!(status.success(), "rapidsnark failed");
        samples.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Some(Peer {
        name: "rapidsnark, all threads, including the start of the process".into(),
        median_ms: median(samples),
    }))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use ark_std::rand::{SeedableRng, rngs::StdRng};
    use bauta_iden3::{Constraint, R1cs};

    use super::*;

    /// Returns the circuit `x · x = y` with y public, and its witness for x = 3.
    fn square() -> (R1cs, Vec<Fr>) {
        let wire = |wire| vec![(wire, Fr::from(1u64))];
        let r1cs = R1cs {
            public_outputs: 1,
            public_inputs: 0,
            private_inputs: 1,
            wires: 3,
            constraints: vec![Constraint {
                a: wire(2),
                b: wire(2),
                c: wire(1),
            }],
        };
        (r1cs, [1u64, 9, 3].map(Fr::from).to_vec())
    }

    /// A stand-in accepts the arguments of rapidsnark,
    /// `circuit.zkey witness.wtns proof.json public.json`, and runs snarkjs.
    #[test]
    fn rapidsnark_is_called_with_key_witness_proof_and_public_inputs() {
        let snarkjs = Snarkjs::install().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (r1cs, wires) = square();
        let key = ZKey::development(&r1cs, &mut StdRng::seed_from_u64(1)).unwrap();
        fs::write(path("key.zkey"), key.to_bytes().unwrap()).unwrap();
        let witness = bauta_iden3::Witness::new(wires).to_bytes().unwrap();
        fs::write(path("witness.wtns"), &*witness).unwrap();
        let program = |name: &str, last_line: &str| {
            let script = format!("#!/bin/sh\ntest $# -eq 4 || exit 64\n{last_line}\n");
            fs::write(path(name), script).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o755)).unwrap();
            path(name)
        };
        let time = |program: &Path| {
            rapidsnark(
                program,
                directory.path(),
                &path("key.zkey"),
                &path("witness.wtns"),
                2,
            )
        };

        let prove = format!("exec node '{}' groth16 prove \"$@\"", snarkjs.cli().display());
        let peer = time(&program("stand-in", &prove)).unwrap().unwrap();
        assert!(peer.median_ms > 0.0);
        let run = |arguments: &[&str]| snarkjs.run(directory.path(), arguments).unwrap();
        run(&["zkey", "export", "verificationkey", "key.zkey", "verifying.json"]);
        run(&["groth16", "verify", "verifying.json", "public.json", "proof.json"]);
        let public: Vec<String> = serde_json::from_slice(&fs::read(path("public.json")).unwrap()).unwrap();
        assert_eq!(public, ["9"]);

        assert!(time(&program("failing", "exit 1")).is_err());
        assert!(time(&path("missing")).unwrap().is_none());
    }
}
