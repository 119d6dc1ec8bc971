//! A request to relay a verification.

use bauta_primitives::{Claim, Nullifier, Root};
use bauta_wire::api::{FEE_IN_TRANSACTION, FEE_KEY, FEE_SPONSORED};
use solana_address::Address;

/// Largest payload in bytes. The transaction has at most 1,232.
pub const MAX_PAYLOAD_BYTES: usize = 240;
/// Seconds for which a proof must still be valid when its transaction is first sent.
pub const MIN_VALIDITY_SECONDS: i64 = 120;
/// Largest delay in seconds.
pub const MAX_DELAY_SECONDS: u32 = 3_600;
/// Largest number of accounts of a call. A transaction has room for fewer.
pub const MAX_CALL_ACCOUNTS: usize = 32;
/// Largest data of a call in bytes. A transaction has room for less.
pub const MAX_CALL_BYTES: usize = 1_000;

/// Who pays for a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fee {
    /// The operator, within the budget of the scope.
    Sponsored,
    /// The owner of an API key, within the budget of the key.
    Key,
    /// The recipient, who signs the transaction as well.
    InTransaction,
}

impl Fee {
    /// Every variant.
    pub const ALL: [Self; 3] = [Self::Sponsored, Self::Key, Self::InTransaction];

    /// Returns the name in requests and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sponsored => FEE_SPONSORED,
            Self::Key => FEE_KEY,
            Self::InTransaction => FEE_IN_TRANSACTION,
        }
    }
}

/// A call of a consumer program, which calls `verify`.
#[derive(Clone, Debug)]
pub struct ConsumerCall {
    /// The address of the consumer program.
    pub program: Address,
    /// The accounts in the order that the program expects. The setting `RELAY_CONSUMERS` decides
    /// which ones sign.
    pub accounts: Vec<ConsumerAccount>,
    /// The data of the instruction.
    pub data: Vec<u8>,
}

/// An account of a call.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerAccount {
    /// The address of the account.
    pub address: Address,
    /// Whether the program may change the account.
    pub is_writable: bool,
}

/// A request to relay a verification. All values are those that the proof is bound to.
#[derive(Clone, Debug)]
pub struct RelayRequest {
    /// The scope account.
    pub scope: Address,
    /// The proof: −A, B, C.
    pub proof: [u8; 256],
    /// The root that the proof shows.
    pub root: Root,
    pub nullifier: Nullifier,
    pub claim: Claim,
    /// The root of the auxiliary registry, if the scope has one.
    pub auxiliary_root: Option<Root>,
    /// The address that benefits.
    pub recipient: Address,
    /// The wallet of this service that the proof names.
    pub relayer: Address,
    /// The time after which the program refuses the proof, in Unix seconds.
    pub expiry: i64,
    /// The bytes that the consumer program added to the context.
    pub payload: Vec<u8>,
    /// The transaction is sent at a random moment within these seconds.
    pub max_delay_seconds: u32,
    /// Who pays.
    pub fee: Fee,
    /// The call of the consumer program, in a scope with a gate.
    pub consumer: Option<ConsumerCall>,
    /// The transaction with the signature of the recipient, who pays.
    pub signed_transaction: Option<Vec<u8>>,
}

impl RelayRequest {
    /// Returns the account that pays the rent of the nullifier account.
    pub fn payer(&self) -> Address {
        match self.fee {
            Fee::InTransaction => self.recipient,
            Fee::Sponsored | Fee::Key => self.relayer,
        }
    }

    /// Returns bytes that differ for two requests that differ. The delay and the fee are not part
    /// of them: a client that repeats a request with others gets the relay that it has.
    pub fn bytes(&self) -> Vec<u8> {
        let auxiliary = self.auxiliary_root.map(Root::to_bytes);
        let call = self.consumer.as_ref().map(ConsumerCall::bytes);
        let mut bytes = Vec::with_capacity(1_024);
        let parts: [&[u8]; 10] = [
            self.scope.as_ref(),
            &self.proof,
            &self.root.to_bytes(),
            &self.nullifier.to_bytes(),
            &self.claim.to_bytes(),
            auxiliary.as_ref().map_or(&[][..], |root| root),
            self.recipient.as_ref(),
            self.relayer.as_ref(),
            &self.expiry.to_be_bytes(),
            &self.payload,
        ];
        for part in parts.into_iter().chain(call.as_deref()) {
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

impl ConsumerCall {
    fn bytes(&self) -> Vec<u8> {
        // The number is first, so that no account can be read as the beginning of the data.
        let mut bytes = vec![u8::try_from(self.accounts.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(self.program.as_ref());
        for account in &self.accounts {
            bytes.extend_from_slice(account.address.as_ref());
            bytes.push(account.is_writable.into());
        }
        bytes.extend_from_slice(&self.data);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(accounts: &[[u8; 32]], data: Vec<u8>) -> ConsumerCall {
        let account = |address: &[u8; 32]| ConsumerAccount {
            address: Address::new_from_array(*address),
            is_writable: false,
        };
        ConsumerCall {
            program: Address::new_from_array([1; 32]),
            accounts: accounts.iter().map(account).collect(),
            data,
        }
    }

    #[test]
    fn an_account_of_a_call_is_not_taken_for_the_beginning_of_its_data() {
        // Without the number of accounts, both calls would be the same bytes.
        let account = [2; 32];
        let data = [&account[..], &[0, 3]].concat();
        let (one, two) = (call(&[account], data), call(&[account, account], vec![3]));
        assert_eq!(one.bytes()[1..], two.bytes()[1..]);
        assert_ne!(one.bytes(), two.bytes());
    }
}
