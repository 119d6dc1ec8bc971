//! Proving times of the WebAssembly prover in Node and in headless Chromium, beside snarkjs in the
//! same browser. `cargo xtask bench web` builds the modules and sets `BAUTA_WASM_PROVERS` to their
//! folder.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_circuits::{
    Ownership,
    statement::{assign, r1cs},
    web_inputs,
};
use bauta_iden3::{Witness, ZKey, snarkjs::Snarkjs};
use bauta_primitives::tree::Depth;
use bauta_prover::CompactKey;
use serde_json::{Value, json};

use crate::{Figures, member, page, timing::machine};

/// The contenders of tools/wasm-prover/bench with their names on the page.
const ROWS: [(&str, &str); 5] = [
    ("fused_1", "fused multiply-adds, one worker"),
    ("fused_2", "fused multiply-adds, two workers"),
    ("baseline_1", "29-bit limbs, one worker"),
    ("baseline_2", "29-bit limbs, two workers"),
    ("snarkjs", "snarkjs, all threads, without verification"),
];

/// Measures the prover and writes the page.
pub fn run(options: &crate::Options) -> Result<Figures> {
    let modules: PathBuf = env::var_os("BAUTA_WASM_PROVERS")
        .context("run this as `cargo xtask bench web`, which builds the modules")?
        .into();
    let folder = tempfile::tempdir()?;
    write_inputs(folder.path(), &modules)?;
    let snarkjs = Snarkjs::install().context("can't install snarkjs with npm")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/wasm-prover/bench/run.mjs");
    let rounds = if options.quick { "5" } else { "25" };
    let output = Command::new("node")
        // Node 20 has relaxed SIMD only with this option. Later releases accept it.
        .arg("--experimental-wasm-relaxed-simd")
        .args([script.as_path(), folder.path()])
        .arg(snarkjs.directory().join("node_modules/snarkjs"))
        .arg(rounds)
        .stderr(Stdio::inherit())
        .output()
        .context("can't run node")?;
    ensure!(output.status.success(), "the measurement failed");
    let times: Value = serde_json::from_slice(&output.stdout)?;
    let text = format!("{}\n{}", targets(&times)?, table(&times)?);
    println!("{text}");
    let median = |name: &str| times["chromium"][name]["median"].as_f64();
    let mut figures = Figures::new();
    for (figure, name) in [
        ("chromium_proof_1_ms", "fused_1"),
        ("chromium_proof_2_ms", "fused_2"),
    ] {
        figures.insert(figure.into(), json!(median(name)));
    }
    let ratio = median("snarkjs")
        .zip(median("fused_1"))
        .map(|(snarkjs, ours)| snarkjs / ours);
    figures.insert("times_snarkjs".into(), json!(ratio));
    figures.insert("first_proof_ms".into(), times["first_proof_ms"].clone());
    figures.insert("wasm_brotli_kb".into(), times["brotli_kb"]["fused"].clone());
    if !options.quick {
        write_page(&text)?;
    }
    Ok(figures)
}

/// Writes the files that the script reads.
fn write_inputs(folder: &Path, modules: &Path) -> Result<()> {
    let statement = Ownership::new(Depth::Ten);
    let inputs = member::inputs(Depth::Ten)?;
    let r1cs = r1cs(&statement);
    let zkey = ZKey::development(&r1cs, &mut StdRng::seed_from_u64(2))?;
    let assignment = assign(&statement, &inputs, r1cs.wires as usize, r1cs.constraints.len())?;
    let witness = Witness::new(assignment.wires().to_vec());
    for build in ["fused.wasm", "baseline.wasm"] {
        let module = modules.join(build);
        fs::copy(&module, folder.join(build)).with_context(|| format!("can't read {}", module.display()))?;
    }
    fs::write(folder.join("web.key"), CompactKey::new(&zkey)?.to_bytes()?)?;
    fs::write(folder.join("inputs"), &*web_inputs::write(&inputs))?;
    fs::write(folder.join("key.zkey"), zkey.to_bytes()?)?;
    fs::write(folder.join("witness.wtns"), &*witness.to_bytes()?)?;
    Ok(())
}

