//! The circuit, the registry, scopes and members, created in the same way as by real users.

use anyhow::{Context, Result};
use bauta::instructions::CircuitRegistration;
use bauta::state::{Provenance, RegistryKind, ScopeMode, Tree};
use bauta_circuits::{Key, Ownership, Statement, load_or_setup_development};
use bauta_client::instructions::{
    AddCollection, CreateRegistry, CreateScope, RegisterCircuit, RegisterCoreHolder, RegisterHolder, Verify,
};
use bauta_client::{ClusterTag, addresses, decode_scope};
use bauta_primitives::tree::{Depth, MembershipPath};
use bauta_primitives::{
    Attributes, Claim, EntryId, IdentitySecret, Leaf, MasterSecret, ProofInputs, Root, Scope,
};
use rand::rngs::OsRng;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_system_interface::instruction::create_account;

use crate::{
    chain::{Chain, Failure, Sent},
    tokens::{Collection, Form, Nft},
};

/// The time for which a replaced root is accepted, in seconds.
const ROOT_TTL: i64 = 3600;
/// The time from now to the expiry of a proof, in seconds.
const PROOF_LIFETIME: i64 = 600;
/// The time for which a scope is open, in seconds.
const SCOPE_DURATION: i64 = 7 * 86_400;
/// The leaf format that the ownership statement uses.
const LEAF_FORMAT: u8 = 1;

/// A registry of kind Holders.
pub struct Registry {
    pub address: Address,
    tree: Address,
}

/// A scope: the address of its account, and the field element that proofs contain.
#[derive(Clone, Copy)]
pub struct ScopeAccount {
    pub address: Address,
    pub element: Scope,
    pub gate: Option<Address>,
}

/// The owner of a token, with the master secret from which the entry's secret is derived.
pub struct Member {
    pub nft: Nft,
    pub track: u64,
    registry: Address,
    master: MasterSecret,
}

impl Member {
    /// Creates a member with a new random secret. The member is not registered yet.
    pub fn new(registry: &Registry, nft: Nft, track: u64) -> Self {
        Self {
            nft,
            track,
            registry: registry.address,
            master: MasterSecret::random(&mut OsRng),
        }
    }

    /// Returns the id of the token's entry.
    pub fn entry_id(&self) -> EntryId {
        EntryId::of_mint(self.nft.mint.as_array())
    }

    /// Returns the secret of the entry.
    pub fn identity(&self) -> IdentitySecret {
        self.master.identity(self.registry.as_array(), self.entry_id(), 0)
    }

    /// Returns the member's leaf.
    pub fn leaf(&self) -> Leaf {
        Leaf::of(
            self.identity().commitment(),
            self.entry_id(),
            Attributes::of_track(self.track),
        )
    }
}

/// The ownership circuit: its key, and the address of its account.
pub struct Circuit {
    key: Key<Ownership>,
    pub address: Address,
}

/// A request for a proof of membership at a root.
pub struct ProofRequest<'a> {
    pub payer: Address,
    /// The wallet to which the proof is bound, if only this wallet may send it.
    pub relayer: Option<Address>,
    pub member: &'a Member,
    pub path: MembershipPath,
    pub root: Root,
    pub scope: &'a ScopeAccount,
    /// The time after which the proof is refused, in Unix seconds of the chain's time.
    pub expiry: i64,
}

impl Circuit {
    /// Loads the development key, creates it if it does not exist, and registers it if it is not
    /// registered. The payer signs as the admin.
    pub async fn register(chain: &Chain) -> Result<Self> {
        let key = load_or_setup_development(&Ownership::new(Depth::Ten))?;
        let mut statement = [0; 32];
        statement[..Ownership::NAME.len()].copy_from_slice(Ownership::NAME.as_bytes());
        let registration = CircuitRegistration {
            statement,
            version: Ownership::VERSION,
            depth: 10,
            leaf_format: LEAF_FORMAT,
            auxiliary_format: 0,
            provenance: Provenance::Development,
            constraint_system_hash: key.header().constraint_system_hash,
            transcript_hash: [0; 32],
            verifying_key: key.verifying_key().to_bytes(),
        };
        let address = addresses::circuit_of(&registration).address;
        if chain.exists(&address).await? {
            return Ok(Self { key, address });
        }
        let register = RegisterCircuit {
            payer: chain.payer.pubkey(),
            admin: chain.payer.pubkey(),
            registration,
        };
        let sent = chain.send(&[register.instruction()], &[]).await;
        sent.map_err(anyhow::Error::from).context("register_circuit")?;
        Ok(Self { key, address })
    }

    /// Computes the tables that make proofs faster.
    pub fn prepare(&self) -> Result<()> {
        Ok(self.key.prepare()?)
    }

