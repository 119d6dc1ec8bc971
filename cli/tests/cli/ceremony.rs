//! A ceremony with the real snarkjs: one participant is absent, one delivers a bad file, and one an
//! old file.

use std::{
    env, fs,
    path::Path,
    process, thread,
    time::{Duration, Instant},
};

use bauta_circuits::{Ownership, statement::r1cs};
use bauta_iden3::{ZKey, snarkjs::Snarkjs};
use bauta_primitives::tree::Depth;
use serde_json::{Value, json};
use solana_keypair::read_keypair_file;
use solana_signer::Signer as _;

use crate::support::{Home, text_of};

/// The power of tau for a domain of 4,096 points.
const POWER: u32 = 12;
const BEACON: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
/// The participants who do not contribute.
const OLD: usize = 1;
const BAD: usize = 2;
const ABSENT: usize = 3;

struct Ceremony {
    home: Home,
    snarkjs: Snarkjs,
}

impl Ceremony {
    fn begin(participants: usize) -> Self {
        let snarkjs = Snarkjs::install().expect("node, npm and, the first time, the network");
        let home = Home::new();
        let ceremony = Self { home, snarkjs };
        ceremony.home.text(&["keypair", "coordinator.json"]);
        let mut list = String::new();
        for number in 0..participants {
            let address = ceremony.home.text(&["keypair", &key_of(number)]);
            list += "participant ";
            list += &number.to_string();
            list += ", ";
            list += &address;
        }
        ceremony.home.write("participants", &list);
        ceremony.write_powers();
        let system = r1cs(&Ownership::new(Depth::Ten)).to_bytes().unwrap();
        fs::write(ceremony.home.file("circuit.r1cs"), system).unwrap();
        ceremony.snarkjs(&["groth16", "setup", "circuit.r1cs", "powers.ptau", "first.zkey"]);
        // What a participant delivers is accepted also after the deadline, so short turns refuse nobody.
        let files = [
            "--zkey",
            "first.zkey",
            "--participants",
            "participants",
            "--turn",
            "1s",
        ];
        let dry = ["ceremony", "init", "--folder", "ceremony", "--dry-run"];
        let error = ceremony.home.failure(1, &[&dry[..], &files, &PTAU].concat());
        assert!(text_of(&error["message"]).contains("no dry run"), "{error}");
        assert!(!ceremony.home.file("ceremony").exists());
        let begun = ceremony.by_coordinator("init", &[&files[..], &PTAU].concat());
        assert_eq!(begun["turn_of"], "participant 0");
        ceremony
    }

