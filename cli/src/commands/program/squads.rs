//! The transaction of a vault in the form of Squads (version 4), and the instructions with which a
//! member of the multisig creates it.
//!
//! ```text
//!   instructions of the vault ──> message ──> vault_transaction_create ┐
//!                                             proposal_create          ┴──> members approve, execute
//! ```
//!
//! The layouts are those of the published SDK `@sqds/multisig` 2.1.4, whose bytes the tests have.

use anyhow::{Context as _, Result, ensure};
use bauta_primitives::sha256;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_transaction::versioned::VersionedTransaction;

/// The program of Squads, version 4.
pub const SQUADS: Address = Address::from_str_const("SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf");
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);
/// The first seed of all accounts of a multisig.
const PREFIX: &[u8] = b"multisig";
/// The position of the number of transactions in a multisig's account: after the discriminator, the
/// key of its creation, the configuration's authority, the threshold and the time lock.
const TRANSACTION_INDEX: usize = 8 + 32 + 32 + 2 + 4;

/// Derives a vault of a multisig.
pub fn vault(multisig: &Address, index: u8) -> Address {
    derive(&[PREFIX, multisig.as_ref(), b"vault", &[index]])
}

/// Reads the number of the multisig's newest transaction. Fails if the account is no multisig.
pub fn newest_transaction(owner: &Address, data: &[u8]) -> Result<u64> {
    let known = data.get(..8) == Some(&discriminator("account", "Multisig")[..]);
    ensure!(
        *owner == SQUADS && known,
        "the account is not a multisig of Squads, version 4"
    );
    let index = data
        .get(TRANSACTION_INDEX..)
        .and_then(|rest| rest.first_chunk::<8>());
    Ok(u64::from_le_bytes(*index.context("the account is too short")?))
}

/// Returns the message of a transaction that the vault pays for, in the form of Squads.
pub fn message(transaction: &VersionedTransaction) -> Result<Vec<u8>> {
    let message = &transaction.message;
    let (header, keys) = (message.header(), message.static_account_keys());
    let signers = header.num_required_signatures;
    let others = byte(keys.len())?.saturating_sub(signers);
    let mut bytes = vec![
        signers,
        signers - header.num_readonly_signed_accounts,
        others - header.num_readonly_unsigned_accounts,
        byte(keys.len())?,
    ];
    for key in keys {
        bytes.extend_from_slice(key.as_ref());
    }
    bytes.push(byte(message.instructions().len())?);
    for instruction in message.instructions() {
        bytes.push(instruction.program_id_index);
        bytes.push(byte(instruction.accounts.len())?);
        bytes.extend_from_slice(&instruction.accounts);
        let length =
            u16::try_from(instruction.data.len()).context("the data of an instruction is too long")?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&instruction.data);
    }
    // No address lookup tables.
    bytes.push(0);
    Ok(bytes)
}

/// Who creates a transaction of a multisig.
pub struct Creation<'a> {
    pub multisig: &'a Address,
    /// The number of the new transaction.
    pub index: u64,
    pub vault_index: u8,
    /// The member.
    pub creator: &'a Address,
    pub rent_payer: &'a Address,
}

impl Creation<'_> {
    /// Returns the account of the transaction.
    pub fn transaction(&self) -> Address {
        derive(&[
            PREFIX,
            self.multisig.as_ref(),
            b"transaction",
            &self.index.to_le_bytes(),
        ])
    }

    /// Returns the account of the members' decision.
    pub fn proposal(&self) -> Address {
        derive(&[
            PREFIX,
            self.multisig.as_ref(),
            b"transaction",
            &self.index.to_le_bytes(),
            b"proposal",
        ])
    }

    /// Returns the instructions that create the transaction and begin its approval.
    pub fn instructions(&self, message: &[u8]) -> Result<[Instruction; 2]> {
        let length = u32::try_from(message.len()).context("the message is too long")?;
        let create = [
            &discriminator("global", "vault_transaction_create")[..],
            // No further signers of the transaction.
            &[self.vault_index, 0],
            &length.to_le_bytes(),
            message,
            // No memo.
            &[0],
        ];
        let propose = [
            &discriminator("global", "proposal_create")[..],
            &self.index.to_le_bytes(),
            // Not a draft.
            &[0],
        ];
        let accounts = |multisig, account| {
            vec![
                multisig,
                AccountMeta::new(account, false),
                AccountMeta::new_readonly(*self.creator, true),
                AccountMeta::new(*self.rent_payer, true),
                AccountMeta::new_readonly(SYSTEM_PROGRAM, false),
            ]
        };
        let (written, read) = (
            AccountMeta::new(*self.multisig, false),
            AccountMeta::new_readonly(*self.multisig, false),
        );
        Ok([
            Instruction {
                program_id: SQUADS,
                accounts: accounts(written, self.transaction()),
                data: create.concat(),
            },
            Instruction {
                program_id: SQUADS,
                accounts: accounts(read, self.proposal()),
                data: propose.concat(),
            },
        ])
    }
}

