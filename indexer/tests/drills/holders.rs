//! A registry of token holders who register, prove, try to prove twice, and are evicted: so that holdings, nullifiers,
//! verifications and rollups are in what a drill compares.

use std::time::Duration;

use bauta::state::{Holding, RegistryKind, ScopeMode};
use bauta_client::instructions::{
    AddCollection, CloseScope, CreateScope, EvictHolder, RegisterHolder, Verify,
};
use bauta_primitives::{Attributes, Claim, EntryId, IdentitySecret, Leaf, MasterSecret, ProofInputs, Scope};
use bauta_rpc::{Commitment, Rpc, RpcError, sign};
use futures_util::future::try_join_all;
use rand::rngs::OsRng;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;
use spl_token_2022_interface::instruction::{self as token, AuthorityType};

use crate::circuit;
use crate::world::{CLUSTER_TAG, Seen, create_registry};

const TOKENS: Address = spl_token_2022_interface::inline_spl_token::ID;
/// A mint's and a token account's bytes in the SPL Token program.
const MINT: usize = 82;
const ACCOUNT: usize = 165;
/// Proofs that are on their way at the same time.
const AT_ONCE: usize = 4;
/// How long a proof is good, seconds.
const PROOF_LIFE: i64 = 3_600;

/// A token in a registry.
#[derive(Clone)]
struct Entry {
    mint: Address,
    account: Address,
    /// Whether the second owner has it, not the authority.
    is_other_s: bool,
    track: u64,
    index: u64,
    master: [u8; 32],
    /// When its holding changed last, in the chain's time.
    changed: i64,
    /// Whether it has been used in the present scope.
    used: bool,
}

impl Entry {
    fn id(&self) -> EntryId {
        EntryId::of_mint(self.mint.as_array())
    }

    fn identity(&self, registry: &Address) -> IdentitySecret {
        MasterSecret::from_bytes(&mut self.master.clone()).identity(registry.as_array(), self.id())
    }

    fn leaf(&self, registry: &Address) -> Leaf {
        Leaf::of(
            self.identity(registry).commitment(),
            self.id(),
            Attributes::of_track(self.track),
        )
    }
}

/// A registry of two owners' tokens, and scopes over it.
pub struct Holders {
    pub seen: Seen,
    authority: Keypair,
    other: Keypair,
    tree_account: Address,
    entries: Vec<Entry>,
    next_index: u64,
    scope: Option<CreateScope>,
    scopes: u64,
    last_use: Option<Verify>,
    steps: u64,
}

impl Holders {
    pub async fn create(rpc: Rpc) -> Self {
        let (authority, other) = (Keypair::new(), Keypair::new());
        let (registry, tree_account) = create_registry(&rpc, &authority, RegistryKind::Holders).await;
        Self {
            seen: Seen::new(rpc, registry),
            authority,
            other,
            tree_account,
            entries: Vec::new(),
            next_index: 0,
            scope: None,
            scopes: 0,
            last_use: None,
            steps: 0,
        }
    }

