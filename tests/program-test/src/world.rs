use std::collections::HashMap;

use anchor_lang::{Discriminator, Owner, ZeroCopy};
use bauta_client::{Event, ProgramError, addresses, decode_account, decode_event, instructions};
use litesvm::LiteSVM;
use litesvm::types::TransactionMetadata;
use solana_account::{Account, ReadableAccount};
use solana_address::Address;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_system_interface::program as system_program;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;

use crate::scopes::Prover;
use crate::{Elf, Refused, Sent, keypair, seed};

/// The most bytes a transaction may have on a cluster (1280 of an IPv6 packet less 48 of headers). The SVM alone doesn't mind.
pub const MAX_TRANSACTION_BYTES: usize = 1232;

/// When the worlds begin, in Unix seconds.
pub const BEGINNING: i64 = 1_800_000_000;

/// A chain of one program: its ELF in a real SVM, behind the real loader, with the real token programs.
///
/// Everything in it is the same in every run. Cloning makes an independent copy at the same instant, cheaply.
pub struct World {
    svm: LiteSVM,
    /// Pays for everything: fees, rents.
    pub payer: Keypair,
    /// Who may upgrade the program, and therefore initialise it.
    pub upgrade_authority: Keypair,
    /// The admin that [`World::new`] initialises the program with.
    pub admin: Keypair,
    /// The tag that [`World::new`] initialises the program with.
    pub cluster_tag: [u8; 32],
    pub(crate) made: u64,
    pub(crate) provers: HashMap<Address, Prover>,
}

impl Clone for World {
    fn clone(&self) -> Self {
        Self {
            svm: self.svm.clone(),
            payer: self.payer.insecure_clone(),
            upgrade_authority: self.upgrade_authority.insecure_clone(),
            admin: self.admin.insecure_clone(),
            cluster_tag: self.cluster_tag,
            made: self.made,
            provers: self.provers.clone(),
        }
    }
}

