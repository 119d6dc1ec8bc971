//! Every account of every instruction, replaced: by an account that means nothing, by a copy that another program owns, by
//! another of the same kind, by each other account of the instruction; unsigned; read-only. What comes of each is written
//! in `table.txt`, one line each: an account or right that nobody checks would show there as `accepted`.
//!
//! ```text
//!   BAUTA_WRITE_SUBSTITUTIONS=1 cargo test -p bauta-program-test --test substitution     writes the table; read its difference
//! ```

mod cases;

use std::fmt::Write;
use std::time::Instant;

use bauta_program_test::{World, keypair};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use proptest::{prelude::*, strategy::ValueTree};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// An instruction that succeeds as it is.
struct Case {
    name: &'static str,
    world: World,
    instruction: Instruction,
    /// Who signs.
    signers: Vec<Keypair>,
    /// Accounts of the right kind that belong elsewhere, and in place of which account.
    elsewhere: Vec<(&'static str, Address)>,
}

impl Case {
    /// What comes of the instruction so changed, without effect on this world.
    fn outcome(&self, change: impl FnOnce(&mut Instruction)) -> String {
        let mut instruction = self.instruction.clone();
        change(&mut instruction);
        let nobody = keypair("nobody");
        let mut signers = vec![];
        for meta in &mut instruction.accounts {
            let mut known = self.signers.iter().chain([&nobody]);
            match known.find(|key| key.pubkey() == meta.pubkey) {
                Some(key) if meta.is_signer => signers.push(key),
                // what took a signer's place may be unable to sign
                _ => meta.is_signer = false,
            }
        }
        match self.world.clone().send(&[instruction], &signers) {
            Ok(_) => "accepted".into(),
            Err(refused) => refused.code().map_or_else(|| refused.name(), name_of),
        }
    }

    /// The table's lines of this instruction.
    fn lines(mut self) -> String {
        assert_eq!(self.outcome(|_| {}), "accepted", "{} as it is", self.name);
        let names = account_names(self.name);
        let metas = self.instruction.accounts.clone();
        assert_eq!(names.len(), metas.len(), "{}", self.name);
        let copies: Vec<Option<Address>> = metas.iter().map(|meta| self.copy(meta.pubkey)).collect();
        let mut lines = String::new();
        for (i, name) in names.iter().enumerate() {
            let mut line = |what: &str, outcome: String| {
                writeln!(lines, "{}.{name}: {what}: {outcome}", self.name).expect("a string");
            };
            let replaced = |by: Address| self.outcome(|instruction| instruction.accounts[i].pubkey = by);
            line("means nothing", replaced(keypair("nobody").pubkey()));
            if let Some(copy) = copies[i] {
                line("a copy that another program owns", replaced(copy));
            }
            for (_, address) in self.elsewhere.iter().filter(|(of, _)| of == name) {
                line("of elsewhere", replaced(*address));
            }
            if metas[i].is_signer {
                line(
                    "unsigned",
                    self.outcome(|instruction| instruction.accounts[i].is_signer = false),
                );
            }
            if metas[i].is_writable {
                line(
                    "read-only",
                    self.outcome(|instruction| instruction.accounts[i].is_writable = false),
                );
            }
            for (j, other) in names.iter().enumerate() {
                if metas[i].pubkey != metas[j].pubkey {
                    line(&format!("the same as {other}"), replaced(metas[j].pubkey));
                }
            }
        }
        lines
    }