/// Compares the figures with their targets.
fn targets(times: &Value) -> Result<String> {
    let chromium = &times["chromium"];
    let mut text = String::from("| figure | measured | target |\n|---|--:|--:|\n");
    for (name, title, target) in [
        ("fused_1", "fused multiply-adds, one worker", 180),
        ("fused_2", "fused multiply-adds, two workers", 120),
        ("baseline_1", "29-bit limbs, one worker", 280),
        ("baseline_2", "29-bit limbs, two workers", 170),
    ] {
        let median = number(&chromium[name]["median"])?;
        writeln!(
            text,
            "| a proof with {title} | {median:.0} ms | at most {target} ms |"
        )?;
    }
    let ratio = number(&chromium["snarkjs"]["median"])? / number(&chromium["fused_1"]["median"])?;
    writeln!(
        text,
        "| speed relative to snarkjs, one worker | {ratio:.1} | at least 5 |"
    )?;
    let first = number(&times["first_proof_ms"])? / 1000.0;
    writeln!(
        text,
        "| the first proof of a visit | {first:.2} s | at most 1.5 s |"
    )?;
    let size = number(&times["brotli_kb"]["fused"])?;
    writeln!(text, "| fused.wasm with brotli | {size:.0} KB | at most 160 KB |")?;
    let memory = number(&chromium["fused_1"]["memory"])? / f64::from(1 << 20);
    writeln!(
        text,
        "| memory of the module, one worker | {memory:.0} MiB | at most 40 MiB |"
    )?;
    text.push_str(
        "\nThe first proof of a visit is the time from the request for the page to the verified proof, with two \
         workers, an\nempty cache, 20 Mbit/s and 40 ms to the first byte of each answer (the emulation of the \
         browser's developer tools;\nmedian of five visits).\n",
    );
    Ok(text)
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().context("the script measured no such figure")
}

fn table(times: &Value) -> Result<String> {
    let mut table = String::from(
        "| | Node: median, ms | Chromium: median, ms | minimum, ms | first proof, ms | memory, MiB | speed relative \
         to snarkjs |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    let cell = |value: &Value, divisor: f64| {
        value
            .as_f64()
            .map_or_else(|| "–".to_owned(), |value| format!("{:.0}", value / divisor))
    };
    let snarkjs = times["chromium"]["snarkjs"]["median"]
        .as_f64()
        .unwrap_or(f64::NAN);
    for (name, title) in ROWS {
        let (node, chromium) = (&times["node"][name], &times["chromium"][name]);
        writeln!(
            table,
            "| {title} | {} | {} | {} | {} | {} | {:.1} |",
            cell(&node["median"], 1.0),
            cell(&chromium["median"], 1.0),
            cell(&chromium["minimum"], 1.0),
            cell(&chromium["first"], 1.0),
            cell(&chromium["memory"], 1024.0 * 1024.0),
            snarkjs / chromium["median"].as_f64().unwrap_or(f64::NAN),
        )?;
    }
    for build in ["fused", "baseline"] {
        writeln!(
            table,
            "\nThe module {build}.wasm has {} KB, or {} KB with brotli.",
            cell(&times["kb"][build], 1.0),
            cell(&times["brotli_kb"][build], 1.0)
        )?;
    }
    Ok(table)
}

fn write_page(text: &str) -> Result<()> {
    page::write(
        "web",
        &format!(
            "# The prover in a browser\n\n\
             One proof of `ownership` at depth 10 with its self-check, in Node and in headless Chromium, by the\n\
             modules of tools/wasm-prover. snarkjs proves with the `.zkey` and the witness of the same statement in\n\
             the same page. It does not compute the witness and does not verify the proof. In each round all\n\
             provers run one after another, so that other load on the machine affects all of them equally: compare\n\
             the ratios. A first proof includes the start of the workers, the reading of the key and code that the\n\
             engine has not yet optimised.\n\n    \
             cargo xtask bench web\n\n{}\n\n{text}",
            machine(),
        ),
    )
}
