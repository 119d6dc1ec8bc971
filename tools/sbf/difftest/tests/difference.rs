//! Tests that the program's results on chain equal its results on the host, as SBPF v0 and as SBPF
//! v3.
//!
//! `cargo xtask program difftest` builds the ELFs, sets `DIFFTEST_ELFS` to their folder and runs
//! this test.

use std::{env, fs, path::PathBuf, sync::Mutex};

use bauta_difftest::{Family, Operands, results};
use litesvm::{
    LiteSVM,
    types::{FailedTransactionMetadata, TransactionMetadata},
};
use proptest::{collection::vec, prelude::*};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;

const ELFS: [&str; 2] = ["difftest.so", "difftest.v3.so"];

struct TestChain {
    svm: LiteSVM,
    payer: Keypair,
    program: Address,
}

impl TestChain {
    fn new(elf: &str) -> Self {
        let folder = env::var_os("DIFFTEST_ELFS").expect("run this as `cargo xtask program difftest`");
        let elf = fs::read(PathBuf::from(folder).join(elf)).expect("the ELF");
        let mut svm = LiteSVM::new();
        let program = Address::new_from_array([7; 32]);
        svm.add_program(program, &elf)
            .expect("the runtime accepts the ELF");
        let payer = Keypair::new();
        svm.airdrop(&payer.pubkey(), 1_000_000_000_000).expect("airdrop");
        Self { svm, payer, program }
    }

    fn run(&mut self, operands: &Operands) -> Result<TransactionMetadata, Box<FailedTransactionMetadata>> {
        let instruction = Instruction {
            program_id: self.program,
            accounts: vec![],
            data: operands.to_bytes(),
        };
        self.svm.expire_blockhash();
        let message = Message::new(&[instruction], Some(&self.payer.pubkey()));
        let transaction = Transaction::new(&[&self.payer], message, self.svm.latest_blockhash());
        self.svm.send_transaction(transaction).map_err(Box::new)
    }

    fn returned(&mut self, operands: &Operands) -> Vec<u8> {
        let done = self
            .run(operands)
            .unwrap_or_else(|error| panic!("{operands:?}: {error:?}"));
        let mut data = done.return_data.data;
        assert_eq!(data.pop(), Some(1), "{operands:?}: return data is truncated");
        data
    }
}

fn narrow() -> impl Strategy<Value = i64> {
    let edges = [
        0,
        1,
        -1,
        2,
        -2,
        3,
        7,
        i64::MAX,
        i64::MIN,
        i64::MIN + 1,
        1 << 31,
        -(1 << 31),
        1 << 32,
        3_037_000_500,
    ];
    prop_oneof![
        prop::sample::select(edges.to_vec()),
        (any::<i64>(), 0..64u32).prop_map(|(value, shift)| value >> shift),
    ]
}

fn wide() -> impl Strategy<Value = u128> {
    let edges = [
        0,
        1,
        2,
        3,
        u128::MAX,
        1 << 127,
        (1 << 127) - 1,
        1 << 64,
        (1 << 64) - 1,
        (1 << 64) + 1,
        1 << 63,
    ];
    prop_oneof![
        prop::sample::select(edges.to_vec()),
        (any::<u128>(), 0..128u32).prop_map(|(value, shift)| value >> shift),
    ]
}

fn operands() -> impl Strategy<Value = Operands> {
    let family = prop::sample::select(Family::RETURNING.to_vec());
    (family, narrow(), narrow(), wide(), wide(), 0..600u32).prop_map(|(family, a, b, c, d, s)| Operands {
        family,
        a,
        b,
        c,
        d,
        s,
    })
}

#[test]
#[ignore = "it needs the ELFs of `cargo xtask program difftest`"]
fn results_on_chain_equal_results_on_the_host() {
    let chains = Mutex::new(ELFS.map(TestChain::new));
    let config = ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(batch in vec(operands(), 40))| {
        for operands in batch {
            let expected = results(&operands);
            for chain in chains.lock().expect("one thread").iter_mut() {
                prop_assert_eq!(&chain.returned(&operands), &expected, "{:?}", operands);
            }
        }
    });
}

#[test]
#[ignore = "it needs the ELFs of `cargo xtask program difftest`"]
fn a_panic_logs_its_source_location_and_fails_the_transaction() {
    let operands = Operands {
        family: Family::Panic,
        a: 41,
        b: 0,
        c: 0,
        d: 0,
        s: 0,
    };
    for elf in ELFS {
        let failed = TestChain::new(elf).run(&operands).expect_err("a panic");
        let logs = failed.meta.logs.join("\n");
        assert!(
            logs.contains("SBF program Panicked in tools/sbf/difftest/src/lib.rs at"),
            "{logs}"
        );
    }
}
