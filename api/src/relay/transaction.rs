//! The transactions of relays: their instructions, fees and signatures.

use anchor_lang::Discriminator;
use bauta::state::Nullifier as NullifierAccount;
use bauta_client::{ProgramError, Verification};
use bauta_primitives::sha256;
use bauta_rpc::{CommitmentLevel, InvokedInstruction, RpcError, Simulation, serialize};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    Shared,
    checked::CheckedRequest,
    error::RelayError,
    instructions::{LARGEST_VERIFICATION, SMALLEST_VERIFICATION, build, instructions},
    node::Node,
    wallets::Wallet,
};

/// The commitment level at which relays are simulated.
pub const SIMULATED_AT: CommitmentLevel = CommitmentLevel::Confirmed;
/// The fee for each signature in lamports.
pub const SIGNATURE_FEE: u64 = 5_000;
/// The most compute units that a transaction can have. Simulations have this limit.
const MAX_COMPUTE_UNITS: u32 = 1_400_000;
/// Lamports for each byte of an account, and the bytes that each account has in addition. No
/// cluster requires more (docs/costs.md). What the rent really was is in the ledger.
const LAMPORTS_PER_BYTE: u64 = 6_960;
/// See [`LAMPORTS_PER_BYTE`].
const ACCOUNT_OVERHEAD: u64 = 128;
/// The lowest price of a first transaction in micro-lamports for each compute unit. A price of 0
/// could not rise, and a transaction without one is the first that a busy cluster drops.
const MIN_PRICE: u64 = 1_000;
/// The index of `verify` in a transaction. A payment of the recipient is before it.
const VERIFY_INDEX: u8 = 2;
/// How often a call is simulated, if the balance of the wallet changes meanwhile.
const MAX_SIMULATIONS: usize = 5;

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

    /// Returns the highest price.
    pub const fn max_price(&self) -> u64 {
        self.max_price
    }

    /// Returns the most lamports that the relay of a plain verification can cost, whatever nodes
    /// report. At most one of its transactions is executed.
    pub fn most(&self) -> u64 {
        most(rent(), LARGEST_VERIFICATION, self.max_price)
    }

    /// Returns the most lamports that a relay can cost the wallet. `call_lamports` is what the
    /// consumer program may take from the payer.
    pub fn most_of(&self, request: &CheckedRequest, call_lamports: u64) -> u64 {
        match &request.payment {
            // The transaction may fail, so it is not certain that the fee is returned.
            Some(_) => most(SIGNATURE_FEE, request.most_units(), self.max_price),
            None => most(
                rent().saturating_add(call_lamports),
                request.most_units(),
                self.max_price,
            ),
        }
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

/// Returns the rent of a nullifier account in lamports.
const fn rent() -> u64 {
    (NullifierAccount::SPACE as u64 + ACCOUNT_OVERHEAD) * LAMPORTS_PER_BYTE
}

fn most(rent: u64, compute_units: u32, max_price: u64) -> u64 {
    rent.saturating_add(SIGNATURE_FEE)
        .saturating_add(priority_fee(compute_units, max_price))
}

/// Returns the priority fee of a transaction in lamports, as the cluster rounds it.
pub fn priority_fee(compute_units: u32, price: u64) -> u64 {
    u64::from(compute_units).saturating_mul(price).div_ceil(1_000_000)
}

/// Simulates a verification. Returns the limit of its compute units: 10 % more than it used, within
/// the limits of verifications.
pub async fn simulate(shared: &Shared, request: &CheckedRequest) -> Result<u32, RelayError> {
    let all = instructions(&request.instructions(None), MAX_COMPUTE_UNITS, 0);
    let transaction = &build(&all, &request.wallet(), Hash::default())?;
    let simulated = match &request.call {
        None => {
            shared
                .nodes
                .agree(|node| async move {
                    let simulation = node.in_time(node.simulate(transaction, SIMULATED_AT)).await?;
                    Ok(judge(request, simulation))
                })
                .await
        }
        Some(call) => {
            let consumer = shared.consumers.find(call.program_id, &call.data)?;
            let allowed = allowed_loss(request, consumer.lamports);
            let floor = shared.policy.min_balance;
            shared
                .nodes
                .agree(|node| async move {
                    if let Err(refusal) = shared.consumers.check_elf(&node, consumer).await? {
                        return Ok(Err(refusal));
                    }
                    judge_call(&node, request, transaction, allowed, floor).await
                })
                .await
        }
    };
    Ok(simulated?.into_iter().max().unwrap_or(request.most_units()))
}

/// Returns the lamports that a simulated call may take from the wallet. The simulation has no
/// priority fee. A negative number is what the wallet must receive.
fn allowed_loss(request: &CheckedRequest, call_lamports: u64) -> i128 {
    match &request.payment {
        Some(payment) => 2 * i128::from(SIGNATURE_FEE) - i128::from(payment.lamports),
        None => i128::from(rent()) + i128::from(call_lamports) + i128::from(SIGNATURE_FEE),
    }
}

/// Simulates a call on one node, and compares what the wallet loses. Other relays of the wallet can
/// be executed in between, so the balance is read before and after.
async fn judge_call(
    node: &Node,
    request: &CheckedRequest,
    transaction: &VersionedTransaction,
    allowed: i128,
    floor: u64,
) -> Result<Result<u32, RelayError>, RpcError> {
    let wallet = request.wallet();
    let balance = async || {
        let (_, account) = node.in_time(node.account(&wallet, SIMULATED_AT)).await?;
        Ok::<_, RpcError>(account.map_or(0, |account| account.lamports))
    };
    let mut before = balance().await?;
    for _ in 0..MAX_SIMULATIONS {
        let call = node
            .in_time(node.simulate_call(transaction, &wallet, SIMULATED_AT))
            .await?;
        let after = balance().await?;
        if before != after {
            before = after;
            continue;
        }
        let is_once = verifies_once(request, &call.invoked);
        let judged = judge(request, call.simulation);
        let remaining = call.lamports.unwrap_or(0);
        let lost = i128::from(before) - i128::from(remaining);
        return Ok(match judged {
            Ok(_) if !is_once => Err(RelayError::Simulation {
                program: None,
                message:
                    "the call did not invoke verify exactly once, with exactly the values of the request"
                        .to_owned(),
            }),
            Ok(_) if lost > allowed => Err(RelayError::ConsumerTooExpensive { lost, allowed }),
            Ok(_) if remaining < floor => Err(RelayError::WalletExhausted),
            judged => judged,
        });
    }
    Ok(Err(RelayError::BalanceMoves))
}

/// Returns whether a call has invoked exactly one `verify`, with exactly the values of the request.
/// The return data is only that of the last one, and has neither the root nor the expiry.
fn verifies_once(request: &CheckedRequest, invoked: &[InvokedInstruction]) -> bool {
    let of_program = invoked.iter().filter(|it| it.program == bauta::ID);
    let mut verifications = of_program
        .map(|it| it.data.as_deref().unwrap_or_default())
        // The program also invokes itself, for its events.
        .filter(|data| data.starts_with(bauta::instruction::Verify::DISCRIMINATOR));
    let expected = request.verify.instruction().data;
    verifications.next() == Some(&expected) && verifications.next().is_none()
}

fn judge(request: &CheckedRequest, simulation: Simulation) -> Result<u32, RelayError> {
    let verify = &request.verify;
    if let Some(error) = simulation.error {
        // The errors of a consumer program can have the same codes.
        let verify_index = VERIFY_INDEX + u8::from(request.payment.is_some());
        let code = error
            .program_error()
            .filter(|(index, _)| *index == verify_index && request.call.is_none())
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
            message: "the simulation did not return the values of the request".to_owned(),
        });
    }
    let most = request.most_units();
    Ok(simulation
        .compute_units
        .map_or(most, |used| limit_of_units(used, most)))
}

