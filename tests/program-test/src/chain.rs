use std::collections::HashMap;

use anchor_lang::{Discriminator, Owner, ZeroCopy};
use bauta_client::{Event, ProgramError, addresses, decode_account, decode_event, instructions};
use litesvm::LiteSVM;
use litesvm::types::TransactionMetadata;
use solana_account::{Account, ReadableAccount};
use solana_address::Address;
use solana_clock::Clock;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, Message, VersionedMessage, v0, v1};
use solana_rent::Rent;
use solana_signer::Signer;
use solana_system_interface::program as system_program;
use solana_transaction::Transaction;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;

use crate::scopes::Prover;
use crate::{Elf, Receipt, Refusal, keypair, seed};

/// The maximum length of a transaction on a cluster in bytes: an IPv6 packet of 1280 bytes without
/// 48 bytes of headers. `LiteSVM` does not enforce it, so [`TestChain::send`] does. Transactions of
/// version 1 may have 4,096 bytes.
pub const MAX_TRANSACTION_BYTES: usize = 1232;

/// The time at which every test chain starts, in Unix seconds.
pub const START_TIME: i64 = 1_800_000_000;

/// A chain with the program's ELF and the token programs, behind the real loader.
///
/// Its contents are the same in every run. A clone is an independent chain with the same state and
/// the same time. Cloning is cheap.
pub struct TestChain {
    svm: LiteSVM,
    /// The account that pays all fees and rents.
    pub payer: Keypair,
    /// The upgrade authority of the program, which may initialise it.
    pub upgrade_authority: Keypair,
    /// The admin with which [`TestChain::new`] initialises the program.
    pub admin: Keypair,
    /// The cluster tag with which [`TestChain::new`] initialises the program.
    pub cluster_tag: [u8; 32],
    pub(crate) counter: u64,
    pub(crate) provers: HashMap<Address, Prover>,
}

impl Clone for TestChain {
    fn clone(&self) -> Self {
        Self {
            svm: self.svm.clone(),
            payer: self.payer.insecure_clone(),
            upgrade_authority: self.upgrade_authority.insecure_clone(),
            admin: self.admin.insecure_clone(),
            cluster_tag: self.cluster_tag,
            counter: self.counter,
            provers: self.provers.clone(),
        }
    }
}

thread_local! {
    // Loading the ELF takes longer than most tests, so each thread loads it once.
    static DEPLOYED: TestChain = TestChain::deployed(Elf::FromEnvironment);
}

impl Default for TestChain {
    fn default() -> Self {
        Self::new()
    }
}

impl TestChain {
    /// Creates a chain with an initialised program. Development keys are allowed, and
    /// [`TestChain::circuit`] is registered.
    ///
    /// # Panics
    /// If the ELF can't be loaded, or the program refuses an instruction.
    #[must_use]
    pub fn new() -> Self {
        DEPLOYED.with(Clone::clone).initialised()
    }

    /// Creates the same chain with the given ELF.
    ///
    /// # Panics
    /// If the ELF can't be loaded, or the program refuses an instruction.
    #[must_use]
    pub fn on(elf: Elf) -> Self {
        Self::deployed(elf).initialised()
    }

    fn initialised(mut self) -> Self {
        self.initialize(true)
            .unwrap_or_else(|refusal| panic!("initialize: {refusal}"));
        let key = self.trapdoor();
        self.register_trapdoor(key)
            .unwrap_or_else(|refusal| panic!("register_circuit: {refusal}"));
        self
    }

