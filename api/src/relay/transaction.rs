//! The transactions of relays: their instructions, fees and signatures.

use bauta::state::Nullifier as NullifierAccount;
use bauta_client::{ProgramError, Verification, instructions::Verify};
use bauta_primitives::sha256;
use bauta_rpc::{CommitmentLevel, Simulation, serialize, unsigned};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_signature::Signature;

use super::{Shared, error::RelayError, wallets::Wallet};

/// The commitment level at which relays are simulated.
pub const SIMULATED_AT: CommitmentLevel = CommitmentLevel::Confirmed;
/// The program that sets the limits of a transaction.
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");
/// The fee for each signature in lamports.
const SIGNATURE_FEE: u64 = 5_000;
/// The most compute units that a transaction can have. Simulations have this limit.
const MAX_COMPUTE_UNITS: u32 = 1_400_000;
/// The limits of a verification's compute units, whatever a node says about it. They follow from
/// docs/benchmarks/compute-units.md: no verification uses less than the lower one without its
/// reserve, and every nullifier has enough with the upper one. Reservations assume the upper one.
const SMALLEST_VERIFICATION: u32 = 100_000;
/// See [`SMALLEST_VERIFICATION`].
pub const LARGEST_VERIFICATION: u32 = 200_000;
/// Lamports for each byte of an account, and the bytes that each account has in addition. No
/// cluster requires more (docs/costs.md). What the rent really was is in the ledger.
const LAMPORTS_PER_BYTE: u64 = 6_960;
/// See [`LAMPORTS_PER_BYTE`].
const ACCOUNT_OVERHEAD: u64 = 128;
/// The lowest price of a first transaction in micro-lamports for each compute unit. A price of 0
/// could not rise, and a transaction without one is the first that a busy cluster drops.
const MIN_PRICE: u64 = 1_000;
/// The index of `verify` in a transaction.
const VERIFY_INDEX: u8 = 2;

/// What a transaction can cost.
pub struct Fees {
    /// The highest price in micro-lamports for each compute unit.
    max_price: u64,
}

impl Fees {
    /// Creates the fees with this highest price.
    pub const fn new(max_price: u64) -> Self {
        Self { max_price }
    }

    /// Returns the most lamports that a relay can cost, whatever nodes say. At most one of its
    /// transactions is executed.
    pub fn most(&self) -> u64 {
        let rent = (NullifierAccount::SPACE as u64 + ACCOUNT_OVERHEAD) * LAMPORTS_PER_BYTE;
        most(rent, LARGEST_VERIFICATION, self.max_price)
    }

    /// Returns the price of a transaction: that of recent blocks, but at least half as much again
    /// as that of the former transaction, within the highest price.
    pub fn price(&self, recent: u64, former: Option<u64>) -> u64 {
        let least = former.map_or(MIN_PRICE, |former| {
            former.saturating_add(former / 2).max(MIN_PRICE)
        });
        recent.max(least).min(self.max_price)
    }
}

fn most(rent: u64, compute_units: u32, max_price: u64) -> u64 {
    let priority = u64::from(compute_units)
        .saturating_mul(max_price)
        .div_ceil(1_000_000);
    rent.saturating_add(SIGNATURE_FEE).saturating_add(priority)
}

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

/// Simulates a verification. Returns the limit of its compute units: 10 % more than it used, within
/// the limits of verifications.
pub async fn simulate(shared: &Shared, verify: &Verify) -> Result<u32, RelayError> {
    let all = instructions(&[verify.instruction()], MAX_COMPUTE_UNITS, 0);
    let transaction = &unsigned(&all, &verify.payer, Hash::default())?;
    let simulated = shared.nodes.agree(|node| async move {
        let simulation = node.simulate(transaction, SIMULATED_AT).await?;
        Ok(judge(verify, simulation))
    });
    Ok(simulated.await?.into_iter().max().unwrap_or(LARGEST_VERIFICATION))
}

