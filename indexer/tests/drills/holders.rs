//! The holders of a registry of kind Holders. They register, prove, reuse a nullifier, renew and
//! are evicted, so that the drills also compare holdings, nullifiers, verifications and rollups.

use std::time::Duration;

use bauta::state::{CollectionKind, Holding, RegistryKind, ScopeMode};
use bauta_client::instructions::{
    AddCollection, CloseScope, CreateScope, EvictHolder, RegisterHolder, TokenMetadataAccounts, Verify,
};
use bauta_primitives::{Attributes, Claim, EntryId, IdentitySecret, Leaf, MasterSecret, ProofInputs, Scope};
use bauta_rpc::{CommitmentLevel, Rpc, RpcError, sign};
use futures_util::future::try_join_all;
use rand::rngs::OsRng;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::instruction::{self as token, AuthorityType};

use crate::actors::{ExpectedState, create_registry};
use crate::chain::CLUSTER_TAG;
use crate::circuit;

/// The SPL Token program.
const TOKEN_PROGRAM: Address = spl_token_2022_interface::inline_spl_token::ID;
/// The size of a mint in bytes.
const MINT_SIZE: usize = 82;
/// The size of a token account in bytes.
const TOKEN_ACCOUNT_SIZE: usize = 165;
/// The number of proofs that are sent concurrently.
const CONCURRENT_PROOFS: usize = 4;
/// The time until a proof expires, in seconds.
const PROOF_LIFETIME: i64 = 3_600;

/// A token in a registry.
#[derive(Clone)]
struct Entry {
    mint: Address,
    account: Address,
    /// Whether the second owner owns the token. Otherwise the authority owns it.
    is_second_owners: bool,
    track: u64,
    index: u64,
    master: [u8; 32],
    /// The time of the holding's last change, by the chain's clock.
    changed_at: i64,
    /// Whether the entry has been used in the present scope.
    used: bool,
}

impl Entry {
    fn id(&self) -> EntryId {
        EntryId::of_mint(self.mint.as_array())
    }

    fn identity(&self, registry: &Address) -> IdentitySecret {
        MasterSecret::from_bytes(&mut self.master.clone()).identity(registry.as_array(), self.id(), 0)
    }

    fn leaf(&self, registry: &Address) -> Leaf {
        Leaf::of(
            self.identity(registry).commitment(),
            self.id(),
            Attributes::of_track(self.track),
        )
    }
}

/// The tokens of two owners in one registry, and scopes over the registry.
pub struct Holders {
    pub expected: ExpectedState,
    authority: Keypair,
    second_owner: Keypair,
    tree_account: Address,
    entries: Vec<Entry>,
    next_index: u64,
    scope: Option<CreateScope>,
    scopes: u64,
    last_verification: Option<Verify>,
    steps: u64,
}

impl Holders {
    pub async fn create(rpc: Rpc) -> Self {
        let (authority, second_owner) = (Keypair::new(), Keypair::new());
        let (registry, tree_account) = create_registry(&rpc, &authority, RegistryKind::Holders).await;
        Self {
            expected: ExpectedState::new(rpc, registry),
            authority,
            second_owner,
            tree_account,
            entries: Vec::new(),
            next_index: 0,
            scope: None,
            scopes: 0,
            last_verification: None,
            steps: 0,
        }
    }