    /// The same people with what they know now, to go on from here on another fork.
    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            seen: self.seen.fork(rpc),
            authority: self.authority.insecure_clone(),
            other: self.other.insecure_clone(),
            tree_account: self.tree_account,
            entries: self.entries.clone(),
            next_index: self.next_index,
            scope: self.scope,
            scopes: self.scopes,
            last_use: self.last_use.clone(),
            steps: self.steps,
        }
    }

    /// The scope that is open, if there is one.
    pub fn scope(&self) -> Option<Address> {
        self.scope.as_ref().map(CreateScope::scope)
    }

    /// One thing that happens among holders.
    pub async fn change(&mut self) -> Result<(), RpcError> {
        let step = self.steps % 8;
        self.steps += 1;
        match step {
            4 => self.try_again().await,
            6 => self.evict().await,
            7 => self.renew().await,
            0 | 2 => self.register().await,
            _ => self.prove().await,
        }
    }

    fn registry(&self) -> Address {
        self.seen.registry
    }

    async fn send(&self, instructions: &[Instruction], more: &[&Keypair]) -> Result<(), RpcError> {
        let signers = [&[&self.authority], more].concat();
        self.seen.rpc.send_and_confirm(instructions, &signers).await?;
        Ok(())
    }

    /// The chain's time, in Unix seconds.
    async fn now(&self) -> Result<i64, RpcError> {
        const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");
        let (_, clock) = self.seen.rpc.account(&CLOCK, Commitment::Confirmed).await?;
        // slot, the epoch's beginning, epoch, its leaders' epoch, and the time: eight bytes each, little-endian
        let time = clock.unwrap().data[32..40].try_into().unwrap();
        Ok(i64::from_le_bytes(time))
    }

    fn registration(&self, entry: &Entry) -> RegisterHolder {
        let owner = if entry.is_other_s {
            &self.other
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
            commitment: entry.identity(&self.registry()).commitment(),
            path: (!is_first).then(|| self.seen.tree.on_chain_path(entry.index).unwrap()),
        }
    }

    /// The other owner signs where it is theirs.
    fn signers(&self, entry: &Entry) -> Vec<&Keypair> {
        if entry.is_other_s {
            vec![&self.other]
        } else {
            Vec::new()
        }
    }

    /// Makes room for a token's account.
    async fn space(&self, address: &Address, bytes: usize) -> Result<Instruction, RpcError> {
        let rent = self.seen.rpc.rent_exempt_balance(bytes).await?;
        let payer = self.authority.pubkey();
        Ok(create_account(&payer, address, rent, bytes as u64, &TOKENS))
    }

    /// A new token, in a collection of its own, is registered.
    async fn register(&mut self) -> Result<(), RpcError> {
        let (mint, account) = (Keypair::new(), Keypair::new());
        let is_other_s = self.steps.is_multiple_of(3);
        let (authority, key, place) = (self.authority.pubkey(), mint.pubkey(), account.pubkey());
        let owner = if is_other_s {
            self.other.pubkey()
        } else {
            authority
        };
        let instructions = [
            self.space(&key, MINT).await?,
            token::initialize_mint2(&TOKENS, &key, &authority, None, 0).unwrap(),
            self.space(&place, ACCOUNT).await?,
            token::initialize_account3(&TOKENS, &place, &key, &owner).unwrap(),
            token::mint_to(&TOKENS, &key, &place, &authority, &[], 1).unwrap(),
            token::set_authority(&TOKENS, &key, None, AuthorityType::MintTokens, &authority, &[]).unwrap(),
        ];
        self.send(&instructions, &[&mint, &account]).await?;

        let entry = Entry {
            mint: key,
            account: place,
            is_other_s,
            track: self.steps % 5,
            index: self.next_index,
            master: rand::random(),
            changed: self.now().await?,
            used: false,
        };
        let collection = AddCollection {
            registry: self.registry(),
            authority,
            payer: authority,
            key,
            is_group: false,
            track: entry.track,
        };
        let register = self.registration(&entry).instruction();
        self.send(&[collection.instruction(), register], &self.signers(&entry))
            .await?;
        self.next_index += 1;
        self.entered(entry);
        Ok(())
    }

    fn entered(&mut self, entry: Entry) {
        self.seen.set(entry.index, entry.leaf(&self.registry()));
        self.entries.push(entry);
    }

    /// A token is registered again with a new secret, where the program allows it by now.
    async fn renew(&mut self) -> Result<(), RpcError> {
        let now = self.now().await?;
        if now <= self.entries[0].changed + Holding::CHANGE_INTERVAL {
            return self.prove().await;
        }
        let mut entry = self.entries.remove(0);
        entry.master = rand::random();
        entry.changed = now;
        entry.used = false;
        let register = self.registration(&entry).instruction();
        self.send(&[register], &self.signers(&entry)).await?;
        self.entered(entry);
        Ok(())
    }

    /// A token is burnt, and its leaf emptied.
    async fn evict(&mut self) -> Result<(), RpcError> {
        if self.entries.len() < 3 {
            return self.prove().await;
        }
        let entry = self.entries.pop().unwrap();
        let owner = self.registration(&entry).owner;
        let burn = token::burn(&TOKENS, &entry.account, &entry.mint, &owner, &[], 1).unwrap();
        let evict = EvictHolder {
            registry: self.registry(),
            tree: self.tree_account,
            mint: entry.mint,
            token_account: None,
            path: self.seen.tree.on_chain_path(entry.index).unwrap(),
        };
        self.send(&[burn, evict.instruction()], &self.signers(&entry))
            .await?;
        self.seen.set(entry.index, Leaf::EMPTY);
        Ok(())
    }

    /// A scope in the place of the one before it.
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

    /// Holders prove, really and at the same time, and the program accepts.
    async fn prove(&mut self) -> Result<(), RpcError> {
        let now = self.now().await?;
        if self.scope.is_none() || self.entries.iter().all(|entry| entry.used) {
            self.open_scope(now).await?;
        }
        let unused = (0..self.entries.len()).filter(|place| !self.entries[*place].used);
        let some: Vec<usize> = unused.take(AT_ONCE).collect();
        let uses: Vec<_> = some
            .iter()
            .map(|place| self.proof(&self.entries[*place], now))
            .collect();
        let instructions: Vec<_> = uses.iter().map(|verify| [verify.instruction()]).collect();
        let sent = instructions.iter().map(|instruction| self.send(instruction, &[]));
        try_join_all(sent).await?;
        self.seen.uses += u64::try_from(uses.len()).unwrap();
        for place in some {
            self.entries[place].used = true;
        }
        self.last_use = uses.into_iter().last();
        Ok(())
    }

    fn proof(&self, entry: &Entry, now: i64) -> Verify {
        let scope = self.scope().unwrap();
        let element = Scope::derive(&CLUSTER_TAG, bauta::ID.as_array(), scope.as_array());
        let identity = entry.identity(&self.registry());
        let root = self.seen.tree.root();
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
            expiry: now + PROOF_LIFE,
            payload: Vec::new(),
        };
        let inputs = ProofInputs {
            secret: identity,
            entry_id: entry.id(),
            attributes: Attributes::of_track(entry.track),
            path: self.seen.tree.path(entry.index).unwrap(),
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

    /// The same proof once more: the transaction is in a block, and has failed.
    async fn try_again(&mut self) -> Result<(), RpcError> {
        let again = self.last_use.as_ref().unwrap().instruction();
        let rpc = &self.seen.rpc;
        let (blockhash, _) = rpc.latest_blockhash(Commitment::Confirmed).await?;
        let signature = rpc
            .send_untried(&sign(&[again], &[&self.authority], blockhash)?)
            .await?;
        let record = loop {
            let record = rpc.transaction(&signature, Commitment::Confirmed).await?;
            if let Some(record) = record {
                break record;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(record.error.is_some(), "a proof was accepted twice");
        self.seen.refused += 1;
        Ok(())
    }
}
