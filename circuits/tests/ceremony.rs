//! Runs a complete ceremony for ownership with the real snarkjs, and tests what import refuses.

mod common;

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::Arc,
};

use bauta_circuits::{
    CircuitsError, Key, Ownership, load_or_setup_development, public_to_snarkjs,
    statement::{assign, evaluate, r1cs},
};
use bauta_iden3::{PowersOfTau, R1cs, Witness, ZKey, json, snarkjs::Snarkjs};
use bauta_primitives::tree::Depth;
use bauta_program_test::{Elf, RegistrySpec, ScopeSpec, TestChain};
use common::{Member, rng};

const TEN: Ownership = Ownership::new(Depth::Ten);
/// The power of tau for a domain of 4,096 points.
const POWER: u32 = 12;
const BEACON: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

struct Folder {
    snarkjs: Snarkjs,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let snarkjs = Snarkjs::install().expect("node, npm and, the first time, the network");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ceremony-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self { snarkjs, path }
    }

    /// Copies powers of tau into the folder. Making them is the slowest step of snarkjs, so they
    /// are made once for each target directory.
    fn copy_powers(&self) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("powers-{POWER}.ptau"));
        if !kept.is_file() {
            let made = self.snarkjs.powers_of_tau(&self.path, POWER).unwrap();
            fs::rename(self.path.join(made), &kept).unwrap();
        }
        fs::copy(&kept, self.path.join("powers.ptau")).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.snarkjs
            .run(&self.path, arguments)
            .expect("snarkjs accepts it")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path.join(name)).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path.join(name), content).unwrap();
    }

    fn import(&self, zkey: ZKey) -> Result<Key<Ownership>, CircuitsError> {
        let file = File::open(self.path.join("powers.ptau")).unwrap();
        Key::import(TEN, zkey, &mut PowersOfTau::open(BufReader::new(file)).unwrap())
    }

    fn refusal(&self, zkey: ZKey) -> String {
        self.import(zkey).err().expect("refused").to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If the folder cannot be removed, `cargo clean` removes it later.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[test]
fn a_ceremony_with_snarkjs_gives_a_key_whose_proofs_both_implementations_accept() {
    let folder = Folder::new();
    let r1cs = r1cs(&TEN);
    folder.write("circuit.r1cs", r1cs.to_bytes().unwrap());
    folder.copy_powers();
    folder.run(&["groth16", "setup", "circuit.r1cs", "powers.ptau", "0.zkey"]);
    folder.run(&[
        "zkey",
        "contribute",
        "0.zkey",
        "1.zkey",
        "-n=one",
        "-e=entropy of one",
    ]);
    folder.run(&[
        "zkey",
        "contribute",
        "1.zkey",
        "2.zkey",
        "-n=two",
        "-e=entropy of two",
    ]);
    folder.run(&[
        "zkey",
        "beacon",
        "2.zkey",
        "final.zkey",
        BEACON,
        "10",
        "-n=beacon",
    ]);
    let verified = folder.run(&["zkey", "verify", "circuit.r1cs", "powers.ptau", "final.zkey"]);
    assert!(verified.contains("ZKey Ok!"), "{verified}");

    let zkey = ZKey::from_bytes(&folder.read("final.zkey")).unwrap();
    let key = folder.import(zkey.clone()).unwrap();
    assert_eq!(key.warning(), None);
    let again = Key::from_bytes(TEN, &key.to_bytes().unwrap()).unwrap();
    assert_eq!(again.header(), key.header());

    snarkjs_accepts_our_proof(&folder, &key);
    our_verifier_accepts_the_proof_of_snarkjs(&folder, &key, &r1cs);
    the_command_line_imports_the_same_key(&folder, &key);
    import_refuses_changed_keys(&folder, &zkey);
    the_program_accepts_the_key_and_its_proofs(again);
}

/// Development keys are refused on this chain, as on a public cluster.
fn the_program_accepts_the_key_and_its_proofs(key: Key<Ownership>) {
    let mut chain = TestChain::deployed(Elf::FromEnvironment);
    chain.initialize(false).unwrap();
    assert_eq!(
        chain.register_ownership().unwrap_err().name(),
        "DevelopmentKeyRefused"
    );
    let circuit = chain.register_key(Arc::new(key)).unwrap();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let spec = ScopeSpec {
        circuit: Some(circuit),
        ..ScopeSpec::default()
    };
    let scope = chain.create_scope(&registry, &spec);
    let verify = chain.prove(&registry, &member, &scope);
    chain.verify(&verify, &[]).unwrap();
    assert_eq!(chain.verify(&verify, &[]).unwrap_err().name(), "NullifierUsed");
}

fn snarkjs_accepts_our_proof(folder: &Folder, key: &Key<Ownership>) {
    folder.run(&["zkey", "export", "verificationkey", "final.zkey", "vk.json"]);
    let exported = String::from_utf8(folder.read("vk.json")).unwrap();
    let exported = json::verifying_key_from_json(&exported).unwrap();
    assert_eq!(exported, key.verifying_key().to_ark());

    let rng = &mut rng(21);
    let inputs = Member::random(Depth::Ten, rng).inputs();
    let digest = evaluate(&TEN, &inputs).unwrap().digest;
    folder.write("public.json", public_to_snarkjs(digest));
    folder.write("proof.json", key.prove(&inputs, rng).unwrap().to_snarkjs());
    let verified = folder.run(&["groth16", "verify", "vk.json", "public.json", "proof.json"]);
    assert!(verified.contains("OK!"), "{verified}");
    let other = Member::random(Depth::Ten, rng).inputs();
    folder.write(
        "public.json",
        public_to_snarkjs(evaluate(&TEN, &other).unwrap().digest),
    );
    let refused = folder.snarkjs.run(
        &folder.path,
        &["groth16", "verify", "vk.json", "public.json", "proof.json"],
    );
    assert!(refused.is_err());
}

fn our_verifier_accepts_the_proof_of_snarkjs(folder: &Folder, key: &Key<Ownership>, r1cs: &R1cs) {
    let inputs = Member::random(Depth::Ten, &mut rng(22)).inputs();
    let assignment = assign(&TEN, &inputs, r1cs.wires as usize, r1cs.constraints.len()).unwrap();
    let witness = Witness::new(assignment.wires().to_vec());
    folder.write("witness.wtns", &*witness.to_bytes().unwrap());
    let checked = folder.run(&["wtns", "check", "circuit.r1cs", "witness.wtns"]);
    assert!(checked.contains("WITNESS IS CORRECT"), "{checked}");
    folder.run(&[
        "groth16",
        "prove",
        "final.zkey",
        "witness.wtns",
        "snarkjs_proof.json",
        "public.json",
    ]);
    let proof =
        json::proof_from_json(&String::from_utf8(folder.read("snarkjs_proof.json")).unwrap()).unwrap();
    key.verifying_key()
        .verify(evaluate(&TEN, &inputs).unwrap().digest, &proof.into())
        .unwrap();
}

fn the_command_line_imports_the_same_key(folder: &Folder, key: &Key<Ownership>) {
    let run = |zkey: &str| {
        Command::new(env!("CARGO_BIN_EXE_bauta-circuits"))
            .args([
                "import",
                "--depth=10",
                "--ptau=powers.ptau",
                "--out=ownership.key",
            ])
            .arg(format!("--zkey={zkey}"))
            .current_dir(&folder.path)
            .output()
            .unwrap()
    };
    let imported = run("final.zkey");
    assert!(imported.status.success(), "{imported:?}");
    assert_eq!(folder.read("ownership.key"), key.to_bytes().unwrap());
    let refused = run("0.zkey");
    assert!(!refused.status.success());
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("anyone can forge"),
        "{refused:?}"
    );
}

