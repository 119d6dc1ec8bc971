//! The instructions of the relay's transactions, and the limits of their compute units.

use bauta_rpc::unsigned;
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_transaction::versioned::VersionedTransaction;

use super::error::RelayError;

/// The program that sets the limits of a transaction.
pub const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");
/// The system program.
pub const SYSTEM: Address = Address::new_from_array([0; 32]);
/// The instruction of the system program that transfers lamports.
const TRANSFER: u32 = 2;
/// The limits of a verification's compute units, whatever a node reports about it. They follow from
/// docs/benchmarks/compute-units.md: no verification uses less than the lower one without its
/// reserve, and every nullifier has enough with the upper one. Reservations assume the upper one.
pub const SMALLEST_VERIFICATION: u32 = 100_000;
/// See [`SMALLEST_VERIFICATION`].
pub const LARGEST_VERIFICATION: u32 = 200_000;
/// The same for a call of a consumer program that verifies.
pub const LARGEST_CALL: u32 = 400_000;

/// Returns the instructions of a transaction.
pub fn instructions(inner: &[Instruction], compute_units: u32, price: u64) -> Vec<Instruction> {
    let set = |code: u8, value: &[u8]| Instruction {
        program_id: COMPUTE_BUDGET,
        accounts: Vec::new(),
        data: [&[code], value].concat(),
    };
    let mut all = vec![set(2, &compute_units.to_le_bytes()), set(3, &price.to_le_bytes())];
    all.extend_from_slice(inner);
    all
}

/// Returns an instruction that transfers lamports.
pub fn transfer(from: Address, to: Address, lamports: u64) -> Instruction {
    Instruction {
        program_id: SYSTEM,
        accounts: vec![AccountMeta::new(from, true), AccountMeta::new(to, false)],
        data: [&TRANSFER.to_le_bytes()[..], &lamports.to_le_bytes()].concat(),
    }
}

/// Returns an instruction that fails if the wallet has less than `floor` lamports: it transfers
/// them from the wallet to itself.
pub fn guard(wallet: Address, floor: u64) -> Instruction {
    transfer(wallet, wallet, floor)
}

/// Builds a transaction without signatures.
pub fn build(
    all: &[Instruction],
    wallet: &Address,
    blockhash: Hash,
) -> Result<VersionedTransaction, RelayError> {
    unsigned(all, wallet, blockhash).map_err(RelayError::NotBuilt)
}