    /// Puts the same bytes at another address, owned by somebody else.
    fn copy(&mut self, address: Address) -> Option<Address> {
        let account = self.world.account(&address)?;
        if account.executable || account.data.is_empty() {
            return None;
        }
        let copy = self.world.next_keypair("copy").pubkey();
        let owner = keypair("another program").pubkey();
        self.world.set_account(&copy, Account { owner, ..account });
        Some(copy)
    }
}

/// The name of the program's errors; those of Anchor (from 100) and of the system program by number.
fn name_of(code: u32) -> String {
    let idl = idl();
    let errors = idl["errors"].as_array().expect("a list");
    let own = errors.iter().find(|error| error["code"] == code);
    own.map_or(format!("custom error {code}"), |error| {
        error["name"].as_str().expect("a name").to_owned()
    })
}

fn idl() -> serde_json::Value {
    let idl = include_str!("../../../../programs/bauta/artifacts/bauta.json");
    serde_json::from_str(idl).expect("the IDL is JSON")
}

/// The instruction's accounts in order, from the IDL.
fn account_names(instruction: &str) -> Vec<String> {
    let idl = idl();
    let instructions = idl["instructions"].as_array().expect("a list");
    let own = instructions
        .iter()
        .find(|own| own["name"] == instruction)
        .expect("in the IDL");
    let accounts = own["accounts"].as_array().expect("a list");
    let names = accounts.iter().map(|account| account["name"].as_str());
    names.map(|name| name.expect("a name").to_owned()).collect()
}

#[test]
fn no_account_can_be_replaced_and_no_right_left_out() {
    let table: String = cases::all().into_iter().map(Case::lines).collect();
    if std::env::var_os("BAUTA_WRITE_SUBSTITUTIONS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/substitution/table.txt");
        std::fs::write(path, &table).expect("the checkout can be written");
    }
    let written = include_str!("table.txt");
    for (now, before) in table.lines().zip(written.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(table.lines().count(), written.lines().count());
}

/// The lines of the table that say `accepted`, each with the reason why that is right.
#[test]
fn what_is_accepted_is_meant_to_be() {
    for line in include_str!("table.txt")
        .lines()
        .filter(|line| line.ends_with(": accepted"))
    {
        let right = [
            // anybody who signs may pay
            ".payer: ",
            // the creator's choice: another registry, or none (the program's address stands for none)
            "create_scope.auxiliary_registry: ",
        ];
        assert!(right.iter().any(|account| line.contains(account)), "{line}");
    }
}

/// A list's length in the data that the data doesn't bear out: refused as malformed (Anchor's code), whatever it claims.
#[test]
fn a_length_that_the_data_does_not_bear_out_is_refused() {
    // where the length stands: before the payload, which comes last, and at the beginning
    let payload = 4 + b"payload".len();
    let lengths = [("verify", Some(payload)), ("append_leaves", None)];
    let malformed = u32::from(anchor_lang::error::ErrorCode::InstructionDidNotDeserialize);
    for case in cases::all() {
        let Some((_, from_the_end)) = lengths.iter().find(|(name, _)| *name == case.name) else {
            continue;
        };
        let at = from_the_end.map_or(8, |bytes| case.instruction.data.len() - bytes);
        let honest = case.instruction.data[at..][..4].try_into().expect("four bytes");
        let honest = u32::from_le_bytes(honest);
        for length in [honest + 1, 10 * 1024, 10 * 1024 + 1, 1 << 20, u32::MAX] {
            let outcome = case.outcome(|instruction| {
                instruction.data[at..][..4].copy_from_slice(&length.to_le_bytes());
            });
            assert_eq!(
                outcome,
                format!("custom error {malformed}"),
                "{}: {length}",
                case.name
            );
        }
    }
}

/// Bytes cut off, added and changed, and accounts in another order or number: refused or accepted, but never a panic, an
/// access violation or a budget used up. The short form of the drill `cargo xtask drill fuzz`, which sets the variables.
#[test]
fn no_data_and_no_list_of_accounts_makes_the_program_fall_over() {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("an integer"))
    };
    let cases = cases::all();
    let Some(seconds) = variable("BAUTA_FUZZ_SECONDS") else {
        return fuzz(&cases, &mut TestRunner::deterministic(), 60);
    };
    let seed = variable("BAUTA_FUZZ_SEED").unwrap_or_else(rand::random);
    println!("seed {seed}");
    let bytes: Vec<u8> = seed.to_be_bytes().repeat(4);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed().as_secs() < seconds {
        fuzz(&cases, &mut runner, 60);
        rounds += 60;
    }
    println!("{rounds} rounds of {} instructions", cases.len());
}

/// Distorts each instruction so many times.
fn fuzz(cases: &[Case], runner: &mut TestRunner, rounds: usize) {
    let change = (
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..5u8,
        any::<prop::sample::Index>(),
    );
    let changes = prop::collection::vec(change, 1..4);
    for case in cases {
        for _ in 0..rounds {
            let changes = changes
                .new_tree(runner)
                .expect("a strategy that rejects nothing")
                .current();
            let outcome = case.outcome(|instruction| {
                for (at, byte, kind, other) in &changes {
                    distort(instruction, *at, *byte, *kind, *other);
                }
            });
            let fell = [
                "ProgramFailedToComplete",
                "AccessViolation",
                "ComputationalBudgetExceeded",
            ];
            assert!(
                !fell.iter().any(|what| outcome.contains(what)),
                "{}: {outcome} after {changes:?}",
                case.name
            );
        }
    }
}

fn distort(
    instruction: &mut Instruction,
    at: prop::sample::Index,
    byte: u8,
    kind: u8,
    other: prop::sample::Index,
) {
    let (data, accounts) = (&mut instruction.data, &mut instruction.accounts);
    match kind {
        0 => data.truncate(8 + at.index(data.len().max(8) - 7)),
        1 => data.push(byte),
        // the first eight bytes choose the instruction
        2 if data.len() > 8 => {
            let at = 8 + at.index(data.len() - 8);
            data[at] = byte;
        }
        3 => {
            let number = accounts.len();
            accounts.swap(at.index(number), other.index(number));
        }
        _ => accounts.truncate(1 + at.index(accounts.len())),
    }
}
