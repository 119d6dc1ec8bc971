//! Replaces every account of every instruction and records the result.
//!
//! Each account is replaced by an unused address, by a copy that another program owns, by another
//! account of the same type, and by each other account of the instruction. Its signature and its
//! write access are removed. `table.txt` has a line for each case. An account or a privilege that
//! the program does not check appears there as `accepted`.
//!
//! To write the table, run this command. Then review the difference.
//!
//! ```text
//!   BAUTA_WRITE_SUBSTITUTIONS=1 cargo test -p bauta-program-suite --test substitution
//! ```

mod airdrop;
mod cases;
mod compressed;
mod fuzzed;
mod malformed;

use std::fmt::Write;
use std::time::Instant;

use bauta::bubblegum::{BUBBLEGUM_PROGRAM, MPL_COMPRESSION_PROGRAM, SPL_COMPRESSION_PROGRAM};
use bauta::core_asset::CORE_PROGRAM;
use bauta::token::is_token_program;
use bauta::token_metadata::TOKEN_METADATA_PROGRAM;
use bauta_program_test::{Receipt, Refusal, TestChain, keypair};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use proptest::{prelude::*, strategy::ValueTree};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// The programs whose accounts are written into the chain.
const METAPLEX: [Address; 5] = [
    TOKEN_METADATA_PROGRAM,
    CORE_PROGRAM,
    BUBBLEGUM_PROGRAM,
    SPL_COMPRESSION_PROGRAM,
    MPL_COMPRESSION_PROGRAM,
];

/// An instruction that succeeds without a change.
struct Case {
    name: &'static str,
    chain: TestChain,
    instruction: Instruction,
    /// The signers.
    signers: Vec<Keypair>,
    /// Accounts of the right type that don't belong to the instruction, with the account that they
    /// replace.
    foreign: Vec<(&'static str, Address)>,
}

impl Case {
    /// Returns the result of the changed instruction. The chain does not change.
    fn outcome(&self, change: impl FnOnce(&mut Instruction)) -> String {
        let mut instruction = self.instruction.clone();
        change(&mut instruction);
        outcome(self.send(&mut self.chain.clone(), instruction))
    }

    /// Sends a changed instruction, signed by the signers that it still names.
    fn send(&self, chain: &mut TestChain, mut instruction: Instruction) -> Result<Receipt, Refusal> {
        let unused = keypair("unused");
        let mut signers = vec![];
        for meta in &mut instruction.accounts {
            let mut known = self.signers.iter().chain([&unused]);
            match known.find(|key| key.pubkey() == meta.pubkey) {
                Some(key) if meta.is_signer => signers.push(key),
                // The replacement of a signer may be unable to sign.
                _ => meta.is_signer = false,
            }
        }
        chain.send(&[instruction], &signers)
    }