    /// Copies powers of tau into the folder. They are made once for each target directory, because
    /// this takes longest.
    fn write_powers(&self) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("powers-{POWER}.ptau"));
        if !kept.is_file() {
            let path = kept.with_extension(format!("{}.new", process::id()));
            let made = self.snarkjs.powers_of_tau(&self.home.file(""), POWER).unwrap();
            fs::copy(self.home.file(made), &path).unwrap();
            fs::rename(path, &kept).unwrap();
        }
        fs::copy(&kept, self.home.file("powers.ptau")).unwrap();
    }

    fn snarkjs(&self, arguments: &[&str]) {
        self.snarkjs
            .run(&self.home.file(""), arguments)
            .expect("snarkjs accepts it");
    }

    fn by_coordinator(&self, command: &str, arguments: &[&str]) -> Value {
        let of = [
            "ceremony",
            command,
            "--folder",
            "ceremony",
            "--keypair",
            "coordinator.json",
        ];
        self.home.json(&[&of[..], arguments].concat())
    }

    /// Makes a contribution to a key with snarkjs.
    fn contribute(&self, key: &str, number: usize) {
        let _ = fs::remove_file(self.home.file("new.zkey"));
        let (name, entropy) = (
            format!("-n=participant {number}"),
            format!("-e=entropy of {number}"),
        );
        self.snarkjs(&["zkey", "contribute", key, "new.zkey", &name, &entropy]);
    }

    fn deliver(&self, folder: &str, number: usize) -> Value {
        let key = key_of(number);
        self.home.json(&delivery(folder, &key))
    }

    fn advance(&self, arguments: &[&str]) -> Value {
        self.by_coordinator("check", &[&PTAU[..], &["--advance"], arguments].concat())
    }

    /// Runs the turn of a participant. Returns the state after it.
    fn take_turn(&self, newest: &str, number: usize) -> Value {
        match number {
            OLD => {
                // What the participant downloaded at the beginning has the first key.
                for extension in ["zkey", "json"] {
                    let name = format!("pending/{}.{extension}", self.address(number));
                    fs::copy(
                        self.home.file(&format!("early/{name}")),
                        self.home.file(&format!("ceremony/{name}")),
                    )
                    .unwrap();
                }
                let (state, warnings) = self.advance_until_skipped(number);
                assert!(warnings.contains("to an old file"), "{warnings}");
                return state;
            }
            BAD => {
                self.contribute(newest, number);
                let file = self.home.file("new.zkey");
                let mut zkey = ZKey::from_bytes(&fs::read(&file).unwrap()).unwrap();
                zkey.c.swap(0, 1);
                fs::write(&file, zkey.to_bytes().unwrap()).unwrap();
                self.deliver("ceremony", number);
            }
            ABSENT => {
                // Files that the participant did not sign count for nothing.
                let other = self
                    .home
                    .file(&format!("ceremony/pending/{}.json", self.address(BAD)));
                let name = format!("ceremony/pending/{}", self.address(number));
                fs::copy(other, self.home.file(&format!("{name}.json"))).unwrap();
                self.home.write(&format!("{name}.zkey"), "not a key");
                let (state, warnings) = self.advance_until_skipped(number);
                assert!(warnings.contains("did not sign"), "{warnings}");
                return state;
            }
            _ => {
                self.contribute(newest, number);
                self.deliver("ceremony", number);
            }
        }
        self.advance(&[])
    }

    /// Waits until the turn of a participant is over. Returns the state and the warnings.
    fn advance_until_skipped(&self, number: usize) -> (Value, String) {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let state = self.advance(&[]);
            if state["turn_of"] != format!("participant {number}") {
                let warnings = state["warnings"].to_string();
                return (state, warnings);
            }
            assert_eq!(state["items"][number]["result"], "on turn");
            assert!(Instant::now() < end, "{state:#}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Replaces the event of a record of the transcript, and ends the transcript with it. The
    /// coordinator signs it with a changed client.
    fn rewrite(&self, transcript: &str, number: usize, event: &Value) {
        let mut lines: Vec<String> = transcript.lines().take(number + 1).map(str::to_owned).collect();
        let (_, text) = lines[number].split_once(' ').unwrap();
        let mut record: Value = serde_json::from_str(text).unwrap();
        record["event"] = event.clone();
        let text = record.to_string();
        let key = read_keypair_file(self.home.file("coordinator.json")).unwrap();
        let signature = key.sign_message(format!("bauta ceremony record\0{text}").as_bytes());
        lines[number] = format!("{signature} {text}");
        self.home.write("ceremony/transcript", &(lines.join("\n") + "\n"));
    }

    fn address(&self, number: usize) -> String {
        self.home.text(&["keypair", &key_of(number)]).trim().to_owned()
    }

    /// The participant with an old file contributes to the first key.
    fn contribute_early(&self) {
        fs::create_dir_all(self.home.file("early/pending")).unwrap();
        for name in ["transcript", "0000.zkey"] {
            let to = self.home.file(&format!("early/{name}"));
            fs::copy(self.home.file(&format!("ceremony/{name}")), to).unwrap();
        }
        self.contribute("early/0000.zkey", OLD);
        let delivered = self.deliver("early", OLD);
        let warnings = delivered["warnings"].to_string();
        assert!(warnings.contains("not your turn"), "{warnings}");
    }
}

const PTAU: [&str; 2] = ["--ptau", "powers.ptau"];

fn key_of(number: usize) -> String {
    format!("participant-{number}.json")
}

fn delivery<'a>(folder: &'a str, key: &'a str) -> [&'a str; 8] {
    [
        "ceremony",
        "contribute",
        "--folder",
        folder,
        "--zkey",
        "new.zkey",
        "--keypair",
        key,
    ]
}