thread_local! {
    // Loading the ELF takes longer than most tests: a thread does it once.
    static DEPLOYED: World = World::deployed(Elf::Chosen);
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world whose program is initialised, development keys allowed, and has [`World::circuit`].
    ///
    /// # Panics
    /// When the ELF can't be loaded or refuses.
    #[must_use]
    pub fn new() -> Self {
        DEPLOYED.with(Clone::clone).initialised()
    }

    /// The same on a given ELF.
    ///
    /// # Panics
    /// When the ELF can't be loaded or refuses.
    #[must_use]
    pub fn on(elf: Elf) -> Self {
        Self::deployed(elf).initialised()
    }

    fn initialised(mut self) -> Self {
        self.initialize(true)
            .unwrap_or_else(|refused| panic!("initialize: {refused}"));
        let key = self.trapdoor();
        self.register_trapdoor(key)
            .unwrap_or_else(|refused| panic!("register_circuit: {refused}"));
        self
    }

    /// Initialises the program by its upgrade authority, with this world's admin and tag.
    pub fn initialize(&mut self, development_keys_allowed: bool) -> Result<Sent, Refused> {
        let initialize = instructions::Initialize {
            payer: self.payer.pubkey(),
            upgrade_authority: self.upgrade_authority.pubkey(),
            cluster_tag: self.cluster_tag,
            admin: self.admin.pubkey(),
            development_keys_allowed,
        };
        let authority = self.upgrade_authority.insecure_clone();
        self.send(&[initialize.instruction()], &[&authority])
    }

    /// A world whose program was just deployed and not initialised.
    ///
    /// # Panics
    /// When the ELF can't be read or the SVM refuses it.
    #[must_use]
    pub fn deployed(elf: Elf) -> Self {
        let mut svm = LiteSVM::new().with_log_bytes_limit(Some(10_000));
        let upgrade_authority = keypair("upgrade authority");
        svm.add_program(bauta::ID, &elf.read())
            .expect("the SVM loads the program's ELF");
        let mut world = Self {
            svm,
            payer: keypair("payer"),
            upgrade_authority,
            admin: keypair("admin"),
            cluster_tag: seed("cluster tag"),
            made: 0,
            provers: HashMap::new(),
        };
        world.give_upgrade_authority(world.upgrade_authority.pubkey());
        for key in [
            world.payer.pubkey(),
            world.upgrade_authority.pubkey(),
            world.admin.pubkey(),
        ] {
            world.fund(&key);
        }
        let mut clock: Clock = world.svm.get_sysvar();
        clock.unix_timestamp = BEGINNING;
        world.svm.set_sysvar(&clock);
        world
    }

    /// Loads another program, such as a consumer of this one.
    ///
    /// # Panics
    /// When the SVM refuses the ELF.
    pub fn deploy(&mut self, program: Address, elf: &[u8]) {
        self.svm.add_program(program, elf).expect("the SVM loads the ELF");
    }

    /// The SVM loads programs without an authority; a deployment by the loader's instructions would set one.
    fn give_upgrade_authority(&mut self, authority: Address) {
        let address = addresses::program_data().address;
        let mut account = self
            .svm
            .get_account(&address)
            .expect("an upgradeable program has program data");
        // the loader's state ProgramData in bincode: u32 3, u64 slot, then whether there is an authority, and it
        account.data[12] = 1;
        account.data[13..45].copy_from_slice(authority.as_ref());
        self.svm
            .set_account(address, account)
            .expect("the loader's own account with another authority");
    }

    /// A new funded keypair; `what` only helps to tell keys apart.
    pub fn person(&mut self, what: &str) -> Keypair {
        let keypair = self.next_keypair(what);
        self.fund(&keypair.pubkey());
        keypair
    }

    /// A new keypair that owns nothing.
    pub fn next_keypair(&mut self, what: &str) -> Keypair {
        self.made += 1;
        keypair(&format!("{what} {}", self.made))
    }

    /// Gives an address a thousand SOL, out of nothing.
    ///
    /// # Panics
    /// When the address holds data that the SVM would have to interpret.
    pub fn fund(&mut self, address: &Address) {
        let mut account = self.svm.get_account(address).unwrap_or(Account {
            owner: system_program::ID,
            ..Account::default()
        });
        account.lamports += 1_000_000_000_000;
        self.set_account(address, account);
    }

    /// Sends one transaction, paid by [`World::payer`], who signs with the `signers`. Every transaction has a blockhash of its own.
    ///
    /// # Panics
    /// When a signer is missing or too many: a mistake of the caller, not the chain's answer.
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Sent, Refused> {
        self.svm.expire_blockhash();
        let payer = self.payer.insecure_clone();
        let message =
            Message::new_with_blockhash(instructions, Some(&payer.pubkey()), &self.svm.latest_blockhash());
        let mut keypairs = vec![&payer];
        for signer in signers {
            if keypairs.iter().all(|known| known.pubkey() != signer.pubkey()) {
                keypairs.push(signer);
            }
        }
        let transaction = Transaction::new(&keypairs, message, self.svm.latest_blockhash());
        self.send_transaction(transaction)
    }

    /// Sends a transaction as it is.
    pub fn send_transaction(&mut self, transaction: Transaction) -> Result<Sent, Refused> {
        let message_bytes = transaction.message.serialize();
        // a compact array of up to 127 signatures has one byte of length
        let transaction_bytes = 1 + 64 * transaction.signatures.len() + message_bytes.len();
        if transaction_bytes > MAX_TRANSACTION_BYTES {
            return Err(Refused {
                error: None,
                transaction_error: TransactionError::SanitizeFailure,
                compute_units: 0,
                fee: 0,
                logs: vec![format!(
                    "the transaction has {transaction_bytes} bytes where a cluster takes {MAX_TRANSACTION_BYTES}"
                )],
            });
        }
        let keys = transaction.message.account_keys.clone();
        let programs: Vec<Address> = transaction
            .message
            .instructions
            .iter()
            .map(|instruction| keys[usize::from(instruction.program_id_index)])
            .collect();
        match self.svm.send_transaction(transaction) {
            Ok(meta) => Ok(Sent {
                compute_units: meta.compute_units_consumed,
                transaction_bytes,
                events: events(&keys, &meta),
                return_data: (meta.return_data.program_id, meta.return_data.data),
                fee: meta.fee,
                logs: meta.logs,
            }),
            Err(failed) => Err(Refused {
                error: ProgramError::of_transaction(&failed.err, &programs),
                transaction_error: failed.err,
                compute_units: failed.meta.compute_units_consumed,
                fee: failed.meta.fee,
                logs: failed.meta.logs,
            }),
        }
    }

    /// An account as it is now.
    #[must_use]
    pub fn account(&self, address: &Address) -> Option<Account> {
        self.svm
            .get_account(address)
            .filter(|account| account.lamports > 0)
    }

    /// The state in an account of the program, if there is one.
    ///
    /// # Panics
    /// When the account is not of this kind.
    #[must_use]
    pub fn state<T: ZeroCopy + Discriminator + Owner>(&self, address: &Address) -> Option<T> {
        let account = self.account(address)?;
        // an address that was only sent lamports holds nothing yet
        if account.owner == system_program::ID {
            return None;
        }
        Some(decode_account(&account.owner, &account.data).expect("an account of this kind"))
    }

    /// Overwrites an account, as no transaction could: to try what the program makes of it.
    ///
    /// # Panics
    /// When the SVM refuses the account, which it does for malformed sysvars and programs.
    pub fn set_account(&mut self, address: &Address, account: Account) {
        self.svm
            .set_account(*address, account)
            .expect("neither a sysvar nor a program");
    }

    /// All lamports of all accounts together. Fees are burnt.
    #[must_use]
    pub fn lamports(&self) -> u64 {
        let accounts = &self.svm.accounts_db().inner;
        accounts.values().map(ReadableAccount::lamports).sum()
    }

    /// Lamports that keep an account of this many bytes.
    #[must_use]
    pub fn rent(&self, bytes: usize) -> u64 {
        self.svm.minimum_balance_for_rent_exemption(bytes)
    }

    /// The chain's time, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.svm.get_sysvar::<Clock>().unix_timestamp
    }

    /// Lets time pass.
    pub fn wait(&mut self, seconds: i64) {
        let mut clock: Clock = self.svm.get_sysvar();
        clock.unix_timestamp += seconds;
        clock.slot += 1;
        self.svm.set_sysvar(&clock);
    }

    /// Cuts transactions' logs at this many bytes, as a cluster does at 10,000, which is also what worlds begin with.
    pub fn set_log_limit(&mut self, bytes: Option<usize>) {
        self.svm = std::mem::take(&mut self.svm).with_log_bytes_limit(bytes);
    }
}

fn events(keys: &[Address], meta: &TransactionMetadata) -> Vec<Event> {
    meta.inner_instructions
        .iter()
        .flatten()
        .filter_map(|inner| {
            let accounts: Vec<Address> = inner
                .instruction
                .accounts
                .iter()
                .map(|&index| keys[usize::from(index)])
                .collect();
            let program = keys[usize::from(inner.instruction.program_id_index)];
            decode_event(&program, &accounts, &inner.instruction.data)
                .expect("the program emits only events of its own")
        })
        .collect()
}
