//! A ceremony with the real snarkjs: one participant is absent, one delivers a bad file, and one an
//! old file.

use std::{env, fs, path::Path, process};

use bauta_circuits::{Ownership, statement::r1cs};
use bauta_iden3::{ZKey, snarkjs::Snarkjs};
use bauta_primitives::tree::Depth;
use serde_json::Value;

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
        let files = ["--zkey", "first.zkey", "--participants", "participants"];
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
                let waiting = self.advance(&[]);
                assert_eq!(waiting["turn_of"], format!("participant {number}"));
                let late = (waiting["turn_ends"].as_i64().unwrap() + 1).to_string();
                return self.advance(&["--at", &late]);
            }
            _ => {
                self.contribute(newest, number);
                self.deliver("ceremony", number);
            }
        }
        self.advance(&[])
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
    assert!(result(OLD).contains("to an old file"), "{state:#}");
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
    let error = home.failure(1, &check);
    assert!(
        text_of(&error["message"]).contains("not signed by the coordinator"),
        "{error}"
    );
    home.write("ceremony/transcript", &transcript);
    fs::copy(home.file("first.zkey"), home.file("ceremony/0001.zkey")).unwrap();
    let error = home.failure(1, &check);
    assert!(
        text_of(&error["message"]).contains("is not that of the transcript"),
        "{error}"
    );
}
