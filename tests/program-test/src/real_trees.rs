//! Trees that the real compression programs write. `cargo xtask drill collections` builds the
//! programs.

use std::{env, fs, path::PathBuf};

use anchor_lang::InstructionData;
use bauta::bubblegum::{MPL_COMPRESSION_PROGRAM, SPL_COMPRESSION_PROGRAM, Version};
use bauta_client::addresses;
use litesvm::LiteSVM;
use mpl_account_compression::instruction::{Append, InitEmptyMerkleTree, ReplaceLeaf};
use solana_account::Account;
use solana_address::Address;
use solana_clock::Clock;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;

use crate::keypair;

/// The environment variable with the folder of the ELFs that `cargo xtask drill collections`
/// builds.
pub const METAPLEX_VARIABLE: &str = "BAUTA_METAPLEX_ELFS";

/// The no-op program that the compression program of V1 trees calls.
pub const SPL_NOOP: Address = Address::from_str_const("noopb9bkMVfRPU8AsbpTUg8AQkHtKwMYZiFUjNRtMmV");

/// The no-op program that the compression program of V2 trees calls.
pub const MPL_NOOP: Address = Address::from_str_const("mnoopTCrg4p8ry25e4bcWA9XZjbNjMTfgYVGGEdRsf3");

/// Returns the ELF of a program that the drill builds. Returns `None` outside of the drill.
///
/// # Panics
/// If the folder does not have the ELF.
#[must_use]
pub fn metaplex_elf(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env::var_os(METAPLEX_VARIABLE)?).join(format!("{name}.so"));
    Some(fs::read(&path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display())))
}

thread_local! {
    // Loading the ELFs takes longer than most tests, so each thread loads them once.
    static PROGRAMS: Option<LiteSVM> = programs();
}

/// Returns a chain with the compression programs, or `None` outside of the drill.
fn programs() -> Option<LiteSVM> {
    // The authority of a tree is an address of Bubblegum, which has no key. The compression
    // programs require only that the runtime calls the authority a signer.
    let mut svm = LiteSVM::new().with_sigverify(false);
    for (program, name) in [
        (SPL_COMPRESSION_PROGRAM, "compression-v1"),
        (SPL_NOOP, "noop-v1"),
        (MPL_COMPRESSION_PROGRAM, "compression-v2"),
        (MPL_NOOP, "noop-v2"),
    ] {
        svm.add_program(program, &metaplex_elf(name)?)
            .expect("the SVM loads the ELF");
    }
    let payer = Account {
        lamports: 1_000_000_000_000,
        ..Account::default()
    };
    svm.set_account(payer_key().pubkey(), payer)
        .expect("the payer is not a program");
    Some(svm)
}

fn payer_key() -> Keypair {
    keypair("payer of the real trees")
}

/// A tree on a chain of its own. The real compression program makes every change.
pub struct RealTree {
    svm: LiteSVM,
    version: Version,
    address: Address,
}

impl RealTree {
    /// Creates an empty tree in an account with this number of bytes. Returns `None` outside of the
    /// drill.
    ///
    /// # Panics
    /// If the program refuses the tree.
    pub fn create(
        (version, address): (Version, Address),
        (depth, buffer): (u32, u32),
        slot: u64,
        bytes: usize,
    ) -> Option<Self> {
        let mut svm = PROGRAMS.with(Clone::clone)?;
        let mut clock: Clock = svm.get_sysvar();
        clock.slot = slot;
        svm.set_sysvar(&clock);
        let empty = Account {
            lamports: svm.minimum_balance_for_rent_exemption(bytes),
            data: vec![0; bytes],
            owner: match version {
                Version::V1 => SPL_COMPRESSION_PROGRAM,
                Version::V2 => MPL_COMPRESSION_PROGRAM,
            },
            ..Account::default()
        };
        svm.set_account(address, empty)
            .expect("the tree is not a program");
        let mut tree = Self {
            svm,
            version,
            address,
        };
        let initialize = InitEmptyMerkleTree {
            max_depth: depth,
            max_buffer_size: buffer,
        };
        tree.send(initialize.data(), &[]);
        Some(tree)
    }

    /// Appends a leaf.
    pub fn append(&mut self, leaf: [u8; 32]) {
        self.send(Append { leaf }.data(), &[]);
    }

    /// Replaces a leaf. The proof has the nodes below the canopy.
    pub fn replace(&mut self, root: [u8; 32], index: u32, leaves: [[u8; 32]; 2], proof: &[[u8; 32]]) {
        let [previous_leaf, new_leaf] = leaves;
        let replace = ReplaceLeaf {
            root,
            previous_leaf,
            new_leaf,
            index,
        };
        self.send(replace.data(), proof);
    }

    /// Returns the data of the account.
    ///
    /// # Panics
    /// Never, because the account exists.
    pub fn data(&self) -> Vec<u8> {
        let account = self.svm.get_account(&self.address);
        account.expect("the tree exists").data
    }

    fn send(&mut self, data: Vec<u8>, proof: &[[u8; 32]]) {
        let (program, noop) = match self.version {
            Version::V1 => (SPL_COMPRESSION_PROGRAM, SPL_NOOP),
            Version::V2 => (MPL_COMPRESSION_PROGRAM, MPL_NOOP),
        };
        let authority = addresses::tree_config(&self.address).address;
        let mut accounts = vec![
            AccountMeta::new(self.address, false),
            AccountMeta::new_readonly(authority, true),
            AccountMeta::new_readonly(noop, false),
        ];
        let nodes = proof.iter().map(|node| Address::new_from_array(*node));
        accounts.extend(nodes.map(|node| AccountMeta::new_readonly(node, false)));
        let instruction = Instruction {
            program_id: program,
            accounts,
            data,
        };
        let mut limit = vec![2];
        limit.extend(1_400_000_u32.to_le_bytes());
        let limit = Instruction {
            program_id: Address::from_str_const("ComputeBudget111111111111111111111111111111"),
            accounts: vec![],
            data: limit,
        };
        self.svm.expire_blockhash();
        let blockhash = self.svm.latest_blockhash();
        let payer = payer_key().pubkey();
        let message = Message::new_with_blockhash(&[limit, instruction], Some(&payer), &blockhash);
        if let Err(failed) = self.svm.send_transaction(Transaction::new_unsigned(message)) {
            panic!(
                "the compression program refused: {}: {:#?}",
                failed.err, failed.meta.logs
            );
        }
    }
}