fn import_refuses_changed_keys(folder: &Folder, zkey: &ZKey) {
    let changed = |change: &dyn Fn(&mut ZKey)| {
        let mut zkey = zkey.clone();
        change(&mut zkey);
        folder.refusal(zkey)
    };
    let before_contributions = ZKey::from_bytes(&folder.read("0.zkey")).unwrap();
    assert!(folder.refusal(before_contributions).contains("γ = ±δ"));
    assert!(changed(&|zkey| drop(zkey.contributions.remove(0))).contains("transcript"));
    assert!(changed(&|zkey| drop(zkey.contributions.pop())).contains("contribution"));
    assert!(changed(&|zkey| zkey.c.swap(0, 1)).contains("powers"));
    assert!(changed(&|zkey| zkey.h.swap(0, 1)).contains("powers"));
    assert!(changed(&|zkey| zkey.coefficients[0].value += ark_bn254::Fr::from(1u64)).contains("refused"));
    let development = load_or_setup_development(&TEN).unwrap();
    assert!(
        folder
            .refusal(development.zkey().clone())
            .contains("development setup")
    );
    let sixteen = load_or_setup_development(&Ownership::new(Depth::Sixteen)).unwrap();
    assert!(folder.refusal(sixteen.zkey().clone()).contains("refused"));
    let bytes = folder.read("final.zkey");
    assert!(ZKey::from_bytes(&bytes[..bytes.len() / 2]).is_err());
}
