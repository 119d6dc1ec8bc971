//! The unsigned transactions of a registration.

use bauta_client::ProgramError;
use bauta_rpc::{
    AddressLookupTableAccount, CommitmentLevel, Rpc, RpcError, read_lookup_table, unsigned,
    unsigned_with_table,
};
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_transaction::versioned::VersionedTransaction;

use super::{error::RegistrationError, tokens};

/// The commitment level at which a transaction is simulated.
const LEVEL: CommitmentLevel = CommitmentLevel::Confirmed;

/// What the transactions of a registration have in common.
pub struct Envelope {
    payer: Address,
    blockhash: Hash,
    table: Option<AddressLookupTableAccount>,
    /// The block height up to which the transactions can be executed.
    pub last_valid_block_height: u64,
}

impl Envelope {
    /// Reads a recent blockhash, and the lookup table with this address.
    pub async fn read(node: &Rpc, payer: Address, table: Option<Address>) -> Result<Self, RegistrationError> {
        let table = match table {
            Some(address) => Some(lookup_table(node, address).await?),
            None => None,
        };
        let (blockhash, last_valid_block_height) = node.latest_blockhash(LEVEL).await?;
        Ok(Self {
            payer,
            blockhash,
            table,
            last_valid_block_height,
        })
    }

    /// Returns the unsigned transaction of an instruction.
    pub fn unsigned(&self, instruction: Instruction) -> Result<VersionedTransaction, RpcError> {
        let instructions = [instruction];
        match &self.table {
            Some(table) => unsigned_with_table(&instructions, &self.payer, self.blockhash, table),
            None => unsigned(&instructions, &self.payer, self.blockhash),
        }
    }
}

async fn lookup_table(node: &Rpc, address: Address) -> Result<AddressLookupTableAccount, RegistrationError> {
    let found = tokens::accounts(node, &[address]).await?.into_iter().next();
    let table = found.and_then(|found| read_lookup_table(address, &found.owner, &found.data));
    table.ok_or(RegistrationError::NoLookupTable)
}

/// The transactions of a registration, in the order in which they are executed.
pub struct Transactions {
    /// The one that stages the path. `None` if the path fits or is staged.
    pub stage: Option<VersionedTransaction>,
    /// The one that registers the asset.
    pub transaction: VersionedTransaction,
    /// The one that closes the staged path. `None` if the path fits.
    pub unstage: Option<VersionedTransaction>,
    /// The rent of the staged path's account in lamports. 0 if the account exists or is not needed.
    pub staged_rent: u64,
}

impl Transactions {
    /// Returns a registration with one transaction.
    pub const fn of(transaction: VersionedTransaction) -> Self {
        Self {
            stage: None,
            transaction,
            unstage: None,
            staged_rent: 0,
        }
    }

    /// Returns the number of transactions.
    pub fn count(&self) -> u64 {
        1 + u64::from(self.stage.is_some()) + u64::from(self.unstage.is_some())
    }

    /// Simulates the first transaction. Later ones would fail before it is executed.
    pub async fn simulate(&self, node: &Rpc) -> Result<(), RegistrationError> {
        let first = self.stage.as_ref().unwrap_or(&self.transaction);
        let Some(error) = node.simulate(first, LEVEL).await?.error else {
            return Ok(());
        };
        let program = error
            .program_error()
            .map(|(_, code)| ProgramError::from_code(code));
        // The path is older than the changes that the program remembers.
        if program.as_ref().is_some_and(|error| error.name == "StalePath") {
            return Err(RegistrationError::Behind);
        }
        Err(RegistrationError::Simulation {
            program,
            message: error.to_string(),
        })
    }
}
