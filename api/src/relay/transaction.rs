//! The transactions of relays: their instructions, fees and signatures.

use bauta::state::Nullifier as NullifierAccount;
use bauta_client::{ProgramError, Verification, instructions::Verify};
use bauta_primitives::sha256;
use bauta_rpc::{CommitmentLevel, RpcError, serialize, unsigned};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_signature::Signature;
use tokio::sync::OnceCell;

use super::{Shared, error::RelayError, nodes::Nodes, wallets::Wallet};

/// The commitment level at which relays are simulated.
pub const SIMULATED_AT: CommitmentLevel = CommitmentLevel::Confirmed;
/// The program that sets the limits of a transaction.
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");
/// The fee for each signature in lamports.
const SIGNATURE_FEE: u64 = 5_000;
/// The most compute units that a transaction can have. Simulations have this limit.
const MAX_COMPUTE_UNITS: u32 = 1_400_000;
/// More compute units than any verification needs. The reservation of a wallet that is offered to
/// clients assumes them.
const LARGEST_VERIFICATION: u32 = 400_000;
/// The index of `verify` in a transaction.
const VERIFY_INDEX: u8 = 2;

/// What a transaction can cost.
pub struct Fees {
    /// The lamports of a nullifier account. They are read once.
    rent: OnceCell<u64>,
    /// The highest price in micro-lamports for each compute unit.
    pub max_price: u64,
}

impl Fees {
    /// Creates the fees with this highest price.
    pub fn new(max_price: u64) -> Self {
        Self {
            rent: OnceCell::new(),
            max_price,
        }
    }

    /// Returns the most lamports that a relay with this limit of compute units can cost. At most
    /// one of its transactions is executed.
    pub async fn most_for(&self, nodes: &Nodes, compute_units: u32) -> Result<u64, RpcError> {
        let rent = self.rent.get_or_try_init(|| nodes.rent(NullifierAccount::SPACE));
        Ok(most(*rent.await?, compute_units, self.max_price))
    }

    /// Returns the most lamports that any relay can cost.
    pub async fn most(&self, nodes: &Nodes) -> Result<u64, RpcError> {
        self.most_for(nodes, LARGEST_VERIFICATION).await
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

/// Simulates a verification. Returns the limit of its compute units: 10 % more than it used.
pub async fn simulate(shared: &Shared, verify: &Verify) -> Result<u32, RelayError> {
    let all = instructions(&[verify.instruction()], MAX_COMPUTE_UNITS, 0);
    let transaction = unsigned(&all, &verify.payer, Hash::default())?;
    let simulation = shared.nodes.simulate(&transaction).await?;
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
    let used = simulation
        .compute_units
        .unwrap_or(u64::from(LARGEST_VERIFICATION));
    let limit = used.saturating_add(used / 10);
    Ok(u32::try_from(limit)
        .unwrap_or(MAX_COMPUTE_UNITS)
        .min(MAX_COMPUTE_UNITS))
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
}