    /// Returns holders with the same state, which continue on another fork.
    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            expected: self.expected.fork(rpc),
            authority: self.authority.insecure_clone(),
            second_owner: self.second_owner.insecure_clone(),
            tree_account: self.tree_account,
            entries: self.entries.clone(),
            next_index: self.next_index,
            scope: self.scope,
            scopes: self.scopes,
            last_verification: self.last_verification.clone(),
            steps: self.steps,
        }
    }

    /// Returns the scope that is open, if there is one.
    pub fn scope(&self) -> Option<Address> {
        self.scope.as_ref().map(CreateScope::scope)
    }

    /// Makes one change. The kind of change depends on the number of changes before.
    pub async fn change(&mut self) -> Result<(), RpcError> {
        let step = self.steps % 8;
        self.steps += 1;
        match step {
            4 => self.reuse().await,
            6 => self.evict().await,
            7 => self.renew().await,
            0 | 2 => self.register().await,
            _ => self.prove().await,
        }
    }

    fn registry(&self) -> Address {
        self.expected.registry
    }

    async fn send(&self, instructions: &[Instruction], other_signers: &[&Keypair]) -> Result<(), RpcError> {
        let signers = [&[&self.authority], other_signers].concat();
        self.expected.rpc.send_and_confirm(instructions, &signers).await?;
        Ok(())
    }

    /// Returns the time of the chain's clock, in Unix seconds.
    async fn now(&self) -> Result<i64, RpcError> {
        const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");
        let (_, clock) = self
            .expected
            .rpc
            .account(&CLOCK, CommitmentLevel::Confirmed)
            .await?;
        // The fields are slot, start of the epoch, epoch, epoch of the leader schedule, and time.
        // Each has eight bytes, little-endian.
        let time = clock.unwrap().data[32..40].try_into().unwrap();
        Ok(i64::from_le_bytes(time))
    }

    fn registration(&self, entry: &Entry) -> RegisterHolder {
        let owner = if entry.is_second_owners {
            &self.second_owner
        } else {
            &self.authority
        };
        let is_first = entry.index == self.next_index;
        RegisterHolder {
            payer: self.authority.pubkey(),
            owner: owner.pubkey(),
            registry: self.registry(),
            tree: self.tree_account,
            collection_key: entry.mint,
            mint: entry.mint,
            token_account: entry.account,
            token_metadata: TokenMetadataAccounts::default(),
            commitment: entry.identity(&self.registry()).commitment(),
            path: (!is_first).then(|| self.expected.tree.on_chain_path(entry.index).unwrap()),
        }
    }

    /// Returns the signers besides the authority.
    fn signers(&self, entry: &Entry) -> Vec<&Keypair> {
        if entry.is_second_owners {
            vec![&self.second_owner]
        } else {
            Vec::new()
        }
    }

    /// Returns the instruction that creates an account of the token program.
    async fn create_token_program_account(
        &self,
        address: &Address,
        bytes: usize,
    ) -> Result<Instruction, RpcError> {
        let rent = self.expected.rpc.rent_exempt_balance(bytes).await?;
        let payer = self.authority.pubkey();
        Ok(create_account(
            &payer,
            address,
            rent,
            bytes as u64,
            &TOKEN_PROGRAM,
        ))
    }

    /// Creates a token in a new collection and registers it.
    async fn register(&mut self) -> Result<(), RpcError> {
        let (mint, account) = (Keypair::new(), Keypair::new());
        let is_second_owners = self.steps.is_multiple_of(3);
        let (authority, key, token_account) = (self.authority.pubkey(), mint.pubkey(), account.pubkey());
        let owner = if is_second_owners {
            self.second_owner.pubkey()
        } else {
            authority
        };
        let instructions = [
            self.create_token_program_account(&key, MINT_SIZE).await?,
            token::initialize_mint2(&TOKEN_PROGRAM, &key, &authority, None, 0).unwrap(),
            self.create_token_program_account(&token_account, TOKEN_ACCOUNT_SIZE)
                .await?,
            token::initialize_account3(&TOKEN_PROGRAM, &token_account, &key, &owner).unwrap(),
            token::mint_to(&TOKEN_PROGRAM, &key, &token_account, &authority, &[], 1).unwrap(),
            token::set_authority(
                &TOKEN_PROGRAM,
                &key,
                None,
                AuthorityType::MintTokens,
                &authority,
                &[],
            )
            .unwrap(),
        ];
        self.send(&instructions, &[&mint, &account]).await?;

        let entry = Entry {
            mint: key,
            account: token_account,
            is_second_owners,
            track: self.steps % 5,
            index: self.next_index,
            master: rand::random(),
            changed_at: self.now().await?,
            used: false,
        };
        let collection = AddCollection {
            registry: self.registry(),
            authority,
            payer: authority,
            key,
            kind: CollectionKind::Asset,
            rules: 0,
            track: entry.track,
        };
        let register = self.registration(&entry).instruction();
        self.send(&[collection.instruction(), register], &self.signers(&entry))
            .await?;
        self.next_index += 1;
        self.record(entry);
        Ok(())
    }

    fn record(&mut self, entry: Entry) {
        self.expected.set(entry.index, entry.leaf(&self.registry()));
        self.entries.push(entry);
    }

    /// Registers a token again with a new secret. If the program does not allow it yet, proves
    /// instead.
    async fn renew(&mut self) -> Result<(), RpcError> {
        let now = self.now().await?;
        if now <= self.entries[0].changed_at + Holding::CHANGE_INTERVAL {
            return self.prove().await;
        }
        let mut entry = self.entries.remove(0);
        entry.master = rand::random();
        entry.changed_at = now;
        entry.used = false;
        let register = self.registration(&entry).instruction();
        self.send(&[register], &self.signers(&entry)).await?;
        self.record(entry);
        Ok(())
    }

    /// Burns a token and evicts its holder. If there are fewer than three entries, proves instead.
    async fn evict(&mut self) -> Result<(), RpcError> {
        if self.entries.len() < 3 {
            return self.prove().await;
        }
        let entry = self.entries.pop().unwrap();
        let owner = self.registration(&entry).owner;
        let burn = token::burn(&TOKEN_PROGRAM, &entry.account, &entry.mint, &owner, &[], 1).unwrap();
        let evict = EvictHolder {
            registry: self.registry(),
            tree: self.tree_account,
            mint: entry.mint,
            token_account: None,
            left_collection: None,
            metadata: None,
            path: self.expected.tree.on_chain_path(entry.index).unwrap(),
        };
        self.send(&[burn, evict.instruction()], &self.signers(&entry))
            .await?;
        self.expected.set(entry.index, Leaf::EMPTY);
        Ok(())
    }

    /// Creates a scope, and closes the one before it.
    async fn open_scope(&mut self, now: i64) -> Result<(), RpcError> {
        let creator = self.authority.pubkey();
        let create = CreateScope {
            payer: creator,
            creator,
            registry: self.registry(),
            circuit: circuit::address(),
            auxiliary_registry: None,
            nonce: self.scopes,
            mode: ScopeMode::Live,
            gate: None,
            required_claim: None,
            opens_at: now - 60,
            closes_at: now + 86_400,
            expected_root: None,
        };
        let mut instructions = vec![create.instruction()];
        if let Some(scope) = self.scope() {
            instructions.push(CloseScope { creator, scope }.instruction());
        }
        self.send(&instructions, &[]).await?;
        self.scopes += 1;
        self.scope = Some(create);
        for entry in &mut self.entries {
            entry.used = false;
        }
        Ok(())
    }

    /// Proves for several entries concurrently. The program accepts the proofs.
    async fn prove(&mut self) -> Result<(), RpcError> {
        let now = self.now().await?;
        if self.scope.is_none() || self.entries.iter().all(|entry| entry.used) {
            self.open_scope(now).await?;
        }
        let unused = (0..self.entries.len()).filter(|index| !self.entries[*index].used);
        let indices: Vec<usize> = unused.take(CONCURRENT_PROOFS).collect();
        let verifications: Vec<_> = indices
            .iter()
            .map(|index| self.proof(&self.entries[*index], now))
            .collect();
        let instructions: Vec<_> = verifications
            .iter()
            .map(|verify| [verify.instruction()])
            .collect();
        let sent = instructions.iter().map(|instruction| self.send(instruction, &[]));
        try_join_all(sent).await?;
        self.expected.verifications += u64::try_from(verifications.len()).unwrap();
        for index in indices {
            self.entries[index].used = true;
        }
        self.last_verification = verifications.into_iter().last();
        Ok(())
    }

    fn proof(&self, entry: &Entry, now: i64) -> Verify {
        let scope = self.scope().unwrap();
        let element = Scope::derive(&CLUSTER_TAG, bauta::ID.as_array(), scope.as_array());
        let identity = entry.identity(&self.registry());
        let root = self.expected.tree.root();
        let mut verify = Verify {
            payer: self.authority.pubkey(),
            scope,
            circuit: circuit::address(),
            registry: Some(self.registry()),
            auxiliary_registry: None,
            gate: None,
            recipient: Address::new_from_array(rand::random()),
            relayer: None,
            proof: [0; 256],
            root,
            nullifier: identity.nullifier(entry.id(), element),
            claim: Claim::of_track(entry.track),
            auxiliary_root: None,
            expiry: now + PROOF_LIFETIME,
            payload: Vec::new(),
        };
        let inputs = ProofInputs {
            secret: identity,
            entry_id: entry.id(),
            attributes: Attributes::of_track(entry.track),
            path: self.expected.tree.path(entry.index).unwrap(),
            root,
            scope: element,
            claim: verify.claim,
            context: verify.context(),
            private: (),
        };
        inputs.check_path().unwrap();
        let proof = tokio::task::block_in_place(|| circuit::KEY.prove(&inputs, &mut OsRng)).unwrap();
        verify.proof = proof.to_bytes();
        verify
    }

    /// Sends the last proof again. The transaction is executed and fails.
    async fn reuse(&mut self) -> Result<(), RpcError> {
        let instruction = self.last_verification.as_ref().unwrap().instruction();
        let rpc = &self.expected.rpc;
        let (blockhash, _) = rpc.latest_blockhash(CommitmentLevel::Confirmed).await?;
        let signature = rpc
            .send_without_preflight(&sign(&[instruction], &[&self.authority], blockhash)?)
            .await?;
        let transaction = loop {
            let transaction = rpc.transaction(&signature, CommitmentLevel::Confirmed).await?;
            if let Some(transaction) = transaction {
                break transaction;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(transaction.error.is_some(), "a proof was accepted twice");
        self.expected.refused_reuses += 1;
        Ok(())
    }
}