    /// Makes a proof of membership for a root. Returns a `verify` instruction with the proof and a
    /// new recipient.
    pub fn prove(&self, request: ProofRequest<'_>) -> Result<Verify> {
        let ProofRequest {
            payer,
            relayer,
            member,
            path,
            root,
            scope,
            expiry,
        } = request;
        let mut verify = Verify {
            payer,
            scope: scope.address,
            circuit: self.address,
            registry: None,
            auxiliary_registry: None,
            gate: scope.gate,
            recipient: Keypair::new().pubkey(),
            relayer,
            proof: [0; 256],
            root,
            nullifier: member.identity().nullifier(member.entry_id(), scope.element),
            claim: Claim::of_track(member.track),
            auxiliary_root: None,
            expiry,
            payload: b"payload".to_vec(),
        };
        let inputs = ProofInputs {
            secret: member.identity(),
            entry_id: member.entry_id(),
            attributes: Attributes::of_track(member.track),
            path,
            root,
            scope: scope.element,
            claim: verify.claim,
            context: verify.context(),
            private: (),
        };
        inputs.check_path()?;
        verify.proof = self.key.prove(&inputs, &mut OsRng)?.to_bytes();
        Ok(verify)
    }
}

/// Returns the expiry of a proof that is made now, in Unix seconds of the chain's time.
pub async fn expiry(chain: &Chain) -> Result<i64> {
    Ok(chain.time().await? + PROOF_LIFETIME)
}

impl Registry {
    /// Creates a registry whose authority is the payer. The payer has one registry for each nonce.
    pub async fn create(chain: &Chain, nonce: u64) -> Result<Self> {
        let (authority, tree) = (chain.payer.pubkey(), Keypair::new());
        let rent = chain.rent(Tree::SPACE).await?;
        let create = CreateRegistry {
            authority,
            payer: authority,
            tree: Some(tree.pubkey()),
            nonce,
            kind: RegistryKind::Holders,
            depth: 10,
            leaf_format: LEAF_FORMAT,
            root_ttl: ROOT_TTL,
        };
        let space = create_account(&authority, &tree.pubkey(), rent, Tree::SPACE as u64, &bauta::ID);
        let sent = chain.send(&[space, create.instruction()], &[&tree]).await;
        sent.map_err(anyhow::Error::from).context("create_registry")?;
        Ok(Self {
            address: create.registry(),
            tree: tree.pubkey(),
        })
    }

    /// Adds a collection to the registry. Its assets may then register, on this track.
    pub async fn add_collection(&self, chain: &Chain, collection: &Collection, track: u64) -> Result<()> {
        let add = AddCollection {
            registry: self.address,
            authority: chain.payer.pubkey(),
            payer: chain.payer.pubkey(),
            key: collection.key,
            kind: collection.kind,
            rules: 0,
            track,
        };
        let sent = chain.send(&[add.instruction()], &[]).await;
        sent.map_err(anyhow::Error::from).context("add_collection")?;
        Ok(())
    }

    /// Registers a member. If the asset has a leaf already, `path` must be the path of this leaf.
    pub async fn register(
        &self,
        chain: &Chain,
        member: &Member,
        path: Option<&MembershipPath>,
    ) -> Result<Sent, Failure> {
        let nft = &member.nft;
        let (payer, owner) = (chain.payer.pubkey(), nft.owner.pubkey());
        let commitment = member.identity().commitment();
        let path = path.map(MembershipPath::lowest);
        let register = match &nft.form {
            Form::Token {
                account,
                token_metadata,
            } => RegisterHolder {
                registry: self.address,
                tree: self.tree,
                collection_key: nft.collection,
                mint: nft.mint,
                token_account: *account,
                token_metadata: *token_metadata,
                owner,
                payer,
                commitment,
                path,
            }
            .instruction(),
            Form::Core => RegisterCoreHolder {
                registry: self.address,
                tree: self.tree,
                collection_key: nft.collection,
                asset: nft.mint,
                core_collection: Some(nft.collection),
                owner,
                payer,
                commitment,
                path,
            }
            .instruction(),
        };
        chain.send(&[register], &[&nft.owner]).await
    }

    /// Creates a scope that is open for a week. The mode Snapshot takes the current root.
    pub async fn create_scope(
        &self,
        chain: &Chain,
        circuit: &Circuit,
        nonce: u64,
        mode: ScopeMode,
        gate: Option<Address>,
    ) -> Result<(ScopeAccount, Sent)> {
        let now = chain.time().await?;
        let create = CreateScope {
            payer: chain.payer.pubkey(),
            creator: chain.payer.pubkey(),
            registry: self.address,
            circuit: circuit.address,
            auxiliary_registry: None,
            nonce,
            mode,
            gate,
            required_claim: None,
            opens_at: now - 60,
            closes_at: now + SCOPE_DURATION,
            expected_root: None,
        };
        let sent = chain.send(&[create.instruction()], &[]).await;
        let sent = sent.map_err(anyhow::Error::from).context("create_scope")?;
        let address = create.scope();
        let account = chain.account(&address).await?;
        let state = decode_scope(&ClusterTag::LOCAL, &address, &account.owner, &account.data)?;
        let scope = ScopeAccount {
            address,
            element: Scope::from_bytes(state.scope)?,
            gate,
        };
        Ok((scope, sent))
    }
}
