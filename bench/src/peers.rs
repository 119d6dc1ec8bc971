//! Provers that run as other programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use ark_bn254::Fr;
use bauta_iden3::ZKey;

/// Median of one of them.
pub struct Peer {
    /// Name and version.
    pub name: String,
    /// Milliseconds.
    pub median: f64,
}

/// Proves with snarkjs, and with rapidsnark if that is on PATH.
pub fn measure(key: &ZKey, wires: &[Fr], rounds: usize) -> Result<Vec<Peer>> {
    let directory = tempfile::tempdir()?;
    let [zkey, wtns] = ["key.zkey", "witness.wtns"].map(|name| directory.path().join(name));
    std::fs::write(&zkey, key.to_bytes()?)?;
    let witness = bauta_iden3::Witness::new(wires.to_vec());
    std::fs::write(&wtns, &*witness.to_bytes()?)?;
    let mut peers = vec![snarkjs(&zkey, &wtns, rounds)?];
    peers.extend(rapidsnark(directory.path(), &zkey, &wtns, rounds)?);
    Ok(peers)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Times in one process of node, which has its own threads, after one proof that isn't counted.
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
    // The pinned snarkjs that the file formats are tested with.
    let directory: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "crates",
        "iden3",
        "tests",
        "snarkjs",
    ]
    .iter()
    .collect();
    if !directory.join("node_modules").exists() {
        let npm = Command::new("npm")
            .args(["ci", "--silent"])
            .current_dir(&directory)
            .status()
            .context("can't run npm, which installs snarkjs")?;
        ensure!(npm.success(), "npm ci failed in {}", directory.display());
    }
    let output = Command::new("node")
        .args(["-e", SCRIPT])
        .args([zkey, wtns])
        .arg(rounds.to_string())
        .current_dir(&directory)
        .stderr(Stdio::inherit())
        .output()
        .context("can't run node, which runs snarkjs")?;
    ensure!(output.status.success(), "snarkjs failed");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let times = report["times"].as_array().context("snarkjs reports no times")?;
    Ok(Peer {
        name: format!(
            "snarkjs {}, all threads",
            report["version"].as_str().unwrap_or("?")
        ),
        median: median(times.iter().filter_map(serde_json::Value::as_f64).collect()),
    })
}

fn rapidsnark(directory: &Path, zkey: &Path, wtns: &Path, rounds: usize) -> Result<Option<Peer>> {
    let mut samples = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let status = Command::new("rapidsnark")
            .args([zkey, wtns])
            .args(["proof.json", "public.json"].map(|name| directory.join(name)))
            .stdout(Stdio::null())
            .status();
        let Ok(status) = status else { return Ok(None) };
        ensure!(status.success(), "rapidsnark failed");
        samples.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Some(Peer {
        name: "rapidsnark, all threads, with start of the process".into(),
        median: median(samples),
    }))
}
