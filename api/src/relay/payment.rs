//! Relays that the recipient pays for, inside the transaction.
//!
//! ```text
//!   POST /v1/relay                        --> checks, then a transaction to sign   (propose)
//!   the recipient signs it
//!   POST /v1/relay with signed_transaction --> the same transaction? signed?       (co_signed)
//!                                         --> a relay, which is sent once
//! ```
//!
//! The recipient pays the rent of the nullifier account and receives it back, and transfers the fee
//! of the transaction to the wallet. Nothing is stored before the recipient has signed. The
//! signature is for one blockhash, so the transaction is not replaced.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_rpc::{deserialize, serialize};
use solana_address::Address;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    Shared,
    checked::{CheckedRequest, CoSigned, Payment},
    error::RelayError,
    instructions::{COMPUTE_BUDGET, SMALLEST_VERIFICATION, build, instructions},
    transaction::{SIGNATURE_FEE, priority_fee},
};

/// A transaction that the recipient must sign.
#[derive(Debug)]
pub struct Proposal {
    /// The transaction without signatures, in base64.
    pub transaction: String,
    /// What the recipient transfers to the wallet, in lamports.
    pub lamports: u64,
}

/// Returns what the recipient transfers to the wallet: the fees of the transaction, with the
/// signatures of both.
pub fn due(compute_units: u32, price: u64) -> u64 {
    (2 * SIGNATURE_FEE).saturating_add(priority_fee(compute_units, price))
}

/// Builds the transaction that the recipient must sign.
pub async fn propose(shared: &Shared, mut request: CheckedRequest) -> Result<Proposal, RelayError> {
    let wallet = request.wallet();
    let price = shared.fees.price(shared.nodes.price().await, None);
    let (blockhash, _) = shared.nodes.blockhash().await?;
    let lamports = due(request.compute_units, price);
    request.payment = Some(Payment {
        lamports,
        signed: None,
    });
    let inner = request.instructions(Some(shared.policy.min_balance));
    let all = instructions(&inner, request.compute_units, price);
    let transaction = build(&all, &wallet, blockhash)?;
    Ok(Proposal {
        transaction: BASE64.encode(serialize(&transaction)?),
        lamports,
    })
}

/// Reads a transaction that the recipient has signed. It must be the one that this service builds
/// for the request. Sets compute units and payment of the request.
pub fn co_signed(shared: &Shared, request: &mut CheckedRequest, bytes: &[u8]) -> Result<(), RelayError> {
    let refused = RelayError::CoSignature;
    let signed = deserialize(bytes).map_err(|_| refused("is not a transaction"))?;
    let limits = limits(&signed).ok_or_else(|| refused("doesn't begin with its limits"))?;
    let (compute_units, price) = limits;
    if !(SMALLEST_VERIFICATION..=request.most_units()).contains(&compute_units)
        || price > shared.fees.max_price()
    {
        return Err(refused("does not have the limits that this service gave it"));
    }
    let blockhash = *signed.message.recent_blockhash();
    let mut payment = Payment {
        lamports: due(compute_units, price),
        signed: None,
    };
    request.compute_units = compute_units;
    request.payment = Some(payment.clone());
    let inner = request.instructions(Some(shared.policy.min_balance));
    let same = build(
        &instructions(&inner, compute_units, price),
        &request.wallet(),
        blockhash,
    )?;
    if signed.message != same.message {
        return Err(refused("is not the one that this service builds for the request"));
    }
    let message = same.message.serialize();
    let recipient = request.verify.payer;
    let signature = signature_of(&signed, &recipient);
    let signature = signature.ok_or_else(|| refused("is not signed by the recipient"))?;
    if !signature.verify(recipient.as_ref(), &message) {
        return Err(refused("has no valid signature of the recipient"));
    }
    payment.signed = Some(CoSigned {
        blockhash,
        price,
        signature,
    });
    request.payment = Some(payment);
    Ok(())
}

/// Returns the compute units and the price that the first two instructions set.
fn limits(transaction: &VersionedTransaction) -> Option<(u32, u64)> {
    let keys = transaction.message.static_account_keys();
    let data = |index: usize, code: u8| {
        let instruction = transaction.message.instructions().get(index)?;
        let program = keys.get(usize::from(instruction.program_id_index))?;
        let (first, value) = instruction.data.split_first()?;
        (*program == COMPUTE_BUDGET && *first == code).then_some(value)
    };
    let units = data(0, 2)?.try_into().ok()?;
    let price = data(1, 3)?.try_into().ok()?;
    Some((u32::from_le_bytes(units), u64::from_le_bytes(price)))
}

fn signature_of(transaction: &VersionedTransaction, signer: &Address) -> Option<solana_signature::Signature> {
    let keys = transaction.message.static_account_keys();
    let position = keys.iter().position(|key| key == signer)?;
    transaction.signatures.get(position).copied()
}
