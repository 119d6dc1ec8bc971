//! A request that passed all checks, and the form in which the database stores it.

use anchor_lang::{AnchorDeserialize, AnchorSerialize};
use bauta::instructions::Presentation;
use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, Nullifier, Root};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_signature::Signature;

use super::{
    error::RelayError,
    instructions::{LARGEST_CALL, LARGEST_VERIFICATION, build, guard, instructions, transfer},
};

/// A request that passed all checks, with what its transaction needs.
#[derive(Clone)]
pub struct CheckedRequest {
    /// The verification.
    pub verify: Verify,
    /// The instruction of the consumer program that calls `verify`. If it is `None`, `verify` is an
    /// instruction of the transaction.
    pub call: Option<Instruction>,
    /// What the recipient pays inside the transaction.
    pub payment: Option<Payment>,
    /// The limit of its transaction's compute units. The largest one stands for a request that was
    /// not simulated yet.
    pub compute_units: u32,
}

/// A payment of the recipient to the wallet, inside the transaction.
#[derive(Clone)]
pub struct Payment {
    /// The amount in lamports.
    pub lamports: u64,
    /// The transaction that the recipient has signed. The service can neither change nor replace
    /// it.
    pub signed: Option<CoSigned>,
}

/// The values that the recipient's signature fixes, and the signature.
#[derive(Clone, Copy)]
pub struct CoSigned {
    /// The blockhash of the transaction.
    pub blockhash: Hash,
    /// Its price in micro-lamports for each compute unit.
    pub price: u64,
    /// The recipient's signature.
    pub signature: Signature,
}

/// The part of a [`CheckedRequest`] that a plain verification doesn't have. It follows the
/// [`Stored`] form, so that instances of earlier versions read plain verifications.
#[derive(AnchorSerialize, AnchorDeserialize)]
struct StoredExtras {
    payer: [u8; 32],
    gate: Option<[u8; 32]>,
    call: Option<StoredCall>,
    payment: Option<StoredPayment>,
}

#[derive(AnchorSerialize, AnchorDeserialize)]
struct StoredCall {
    program: [u8; 32],
    /// Address, whether it signs, whether it is writable.
    accounts: Vec<([u8; 32], bool, bool)>,
    data: Vec<u8>,
}

#[derive(AnchorSerialize, AnchorDeserialize)]
struct StoredPayment {
    lamports: u64,
    /// Blockhash, price and signature.
    signed: Option<([u8; 32], u64, [u8; 64])>,
}

/// The form of a [`CheckedRequest`] before it is encrypted.
#[derive(AnchorSerialize, AnchorDeserialize)]
struct Stored {
    compute_units: u32,
    scope: [u8; 32],
    circuit: [u8; 32],
    registry: Option<[u8; 32]>,
    auxiliary_registry: Option<[u8; 32]>,
    recipient: [u8; 32],
    relayer: [u8; 32],
    presentation: Presentation,
}

impl CheckedRequest {
    /// Returns the wallet that pays the fee of the transaction.
    pub fn wallet(&self) -> Address {
        self.verify.relayer.unwrap_or(self.verify.payer)
    }

    /// Returns the largest limit of compute units.
    pub const fn most_units(&self) -> u32 {
        match self.call {
            None => LARGEST_VERIFICATION,
            Some(_) => LARGEST_CALL,
        }
    }

    /// Returns whether the verification was simulated when the request arrived. A delayed one is
    /// simulated when it is sent, so that no node learns it earlier.
    pub const fn is_simulated(&self) -> bool {
        self.compute_units < self.most_units()
    }

    /// Returns the instructions of the transaction, without those that set its limits. `floor` is
    /// the smallest balance of the wallet after a consumer program, in lamports. A last instruction
    /// fails below it. A simulation has no floor, because a later instruction deletes the return
    /// data of the verification.
    pub fn instructions(&self, floor: Option<u64>) -> Vec<Instruction> {
        let wallet = self.wallet();
        let mut all = Vec::with_capacity(3);
        if let Some(payment) = &self.payment {
            all.push(transfer(self.verify.payer, wallet, payment.lamports));
        }
        match &self.call {
            None => all.push(self.verify.instruction()),
            Some(call) => {
                all.push(call.clone());
                all.extend(floor.map(|floor| guard(wallet, floor)));
            }
        }
        all
    }