fn limit_of_units(used: u64, most: u32) -> u32 {
    let limit = u32::try_from(used.saturating_add(used / 10)).unwrap_or(u32::MAX);
    limit.clamp(SMALLEST_VERIFICATION, most)
}

/// Signs a transaction that `wallet` pays for. `others` are the signatures of the other signers, in
/// the order of the message. Returns the wallet's signature and the bytes of the transaction.
pub async fn sign(
    wallet: &dyn Wallet,
    all: &[Instruction],
    blockhash: Hash,
    others: &[Signature],
) -> Result<(Signature, Vec<u8>), RelayError> {
    let mut transaction = build(all, &wallet.address(), blockhash)?;
    let signature = wallet
        .sign(&transaction.message.serialize())
        .await
        .map_err(|error| RelayError::Internal(error.to_string()))?;
    transaction.signatures = [&[signature], others].concat();
    Ok((signature, serialize(&transaction)?))
}

#[cfg(test)]
mod tests {
    use bauta_client::instructions::Verify;
    use bauta_primitives::{FieldElement, Nullifier, Root};
    use solana_address::Address;

    use super::{
        super::{checked::tests::checked, instructions::SYSTEM},
        *,
    };

    #[test]
    fn a_call_invokes_verify_once_with_the_root_and_the_expiry_of_the_request() {
        let address = |number: u8| Address::new_from_array([number; 32]);
        let mut request = checked();
        request.verify.gate = Some(address(12));
        let verify = &request.verify;
        let invoked = |program: Address, data: &[u8]| InvokedInstruction {
            program,
            data: Some(data.to_vec()),
        };
        let of = |change: &dyn Fn(&mut Verify)| {
            let mut changed = verify.clone();
            change(&mut changed);
            invoked(bauta::ID, &changed.instruction().data)
        };
        let same = of(&|_| {});
        let event = invoked(bauta::ID, anchor_lang::event::EVENT_IX_TAG_LE);
        let system = InvokedInstruction {
            program: SYSTEM,
            data: None,
        };
        let is_once = |all: &[&InvokedInstruction]| {
            let all: Vec<_> = all.iter().map(|it| (*it).clone()).collect();
            verifies_once(&request, &all)
        };
        assert!(is_once(&[&system, &same, &event, &system]));
        assert!(!is_once(&[&system, &event]));
        // The last one has the values of the request, and an earlier one has others.
        let other = of(&|it| it.nullifier = Nullifier::new(FieldElement::from_u64(99)));
        assert!(!is_once(&[&other, &same]));
        assert!(!is_once(&[&same, &same]));
        assert!(!is_once(&[&of(
            &|it| it.root = Root::new(FieldElement::from_u64(99))
        )]));
        assert!(!is_once(&[&of(&|it| it.expiry += 1)]));
        // A program that has the same instruction.
        assert!(!is_once(&[&invoked(address(13), same.data.as_deref().unwrap())]));
    }

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
        assert_eq!(limit_of_units(0, LARGEST_VERIFICATION), SMALLEST_VERIFICATION);
        assert_eq!(
            limit_of_units(u64::MAX, LARGEST_VERIFICATION),
            LARGEST_VERIFICATION
        );
        assert_eq!(limit_of_units(100_000, LARGEST_VERIFICATION), 110_000);
    }
}