#[test]
#[allow(clippy::too_many_lines, reason = "the steps of a ceremony in their order")]
fn a_ceremony_ends_with_a_key_although_some_participants_fail() {
    let participants = env::var("BAUTA_DRILL_PARTICIPANTS").map_or(5, |text| text.parse().unwrap());
    let ceremony = Ceremony::begin(participants);
    let home = &ceremony.home;
    ceremony.contribute_early();
    let announced = ceremony.by_coordinator("beacon", &["--announce", "bitcoin block 999999"]);
    assert_eq!(announced["beacon_source"], "bitcoin block 999999");
    let mut state = announced;
    for number in 0..participants {
        let newest = format!("ceremony/{}", text_of(&state["newest_key"]));
        state = ceremony.take_turn(&newest, number);
    }
    let result = |number: usize| text_of(&state["items"][number]["result"]);
    assert_eq!(result(OLD), "absent");
    assert!(
        result(BAD).contains("refused") && result(BAD).contains("powers"),
        "{state:#}"
    );
    assert_eq!(result(ABSENT), "absent");
    let others = (0..participants).filter(|number| ![OLD, BAD, ABSENT].contains(number));
    for number in others {
        assert_eq!(result(number), "contributed");
    }
    assert_eq!(state["contributions"], participants - 3);
    assert_eq!(state["turn_of"], Value::Null);

    // The client refuses an old file itself.
    ceremony.contribute("ceremony/0000.zkey", 0);
    let error = home.failure(1, &delivery("ceremony", &key_of(0)));
    assert!(text_of(&error["message"]).contains("newest file"), "{error}");

    let name = "-n=beacon";
    let newest = format!("ceremony/{}", text_of(&state["newest_key"]));
    ceremony.snarkjs(&["zkey", "beacon", &newest, "last.zkey", BEACON, "10", name]);
    let beacon = [
        "ceremony",
        "beacon",
        "--folder",
        "ceremony",
        "--zkey",
        "last.zkey",
        "--value",
    ];
    let by = ["--keypair", "coordinator.json"];
    let error = home.failure(1, &[&beacon[..], &["0203"], &by].concat());
    assert!(
        text_of(&error["message"]).contains("not the beacon of this value"),
        "{error}"
    );
    let error = home.failure(
        1,
        &[&beacon[..], &[BEACON, "--keypair", "participant-0.json"]].concat(),
    );
    assert!(
        text_of(&error["message"]).contains("the coordinator is"),
        "{error}"
    );
    home.json(&[&beacon[..], &[BEACON], &by].concat());
    let finished = ceremony.by_coordinator("finish", &[&PTAU[..], &["--out", "ownership.key"]].concat());
    let checked = ceremony.by_coordinator("check", &PTAU);
    assert_eq!(checked["key_sha256"], finished["key_sha256"]);
    assert!(home.file("ownership.key").is_file());

    // Anyone finds a changed record, and a changed file.
    let transcript = fs::read_to_string(home.file("ceremony/transcript")).unwrap();
    home.write("ceremony/transcript", &transcript.replace("999999", "999998"));
    let check = [
        "ceremony",
        "check",
        "--folder",
        "ceremony",
        "--ptau",
        "powers.ptau",
    ];
    let fails = |more: &[&str], expected: &str| {
        let error = home.failure(7, &[&check[..], more].concat());
        assert!(text_of(&error["message"]).contains(expected), "{error}");
    };
    fails(&[], "not signed by the coordinator");
    home.write("ceremony/transcript", &transcript);
    let (id, coordinator) = (text_of(&checked["ceremony"]), text_of(&checked["coordinator"]));
    let published = ["--ceremony", id, "--coordinator", coordinator];
    assert_eq!(
        home.json(&[&check[..], &published].concat())["warnings"],
        Value::Null
    );
    fails(
        &["--coordinator", &ceremony.address(0)],
        "the coordinator of the ceremony is",
    );
    fails(&["--ceremony", &"0".repeat(64)], "the hash of the ceremony is");

    // The coordinator names a key that is not in the files.
    let last = transcript.lines().count() - 1;
    let hash = text_of(&checked["verifying_key_hash"]);
    let finished =
        |key: &str, hash: &str| json!({ "finished": { "key_sha256": key, "verifying_key_hash": hash } });
    ceremony.rewrite(&transcript, last, &finished(&"0".repeat(64), hash));
    fails(&[], "the transcript names the key");
    let key = text_of(&checked["key_sha256"]);
    ceremony.rewrite(&transcript, last, &finished(key, &"0".repeat(64)));
    fails(&[], "the transcript names the key");

    // The coordinator refuses a right contribution. The records before it begin the ceremony and
    // announce the beacon.
    let (_, text) = transcript.lines().nth(2).unwrap().split_once(' ').unwrap();
    let record: Value = serde_json::from_str(text).unwrap();
    let contributed = &record["event"]["contributed"];
    let reason = json!({ "refused": {
        "problem": "bad",
        "zkey_sha256": contributed["zkey_sha256"],
        "contribution_hash": contributed["contribution_hash"],
        "signature": contributed["signature"],
    } });
    fs::copy(
        home.file("ceremony/0001.zkey"),
        home.file("ceremony/refused/0000.zkey"),
    )
    .unwrap();
    ceremony.rewrite(
        &transcript,
        2,
        &json!({ "skipped": { "participant": 0, "reason": reason } }),
    );
    fails(&[], "but the file is right");

    home.write("ceremony/transcript", &transcript);
    fs::copy(home.file("first.zkey"), home.file("ceremony/0001.zkey")).unwrap();
    fails(&[], "is not that of the transcript");
}