    /// Returns the bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let verify = &self.verify;
        let stored = Stored {
            compute_units: self.compute_units,
            scope: verify.scope.to_bytes(),
            circuit: verify.circuit.to_bytes(),
            registry: verify.registry.map(|address| address.to_bytes()),
            auxiliary_registry: verify.auxiliary_registry.map(|address| address.to_bytes()),
            recipient: verify.recipient.to_bytes(),
            relayer: self.wallet().to_bytes(),
            presentation: Presentation {
                proof: verify.proof,
                root: verify.root.to_bytes(),
                nullifier: verify.nullifier.to_bytes(),
                claim: verify.claim.to_bytes(),
                auxiliary_root: verify.auxiliary_root.map(Root::to_bytes),
                expiry: verify.expiry,
                payload: verify.payload.clone(),
            },
        };
        let mut bytes = Vec::with_capacity(1_024);
        // Writing to a vector doesn't fail.
        let _ = stored.serialize(&mut bytes);
        if self.call.is_some() || self.payment.is_some() {
            let _ = self.extras().serialize(&mut bytes);
        }
        bytes
    }

    fn extras(&self) -> StoredExtras {
        let account = |meta: &AccountMeta| (meta.pubkey.to_bytes(), meta.is_signer, meta.is_writable);
        let signed = |signed: CoSigned| (signed.blockhash.to_bytes(), signed.price, signed.signature.into());
        StoredExtras {
            payer: self.verify.payer.to_bytes(),
            gate: self.verify.gate.map(|address| address.to_bytes()),
            call: self.call.as_ref().map(|call| StoredCall {
                program: call.program_id.to_bytes(),
                accounts: call.accounts.iter().map(account).collect(),
                data: call.data.clone(),
            }),
            payment: self.payment.as_ref().map(|payment| StoredPayment {
                lamports: payment.lamports,
                signed: payment.signed.map(signed),
            }),
        }
    }

    /// Reads stored bytes. `None` if they are not those of a request.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let stored = Stored::deserialize(&mut bytes).ok()?;
        let extras = match bytes {
            [] => None,
            bytes => Some(StoredExtras::try_from_slice(bytes).ok()?),
        };
        let (payer, gate, call, payment) = match extras {
            None => (stored.relayer, None, None, None),
            Some(extras) => (extras.payer, extras.gate, extras.call, extras.payment),
        };
        let presentation = stored.presentation;
        let relayer = Address::from(stored.relayer);
        let root = |bytes: [u8; 32]| Root::from_bytes(bytes).ok();
        Some(Self {
            compute_units: stored.compute_units,
            call: call.map(StoredCall::instruction),
            payment: payment.map(StoredPayment::payment),
            verify: Verify {
                payer: payer.into(),
                scope: stored.scope.into(),
                circuit: stored.circuit.into(),
                registry: stored.registry.map(Address::from),
                auxiliary_registry: stored.auxiliary_registry.map(Address::from),
                gate: gate.map(Address::from),
                recipient: stored.recipient.into(),
                relayer: Some(relayer),
                proof: presentation.proof,
                root: root(presentation.root)?,
                nullifier: Nullifier::from_bytes(presentation.nullifier).ok()?,
                claim: Claim::from_bytes(presentation.claim).ok()?,
                auxiliary_root: match presentation.auxiliary_root {
                    Some(bytes) => Some(root(bytes)?),
                    None => None,
                },
                expiry: presentation.expiry,
                payload: presentation.payload,
            },
        })
    }
}

/// Checks that the transaction of a request can be built. Its length doesn't depend on its limits.
/// A simulation has no guard, so it is shorter.
pub fn check_build(request: &CheckedRequest) -> Result<(), RelayError> {
    let all = instructions(&request.instructions(Some(0)), 0, 0);
    build(&all, &request.wallet(), Hash::default()).map(drop)
}