    /// Initialises the program, signed by its upgrade authority.
    pub fn initialize(&mut self, development_keys_allowed: bool) -> Result<Receipt, Refusal> {
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

    /// Creates a chain on which the program is deployed but not initialised.
    ///
    /// # Panics
    /// If the ELF can't be read, or `LiteSVM` refuses it.
    #[must_use]
    pub fn deployed(elf: Elf) -> Self {
        let mut svm = LiteSVM::new().with_log_bytes_limit(Some(10_000));
        let upgrade_authority = keypair("upgrade authority");
        svm.add_program(bauta::ID, &elf.read())
            .expect("the SVM loads the program's ELF");
        let mut chain = Self {
            svm,
            payer: keypair("payer"),
            upgrade_authority,
            admin: keypair("admin"),
            cluster_tag: seed("cluster tag"),
            counter: 0,
            provers: HashMap::new(),
        };
        chain.set_upgrade_authority(chain.upgrade_authority.pubkey());
        for key in [
            chain.payer.pubkey(),
            chain.upgrade_authority.pubkey(),
            chain.admin.pubkey(),
        ] {
            chain.fund(&key);
        }
        let mut clock: Clock = chain.svm.get_sysvar();
        clock.unix_timestamp = START_TIME;
        chain.svm.set_sysvar(&clock);
        chain
    }

    /// Deploys another program, for example a consumer program.
    ///
    /// # Panics
    /// If `LiteSVM` refuses the ELF.
    pub fn deploy(&mut self, program: Address, elf: &[u8]) {
        self.svm.add_program(program, elf).expect("the SVM loads the ELF");
    }

    /// Sets the upgrade authority of the program. `LiteSVM` loads programs without one, unlike a
    /// deployment with the loader's instructions.
    fn set_upgrade_authority(&mut self, authority: Address) {
        let address = addresses::program_data().address;
        let mut account = self
            .svm
            .get_account(&address)
            .expect("an upgradeable program has program data");
        // The loader's state ProgramData in bincode: u32 3, u64 slot, a flag, and the authority.
        account.data[12] = 1;
        account.data[13..45].copy_from_slice(authority.as_ref());
        self.svm
            .set_account(address, account)
            .expect("the loader's own account with another authority");
    }

    /// Creates a keypair with a balance. `name` becomes part of the seed.
    pub fn funded_keypair(&mut self, name: &str) -> Keypair {
        let keypair = self.new_keypair(name);
        self.fund(&keypair.pubkey());
        keypair
    }

    /// Creates a keypair without a balance. `name` becomes part of the seed.
    pub fn new_keypair(&mut self, name: &str) -> Keypair {
        self.counter += 1;
        keypair(&format!("{name} {}", self.counter))
    }

    /// Adds a thousand SOL to the balance of an address.
    ///
    /// # Panics
    /// If the address is a sysvar or a program.
    pub fn fund(&mut self, address: &Address) {
        let mut account = self.svm.get_account(address).unwrap_or(Account {
            owner: system_program::ID,
            ..Account::default()
        });
        account.lamports += 1_000_000_000_000;
        self.set_account(address, account);
    }

    /// Sends a transaction that [`TestChain::payer`] pays for and signs, together with `signers`.
    ///
    /// Every transaction has its own blockhash, so the same instructions can be sent twice.
    ///
    /// # Panics
    /// If a required signer is missing from `signers`, or a signer is not required.
    pub fn send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Receipt, Refusal> {
        self.svm.expire_blockhash();
        let payer = self.payer.insecure_clone();
        let message =
            Message::new_with_blockhash(instructions, Some(&payer.pubkey()), &self.svm.latest_blockhash());
        let keypairs = with_payer(&payer, signers);
        let transaction = Transaction::new(&keypairs, message, self.svm.latest_blockhash());
        self.send_transaction(transaction.into())
    }

    /// Sends a transaction of version 1, which may have 4,096 bytes. Otherwise like
    /// [`TestChain::send`].
    ///
    /// # Panics
    /// If a required signer is missing from `signers`, or a signer is not required.
    pub fn send_v1(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Receipt, Refusal> {
        self.svm.expire_blockhash();
        let payer = self.payer.insecure_clone();
        let limits = v1::TransactionConfig::empty()
            .with_compute_unit_limit(1_400_000)
            .with_loaded_accounts_data_size_limit(64 * 1024 * 1024);
        let message = v1::Message::try_compile_with_config(
            &payer.pubkey(),
            instructions,
            self.svm.latest_blockhash(),
            limits,
        )
        .expect("the instructions have few accounts");
        let keypairs = with_payer(&payer, signers);
        let transaction = VersionedTransaction::try_new(VersionedMessage::V1(message), &keypairs)
            .expect("the signers are the required ones");
        self.send_transaction(transaction)
    }

    /// Sends a transaction whose addresses are in an address lookup table, as far as a table can
    /// have them. Otherwise like [`TestChain::send`].
    ///
    /// # Panics
    /// If a required signer is missing from `signers`, or a signer is not required.
    pub fn send_with_table(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        table: &[Address],
    ) -> Result<Receipt, Refusal> {
        self.svm.expire_blockhash();
        let payer = self.payer.insecure_clone();
        let table = self.lookup_table(table);
        let key = table.key;
        let blockhash = self.svm.latest_blockhash();
        let message = v0::Message::try_compile(&payer.pubkey(), instructions, &[table], blockhash)
            .expect("the instructions have few accounts");
        let keypairs = with_payer(&payer, signers);
        let transaction = VersionedTransaction::try_new(VersionedMessage::V0(message), &keypairs)
            .expect("the signers are the required ones");
        let result = self.send_transaction(transaction);
        self.set_account(&key, Account::default());
        result
    }

    /// Writes a lookup table, as the lookup table program does: the type (u32), the slot of its
    /// deactivation, the slot of its last extension, the number of addresses before that, the
    /// authority with its tag, padding to 56 bytes, and the addresses.
    ///
    /// # Panics
    /// If there are more than 255 addresses.
    pub fn lookup_table(&mut self, addresses: &[Address]) -> AddressLookupTableAccount {
        let key = keypair("lookup table").pubkey();
        let mut data = vec![1, 0, 0, 0];
        data.extend(u64::MAX.to_le_bytes());
        data.resize(56, 0);
        data.extend(addresses.iter().flat_map(Address::to_bytes));
        // All addresses are active, even in the slot of the extension.
        data[20] = u8::try_from(addresses.len()).expect("the table is small");
        let account = Account {
            lamports: self.rent(data.len()),
            data,
            owner: Address::from_str_const("AddressLookupTab1e1111111111111111111111111"),
            ..Account::default()
        };
        self.set_account(&key, account);
        AddressLookupTableAccount {
            key,
            addresses: addresses.to_vec(),
        }
    }

    /// Returns the addresses that a message takes from lookup tables, in the order of the runtime:
    /// the writable ones, then the others.
    fn loaded(&self, message: &VersionedMessage) -> Vec<Address> {
        let lookups = message.address_table_lookups().unwrap_or_default();
        let address = |table: &Address, index: u8| {
            let data = self.account(table).expect("the table exists").data;
            let at = 56 + 32 * usize::from(index);
            Address::try_from(&data[at..at + 32]).expect("32 bytes")
        };
        let mut loaded = vec![];
        for is_writable in [true, false] {
            for lookup in lookups {
                let indexes = if is_writable {
                    &lookup.writable_indexes
                } else {
                    &lookup.readonly_indexes
                };
                loaded.extend(indexes.iter().map(|index| address(&lookup.account_key, *index)));
            }
        }
        loaded
    }

    fn send_transaction(&mut self, transaction: VersionedTransaction) -> Result<Receipt, Refusal> {
        let signed_bytes = 64 * transaction.signatures.len() + transaction.message.serialize().len();
        let (transaction_bytes, limit) = match transaction.message {
            VersionedMessage::V1(_) => (signed_bytes, v1::MAX_TRANSACTION_SIZE),
            // A compact array of up to 127 signatures has one byte of length.
            _ => (1 + signed_bytes, MAX_TRANSACTION_BYTES),
        };
        if transaction_bytes > limit {
            return Err(Refusal {
                error: None,
                transaction_error: TransactionError::SanitizeFailure,
                compute_units: 0,
                fee: 0,
                logs: vec![format!(
                    "the transaction has {transaction_bytes} bytes, and a cluster accepts {limit}"
                )],
            });
        }
        let mut keys = transaction.message.static_account_keys().to_vec();
        keys.extend(self.loaded(&transaction.message));
        let programs: Vec<Address> = transaction
            .message
            .instructions()
            .iter()
            .map(|instruction| keys[usize::from(instruction.program_id_index)])
            .collect();
        match self.svm.send_transaction(transaction) {
            Ok(meta) => Ok(Receipt {
                compute_units: meta.compute_units_consumed,
                transaction_bytes,
                events: events(&keys, &meta),
                return_data: (meta.return_data.program_id, meta.return_data.data),
                fee: meta.fee,
                logs: meta.logs,
            }),
            Err(failed) => Err(Refusal {
                error: ProgramError::of_transaction(&failed.err, &programs),
                transaction_error: failed.err,
                compute_units: failed.meta.compute_units_consumed,
                fee: failed.meta.fee,
                logs: failed.meta.logs,
            }),
        }
    }

    /// Returns an account, or `None` if it has no lamports.
    #[must_use]
    pub fn account(&self, address: &Address) -> Option<Account> {
        self.svm
            .get_account(address)
            .filter(|account| account.lamports > 0)
    }

    /// Returns the state of an account of the program, or `None` if the account doesn't exist.
    ///
    /// # Panics
    /// If the account has another type.
    #[must_use]
    pub fn state<T: ZeroCopy + Discriminator + Owner>(&self, address: &Address) -> Option<T> {
        let account = self.account(address)?;
        // An address that only received lamports has no state.
        if account.owner == system_program::ID {
            return None;
        }
        Some(decode_account(&account.owner, &account.data).expect("the account has the requested type"))
    }

    /// Overwrites an account without a transaction, to test states that no transaction can create.
    ///
    /// # Panics
    /// If `LiteSVM` refuses the account, because it is a malformed sysvar or program.
    pub fn set_account(&mut self, address: &Address, account: Account) {
        self.svm
            .set_account(*address, account)
            .expect("the account is neither a sysvar nor a program");
    }

    /// Returns the sum of the lamports of all accounts. Fees are burnt.
    #[must_use]
    pub fn lamports(&self) -> u64 {
        let accounts = &self.svm.accounts_db().inner;
        accounts.values().map(ReadableAccount::lamports).sum()
    }

    /// Returns the rent-exempt balance of an account of `bytes` bytes, in lamports.
    #[must_use]
    pub fn rent(&self, bytes: usize) -> u64 {
        self.svm.minimum_balance_for_rent_exemption(bytes)
    }

    /// Sets the rent in lamports for each byte. An account of n bytes needs (128 + n) times as
    /// much.
    pub fn set_rent(&mut self, lamports_per_byte: u64) {
        let rent = Rent {
            lamports_per_byte,
            ..self.svm.get_sysvar()
        };
        self.svm.set_sysvar(&rent);
    }

    /// Returns the chain's time in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.svm.get_sysvar::<Clock>().unix_timestamp
    }

    /// Moves the clock forward by a number of seconds, and by one slot.
    pub fn advance_clock(&mut self, seconds: i64) {
        let mut clock: Clock = self.svm.get_sysvar();
        clock.unix_timestamp += seconds;
        clock.slot += 1;
        self.svm.set_sysvar(&clock);
    }

    /// Sets the length in bytes at which the logs of a transaction are cut. The default is 10,000,
    /// as on a cluster.
    pub fn set_log_limit(&mut self, bytes: Option<usize>) {
        self.svm = std::mem::take(&mut self.svm).with_log_bytes_limit(bytes);
    }
}

/// Returns the payer and the other signers.
fn with_payer<'a>(payer: &'a Keypair, signers: &[&'a Keypair]) -> Vec<&'a Keypair> {
    let mut keypairs = vec![payer];
    for signer in signers {
        if keypairs.iter().all(|known| known.pubkey() != signer.pubkey()) {
            keypairs.push(signer);
        }
    }
    keypairs
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
                .expect("the client knows every event of the program")
        })
        .collect()
}

/// Returns the length of a transaction that `payer` pays for, with two compute budget instructions
/// and an address lookup table.
///
/// # Panics
/// If the instruction has too many accounts.
#[must_use]
pub fn length_with_table(instruction: Instruction, payer: &Address, table: &[Address]) -> usize {
    let budget = |data: &[u8]| Instruction {
        program_id: Address::from_str_const("ComputeBudget111111111111111111111111111111"),
        accounts: vec![],
        data: data.to_vec(),
    };
    // The limit of compute units, and their price.
    let limit = budget(&[2, 0, 0, 0, 0]);
    let price = budget(&[3, 0, 0, 0, 0, 0, 0, 0, 0]);
    let table = AddressLookupTableAccount {
        key: keypair("lookup table").pubkey(),
        addresses: table.to_vec(),
    };
    let message = v0::Message::try_compile(payer, &[limit, price, instruction], &[table], Hash::default())
        .expect("the instruction has few accounts");
    let signatures = usize::from(message.header.num_required_signatures);
    1 + 64 * signatures + VersionedMessage::V0(message).serialize().len()
}