fn judge(verify: &Verify, simulation: Simulation) -> Result<u32, RelayError> {
    if let Some(error) = simulation.error {
        let code = error
            .program_error()
            .filter(|(index, _)| *index == VERIFY_INDEX)
            .map(|(_, code)| ProgramError::from_code(code));
        return Err(match code {
            Some(program) if program.name == "NullifierUsed" => RelayError::NullifierUsed,
            program => RelayError::Simulation {
                program,
                message: error.to_string(),
            },
        });
    }
    let verified = simulation
        .return_data
        .and_then(|(program, data)| Verification::decode(&program, &data).ok());
    let is_same = |found: Verification| {
        found.scope == verify.scope
            && found.nullifier == verify.nullifier
            && found.recipient == verify.recipient
            && found.claim == verify.claim
            && found.payload_hash == sha256(&verify.payload)
    };
    if !verified.is_some_and(is_same) {
        return Err(RelayError::Simulation {
            program: None,
            message: "the simulation returned other values than the request has".to_owned(),
        });
    }
    Ok(simulation
        .compute_units
        .map_or(LARGEST_VERIFICATION, limit_of_units))
}

fn limit_of_units(used: u64) -> u32 {
    let limit = u32::try_from(used.saturating_add(used / 10)).unwrap_or(u32::MAX);
    limit.clamp(SMALLEST_VERIFICATION, LARGEST_VERIFICATION)
}

/// Signs a transaction that `wallet` pays for. Returns its signature and its bytes.
pub async fn sign(
    wallet: &dyn Wallet,
    all: &[Instruction],
    blockhash: Hash,
) -> Result<(Signature, Vec<u8>), RelayError> {
    let mut transaction = unsigned(all, &wallet.address(), blockhash)?;
    let signature = wallet
        .sign(&transaction.message.serialize())
        .await
        .map_err(|error| RelayError::Internal(error.to_string()))?;
    transaction.signatures = vec![signature];
    Ok((signature, serialize(&transaction)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reservation_is_rent_signature_and_the_highest_priority_fee_rounded_up() {
        assert_eq!(most(1_000, 1_000_001, 1), 1_000 + 5_000 + 2);
        assert_eq!(most(u64::MAX, u32::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn the_price_starts_above_0_and_rises_with_each_transaction_up_to_its_limit() {
        let fees = Fees::new(5_000);
        assert_eq!(fees.price(0, None), MIN_PRICE);
        assert_eq!(fees.price(0, Some(1_000)), 1_500);
        // The cluster's prices have risen by more.
        assert_eq!(fees.price(4_000, Some(1_500)), 4_000);
        assert_eq!(fees.price(0, Some(4_000)), 5_000);
        assert_eq!(fees.price(u64::MAX, None), 5_000);
        assert_eq!(fees.price(u64::MAX, Some(u64::MAX)), 5_000);
        assert_eq!(Fees::new(0).price(7, None), 0);
    }

    #[test]
    fn the_limits_of_compute_units_are_those_of_the_measured_table() {
        let page = include_str!("../../../docs/benchmarks/compute-units.md");
        let units = |name: &str| -> u32 {
            let row = page.lines().find(|line| line.starts_with(&format!("| {name} |")));
            row.unwrap().split('|').nth(2).unwrap().trim().parse().unwrap()
        };
        // Two instructions set the limits of a transaction: 150 units each.
        let least = units("verify_skips_0").min(units("verify")) + 300;
        assert!(SMALLEST_VERIFICATION > least, "{least}");
        let skip = (units("verify_skips_8") - units("verify_skips_0")).div_ceil(8);
        let most = units("verify_skips_0").max(units("verify_live_gated")) + 300 + 256 * skip;
        assert!(LARGEST_VERIFICATION > most, "{most}");
        // A node that reports anything else decides nothing.
        assert_eq!(limit_of_units(0), SMALLEST_VERIFICATION);
        assert_eq!(limit_of_units(u64::MAX), LARGEST_VERIFICATION);
        assert_eq!(limit_of_units(100_000), 110_000);
    }
}