    /// Returns the lines of this instruction in the table.
    fn lines(mut self) -> String {
        assert_eq!(self.outcome(|_| {}), "accepted", "{} without a change", self.name);
        let names = account_names(self.name);
        let metas = self.instruction.accounts.clone();
        assert_eq!(names.len(), metas.len(), "{}", self.name);
        let copies: Vec<Option<Address>> = metas.iter().map(|meta| self.copy(meta.pubkey)).collect();
        let mut lines = String::new();
        for (i, name) in names.iter().enumerate() {
            // The case omits this optional account: the program's address stands for it.
            if metas[i].pubkey == self.instruction.program_id && name != "program" {
                continue;
            }
            let mut line = |what: &str, outcome: String| {
                writeln!(lines, "{}.{name}: {what}: {outcome}", self.name)
                    .expect("writing to a string succeeds");
            };
            let replaced = |by: Address| self.outcome(|instruction| instruction.accounts[i].pubkey = by);
            line("an unused address", replaced(keypair("unused").pubkey()));
            if let Some(copy) = copies[i] {
                line("a copy that another program owns", replaced(copy));
            }
            for (_, address) in self.foreign.iter().filter(|(of, _)| of == name) {
                line("an account from elsewhere", replaced(*address));
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

    /// Copies an account to another address, with another program as its owner.
    fn copy(&mut self, address: Address) -> Option<Address> {
        let account = self.chain.account(&address)?;
        if account.executable || account.data.is_empty() {
            return None;
        }
        let copy = self.chain.new_keypair("copy").pubkey();
        let owner = keypair("another program").pubkey();
        self.chain.set_account(&copy, Account { owner, ..account });
        Some(copy)
    }
}

/// Returns the result of an instruction as the table has it.
fn outcome(result: Result<Receipt, Refusal>) -> String {
    match result {
        Ok(_) => "accepted".into(),
        Err(refusal) => refusal.code().map_or_else(|| refusal.name(), name_of),
    }
}

/// Returns the name of an error of the program. Errors of Anchor (from 100) and of the system
/// program have only their number.
fn name_of(code: u32) -> String {
    let own = listed("errors").into_iter().find(|error| error["code"] == code);
    own.map_or(format!("custom error {code}"), |error| {
        error["name"].as_str().expect("every item has a name").to_owned()
    })
}

/// Returns the items of a list in the IDLs of both programs.
fn listed(name: &str) -> Vec<serde_json::Value> {
    let idls = [
        include_str!("../../../../programs/bauta/artifacts/bauta.json"),
        include_str!("../../../../programs/airdrop/artifacts/airdrop.json"),
    ];
    let lists = idls.map(|idl| {
        let idl: serde_json::Value = serde_json::from_str(idl).expect("the IDL is JSON");
        idl[name].as_array().expect("the IDL has the list").clone()
    });
    lists.concat()
}

/// Returns the names of the instruction's accounts in order, from the IDL.
fn account_names(instruction: &str) -> Vec<String> {
    let instructions = listed("instructions");
    let own = instructions
        .iter()
        .find(|own| own["name"] == instruction)
        .expect("the IDL has the instruction");
    let accounts = own["accounts"].as_array().expect("the IDL has the list");
    let names = accounts.iter().map(|account| account["name"].as_str());
    names
        .map(|name| name.expect("every item has a name").to_owned())
        .collect()
}

#[test]
fn every_account_and_every_privilege_is_checked() {
    let table: String = cases::all().into_iter().map(Case::lines).collect();
    if std::env::var_os("BAUTA_WRITE_SUBSTITUTIONS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/substitution/table.txt");
        std::fs::write(path, &table).expect("the checkout is writable");
    }
    let written = include_str!("table.txt");
    for (now, before) in table.lines().zip(written.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(table.lines().count(), written.lines().count());
}

/// Lists the lines of the table that may say `accepted`, with the reason.
#[test]
fn only_the_listed_substitutions_are_accepted() {
    for line in include_str!("table.txt")
        .lines()
        .filter(|line| line.ends_with(": accepted"))
    {
        let allowed = [
            // Any signer may pay.
            ".payer: ",
            // The creator chooses another registry of the same leaf format.
            "create_scope.auxiliary_registry: ",
            // The events need the program's address among the accounts, and it also stands for an
            // omitted account. The program reads nothing of this account.
            "evict_holder.program: ",
            "register_compressed_holder.program: ",
            // Every staged path is compared with the tree, so any signer's may be used.
            "compressed_holder.staged: an account from elsewhere",
            // The authority chooses where the rest of the vault goes.
            "sweep.destination: ",
        ];
        assert!(allowed.iter().any(|account| line.contains(account)), "{line}");
    }
}

/// A list whose length is larger than the data is refused as malformed, with Anchor's error code.
#[test]
fn a_list_length_that_exceeds_the_data_is_refused() {
    // The position of the length: before the payload, which is last, or at the beginning of the
    // arguments.
    let payload = 4 + b"payload".len();
    // The proof of a compressed asset has three nodes.
    let proof = 4 + 3 * 32;
    let lengths = [
        ("verify", Some(payload)),
        ("append_leaves", None),
        ("register_compressed_holder", Some(proof)),
        ("evict_compressed_holder", Some(proof)),
    ];
    let malformed = u32::from(anchor_lang::error::ErrorCode::InstructionDidNotDeserialize);
    for case in cases::all() {
        let Some((_, from_the_end)) = lengths.iter().find(|(name, _)| *name == case.name) else {
            continue;
        };
        let at = from_the_end.map_or(8, |bytes| case.instruction.data.len() - bytes);
        let actual = case.instruction.data[at..][..4].try_into().expect("four bytes");
        let actual = u32::from_le_bytes(actual);
        for length in [actual + 1, 10 * 1024, 10 * 1024 + 1, 1 << 20, u32::MAX] {
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

/// Sends instructions with truncated, extended and changed data, with other lists of accounts, and
/// with changed accounts of tokens, of Metaplex and of the compression programs.
///
/// Each is accepted or refused. None causes a panic, an access violation or an exhausted compute
/// budget. This is the short form of the drill `cargo xtask drill fuzz`, which sets the variables.
#[test]
fn no_data_and_no_list_of_accounts_crashes_the_program() {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("an integer"))
    };
    let mut cases = cases::all();
    cases.extend(fuzzed::cases());
    cases.extend(airdrop::more());
    for case in &cases {
        assert_eq!(case.outcome(|_| {}), "accepted", "{} without a change", case.name);
    }
    let Some(seconds) = variable("BAUTA_FUZZ_SECONDS") else {
        fuzz(&cases, &mut TestRunner::deterministic(), 60);
        return;
    };
    let seed = variable("BAUTA_FUZZ_SEED").unwrap_or_else(rand::random);
    println!("seed {seed}");
    let bytes: Vec<u8> = seed.to_be_bytes().repeat(4);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let began = Instant::now();
    let (mut rounds, mut accepted) = (0, 0);
    while began.elapsed().as_secs() < seconds {
        accepted += fuzz(&cases, &mut runner, 60);
        rounds += 60;
    }
    println!(
        "{rounds} rounds of {} instructions, {accepted} were accepted, none crashed",
        cases.len()
    );
}

/// Sends `rounds` random changes of each instruction. Returns how many were accepted.
fn fuzz(cases: &[Case], runner: &mut TestRunner, rounds: usize) -> usize {
    let change = (
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..6u8,
        any::<prop::sample::Index>(),
    );
    let changes = prop::collection::vec(change, 1..4);
    let mut accepted = 0;
    for case in cases {
        for _ in 0..rounds {
            let changes = changes
                .new_tree(runner)
                .expect("the strategy rejects no value")
                .current();
            let (mut chain, mut instruction) = (case.chain.clone(), case.instruction.clone());
            for (at, byte, kind, other) in &changes {
                if *kind == 5 {
                    change_account(&mut chain, &instruction, *at, *byte, *other);
                } else {
                    mutate(&mut instruction, *at, *byte, *kind, *other);
                }
            }
            let outcome = outcome(case.send(&mut chain, instruction));
            accepted += usize::from(outcome == "accepted");
            let crashes = [
                "ProgramFailedToComplete",
                "AccessViolation",
                "ComputationalBudgetExceeded",
            ];
            assert!(
                !crashes.iter().any(|what| outcome.contains(what)),
                "{}: {outcome} after {changes:?}",
                case.name
            );
        }
    }
    accepted
}

/// Changes a byte of an account that a token program, a program of Metaplex or a compression
/// program owns, or truncates the account there.
fn change_account(
    chain: &mut TestChain,
    instruction: &Instruction,
    at: prop::sample::Index,
    byte: u8,
    other: prop::sample::Index,
) {
    let is_foreign = |owner: &Address| is_token_program(owner) || METAPLEX.contains(owner);
    let addresses = instruction.accounts.iter().map(|meta| meta.pubkey);
    let foreign: Vec<(Address, Account)> = addresses
        .filter_map(|address| Some((address, chain.account(&address)?)))
        .filter(|(_, account)| is_foreign(&account.owner) && !account.data.is_empty())
        .collect();
    if foreign.is_empty() {
        return;
    }
    let (address, mut account) = foreign[other.index(foreign.len())].clone();
    let at = at.index(account.data.len());
    // Most changes concern the first bytes, which the readers interpret.
    let at = if byte.is_multiple_of(2) { at } else { at % 128 };
    if byte.is_multiple_of(16) {
        account.data.truncate(at);
    } else if at < account.data.len() {
        account.data[at] = byte;
    }
    chain.set_account(&address, account);
}

fn mutate(
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
        // The first eight bytes select the instruction.
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