impl StoredCall {
    fn instruction(self) -> Instruction {
        let account = |(address, is_signer, is_writable): ([u8; 32], bool, bool)| AccountMeta {
            pubkey: address.into(),
            is_signer,
            is_writable,
        };
        Instruction {
            program_id: self.program.into(),
            accounts: self.accounts.into_iter().map(account).collect(),
            data: self.data,
        }
    }
}

impl StoredPayment {
    fn payment(self) -> Payment {
        let signed = |(blockhash, price, signature): ([u8; 32], u64, [u8; 64])| CoSigned {
            blockhash: Hash::new_from_array(blockhash),
            price,
            signature: signature.into(),
        };
        Payment {
            lamports: self.lamports,
            signed: self.signed.map(signed),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use bauta_primitives::FieldElement;

    use super::*;

    fn address(number: u8) -> Address {
        Address::new_from_array([number; 32])
    }

    /// Returns a request without a call and without a gate.
    pub fn checked() -> CheckedRequest {
        CheckedRequest {
            verify: Verify {
                payer: address(1),
                scope: address(2),
                circuit: address(3),
                registry: None,
                auxiliary_registry: None,
                gate: None,
                recipient: address(4),
                relayer: Some(address(1)),
                proof: [5; 256],
                root: Root::new(FieldElement::from_u64(6)),
                nullifier: Nullifier::new(FieldElement::from_u64(7)),
                claim: Claim::of_track(8),
                auxiliary_root: None,
                expiry: 9,
                payload: vec![10],
            },
            call: None,
            payment: None,
            compute_units: 11,
        }
    }

    #[test]
    fn a_call_that_is_too_long_only_with_the_guard_is_refused() {
        let with_data = |length: usize| {
            let mut request = checked();
            request.call = Some(Instruction {
                program_id: address(13),
                accounts: vec![AccountMeta::new(address(1), true)],
                data: vec![0; length],
            });
            request
        };
        let is_built = |request: &CheckedRequest| {
            let all = instructions(&request.instructions(None), 0, 0);
            build(&all, &request.wallet(), Hash::default()).is_ok()
        };
        assert!(check_build(&with_data(0)).is_ok());
        let longest = (0..1_300).rev().map(with_data).find(is_built).unwrap();
        assert!(matches!(check_build(&longest), Err(RelayError::NotBuilt(_))));
    }

    #[test]
    fn a_stored_request_is_read_as_it_was_and_a_plain_one_has_the_form_of_earlier_versions() {
        let read = |request: &CheckedRequest| CheckedRequest::from_bytes(&request.to_bytes()).unwrap();
        let plain = checked();
        // Earlier versions refuse bytes after the form that they know.
        assert!(Stored::try_from_slice(&plain.to_bytes()).is_ok());
        assert_eq!(read(&plain).instructions(None), plain.instructions(None));

        let mut paid = checked();
        paid.verify.payer = address(4);
        paid.verify.gate = Some(address(12));
        paid.call = Some(Instruction {
            program_id: address(13),
            accounts: vec![
                AccountMeta::new(address(4), true),
                AccountMeta::new_readonly(address(14), false),
            ],
            data: vec![15, 16],
        });
        paid.payment = Some(Payment {
            lamports: 17,
            signed: Some(CoSigned {
                blockhash: Hash::new_from_array([18; 32]),
                price: 19,
                signature: [20; 64].into(),
            }),
        });
        let found = read(&paid);
        assert_eq!(found.instructions(Some(21)), paid.instructions(Some(21)));
        assert_eq!((found.wallet(), found.verify.payer), (address(1), address(4)));
        let signed = found.payment.unwrap().signed.unwrap();
        assert_eq!((signed.price, signed.signature), (19, [20; 64].into()));
        assert_eq!(signed.blockhash, Hash::new_from_array([18; 32]));
        for length in 0..paid.to_bytes().len() {
            // What remains of a request is no other request, except the plain one before the rest.
            let part = CheckedRequest::from_bytes(&paid.to_bytes()[..length]);
            assert!(part.is_none_or(|part| part.call.is_none()), "{length}");
        }
    }
}