fn derive(seeds: &[&[u8]]) -> Address {
    Address::find_program_address(seeds, &SQUADS).0
}

/// Returns the first bytes of an account or of an instruction of an Anchor program.
pub fn discriminator(kind: &str, name: &str) -> [u8; 8] {
    let hash = sha256(format!("{kind}:{name}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    first
}

fn byte(number: usize) -> Result<u8> {
    u8::try_from(number).context("the transaction has too many accounts or instructions")
}

#[cfg(test)]
mod tests {
    use bauta_rpc::unsigned;

    use super::*;

    fn key(byte: u8) -> Address {
        Address::new_from_array([byte; 32])
    }

    #[test]
    fn the_vaults_are_those_of_the_published_sdk() {
        let vaults = [0, 1].map(|index| vault(&key(1), index).to_string());
        assert_eq!(
            vaults,
            [
                "5AqyarvEEwCuy891CxFLuQjqH6H8i4hc3d4rpyTcXHci",
                "AyVRqQKowVtNWVZ4j5wVM34qBRtW5fpx1HmgGxSDVuj4"
            ]
        );
        assert!(!vault(&key(1), 0).is_on_curve());
    }

    #[test]
    fn the_instructions_are_those_of_the_published_sdk() {
        let vault = vault(&key(1), 0);
        let first = Instruction {
            program_id: key(3),
            accounts: vec![
                AccountMeta::new(key(2), false),
                AccountMeta::new_readonly(key(7), false),
                AccountMeta::new_readonly(vault, true),
            ],
            data: vec![3, 0, 0, 0],
        };
        let second = Instruction {
            program_id: key(9),
            accounts: vec![
                AccountMeta::new(vault, true),
                AccountMeta::new_readonly(key(2), false),
            ],
            data: vec![7],
        };
        let transaction = unsigned(&[first, second], &vault, [5; 32].into()).unwrap();
        let creation = Creation {
            multisig: &key(1),
            index: 8,
            vault_index: 0,
            creator: &key(4),
            rent_payer: &key(6),
        };
        let message = message(&transaction).unwrap();
        let [create, propose] = creation.instructions(&message).unwrap();
        let expected = concat!(
            "30fa4ea8d0e2dad30000b8000000010101053df45a132da928de821ca6f4edaaa22a598590026a72febe854e59e5",
            "cdc100f7020202020202020202020202020202020202020202020202020202020202020203030303030303030303",
            "03030303030303030303030303030303030303030303070707070707070707070707070707070707070707070707",
            "07070707070707070909090909090909090909090909090909090909090909090909090909090909020203010300",
            "040003000000040200010100070000",
        );
        assert_eq!(hex::encode(&create.data), expected);
        assert_eq!(hex::encode(&propose.data), "dc3c49e01e6c4f9f080000000000000000");
        let accounts = |instruction: &Instruction| -> Vec<(String, bool, bool)> {
            let metas = instruction.accounts.iter();
            metas
                .map(|meta| (meta.pubkey.to_string(), meta.is_signer, meta.is_writable))
                .collect()
        };
        let known = |account: &str, writes| {
            [
                (key(1).to_string(), false, writes),
                (account.to_owned(), false, true),
                (key(4).to_string(), true, false),
                (key(6).to_string(), true, true),
                (SYSTEM_PROGRAM.to_string(), false, false),
            ]
        };
        let (transaction, proposal) = (
            "AgeREpBrUa8Akw66574g9MB9hHUjVhpMy6JTvyLft1t6",
            "FhmVAeHrEP2GHptaNzMFCtUvYXibjmSLzCS9Jyx7n1Py",
        );
        assert_eq!(accounts(&create), known(transaction, true));
        assert_eq!(accounts(&propose), known(proposal, false));
    }

    #[test]
    fn the_number_of_transactions_is_read_from_an_account_of_the_published_sdk() {
        let account = hex::decode(concat!(
            "e07479ba44a14fec0101010101010101010101010101010101010101010101010101010101010101020202020202",
            "0202020202020202020202020202020202020202020202020202030000a302000700000000000000020000000000",
            "000000fe",
        ))
        .unwrap();
        assert_eq!(newest_transaction(&SQUADS, &account).unwrap(), 7);
        assert!(newest_transaction(&key(1), &account).is_err());
        assert!(newest_transaction(&SQUADS, &account[..80]).is_err());
        let mut other = account;
        other[0] ^= 1;
        assert!(newest_transaction(&SQUADS, &other).is_err());
    }
}
