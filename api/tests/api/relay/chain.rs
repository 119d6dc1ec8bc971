//! A local chain with a scope, and a database that an indexer fills from it. The benchmark of the
//! API service uses this file as well.
//!
//! The circuit's key has known exponents, so that a proof for any values takes a millisecond. The
//! service and the program verify the proofs as all others.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bauta::{
    instructions::CircuitRegistration,
    state::{Provenance, RegistryKind, ScopeMode},
};
use bauta_client::{
    ClusterTag, addresses,
    instructions::{
        CloseScope, CreateRegistry, CreateScope, Initialize, PublishRoot, RegisterCircuit, Verify,
    },
};
use bauta_dev_servers::{Chain, ChainSettings};
use bauta_http::{relay_body, wire::api::FEE_SPONSORED};
use bauta_indexing::{
    Indexer, RunSettings, Settings,
    nodes::{NodeSettings, RpcSource},
};
use bauta_primitives::{Claim, FieldElement, Nullifier, PublicInputs, Root, Scope};
use bauta_rpc::{CommitmentLevel, Pubsub, Rpc};
use bauta_store::Store;
use serde_json::Value;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio_util::sync::CancellationToken;

use super::trapdoor::TrapdoorKey;

/// One SOL.
pub const SOL: u64 = 1_000_000_000;
/// The address of the example of a consumer program.
const EXAMPLE_GATE: &str = "Ga9HP4e3TZxu47C5KifEsbDMajjDqvJ44BC7Dn97rt5h";
/// The time for which a proof is valid.
const VALIDITY: i64 = 1_000;

/// An error of any kind.
pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A chain with a circuit, a registry and scopes, and the indexer of its database.
pub struct RelayChain {
    pub chain: Chain,
    pub rpc: Rpc,
    /// The wallet of the service.
    pub wallet: Keypair,
    authority: Keypair,
    registry: Address,
    circuit: Address,
    root: Root,
    key: TrapdoorKey,
    store: Store,
    indexer: CancellationToken,
}

impl Drop for RelayChain {
    fn drop(&mut self) {
        self.indexer.cancel();
    }
}

impl RelayChain {
    /// Starts a chain, and an indexer of a migrated database. `slot_time` is in milliseconds.
    pub async fn start(store: &Store, slot_time: u16) -> Result<Self, AnyError> {
        let authority = Keypair::new();
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs");
        let elf = programs.join("bauta/artifacts/bauta.v3.so");
        let gate = programs.join("example-gate/artifacts/example-gate.v3.so");
        let chain = Chain::start(&ChainSettings {
            programs: vec![(bauta::ID.to_string(), elf), (EXAMPLE_GATE.to_owned(), gate)],
            upgrade_authority: Some(authority.pubkey().to_string()),
            slot_time: Some(slot_time),
            ..ChainSettings::default()
        })?;
        let rpc = Rpc::new(chain.rpc_url())?;
        let wallet = Keypair::new();
        rpc.airdrop(&authority.pubkey(), 100 * SOL).await?;
        rpc.airdrop(&wallet.pubkey(), 100 * SOL).await?;
        let key = TrapdoorKey::new(1);
        let initialize = Initialize {
            payer: authority.pubkey(),
            upgrade_authority: authority.pubkey(),
            cluster_tag: ClusterTag::LOCAL.to_bytes(),
            admin: authority.pubkey(),
            development_keys_allowed: true,
        };
        let mut statement = [0; 32];
        statement[..9].copy_from_slice(b"ownership");
        let registration = CircuitRegistration {
            statement,
            version: 1,
            depth: 10,
            leaf_format: 1,
            auxiliary_format: 0,
            provenance: Provenance::Development,
            constraint_system_hash: [1; 32],
            transcript_hash: [0; 32],
            verifying_key: key.verifying_key(),
        };
        let circuit = addresses::circuit_of(&registration).address;
        let register = RegisterCircuit {
            payer: authority.pubkey(),
            admin: authority.pubkey(),
            registration,
        };
        let create = CreateRegistry {
            payer: authority.pubkey(),
            authority: authority.pubkey(),
            tree: None,
            nonce: 1,
            kind: RegistryKind::Attested,
            depth: 10,
            leaf_format: 1,
            root_ttl: 3_600,
        };
        let root = Root::new(FieldElement::from_u64(7));
        let publish = PublishRoot {
            authority: authority.pubkey(),
            registry: create.registry(),
            root,
        };
        for instruction in [
            initialize.instruction(),
            register.instruction(),
            create.instruction(),
            publish.instruction(),
        ] {
            rpc.send_and_confirm(&[instruction], &[&authority]).await?;
        }
        let indexer = CancellationToken::new();
        follow(&chain, store, &indexer)?;
        Ok(Self {
            rpc,
            wallet,
            registry: create.registry(),
            circuit,
            root,
            key,
            store: store.clone(),
            indexer,
            authority,
            chain,
        })
    }

    /// Returns the address of the authority, which pays for what isn't relayed.
    pub fn authority(&self) -> Address {
        self.authority.pubkey()
    }

    /// Sends an instruction of the authority, and waits until it is confirmed and indexed.
    pub async fn send(&self, instruction: Instruction) -> Result<(), AnyError> {
        let sent = self
            .rpc
            .send_and_confirm(&[instruction], &[&self.authority])
            .await?;
        let reached = async {
            loop {
                let slot = self.store.freshness().await?.slot;
                if slot.is_some_and(|slot| slot.get() >= sent.slot) {
                    return Ok::<_, AnyError>(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached).await?
    }

    fn scope_with(&self, nonce: u64, mode: ScopeMode, seconds: i64) -> CreateScope {
        CreateScope {
            payer: self.authority.pubkey(),
            creator: self.authority.pubkey(),
            registry: self.registry,
            circuit: self.circuit,
            auxiliary_registry: None,
            nonce,
            mode,
            gate: None,
            required_claim: None,
            opens_at: now() - 60,
            closes_at: now() + seconds,
            expected_root: None,
        }
    }

    /// Creates a scope of mode Snapshot that is open for a day. Returns its account.
    pub async fn scope(&self, nonce: u64) -> Result<Address, AnyError> {
        self.create(self.scope_with(nonce, ScopeMode::Snapshot, 86_400))
            .await
    }

    /// Creates a scope of mode Live that is open for a day. Returns its account.
    pub async fn live_scope(&self, nonce: u64) -> Result<Address, AnyError> {
        self.create(self.scope_with(nonce, ScopeMode::Live, 86_400)).await
    }

    /// Creates a scope with a gate. Returns its account.
    pub async fn gated_scope(&self, nonce: u64, gate: Address) -> Result<Address, AnyError> {
        let gate = Some(gate);
        let scope = self.scope_with(nonce, ScopeMode::Snapshot, 86_400);
        self.create(CreateScope { gate, ..scope }).await
    }

    async fn create(&self, create: CreateScope) -> Result<Address, AnyError> {
        self.send(create.instruction()).await?;
        Ok(create.scope())
    }

    /// Closes a scope.
    pub async fn close(&self, scope: Address) -> Result<(), AnyError> {
        let creator = self.authority.pubkey();
        self.send(CloseScope { creator, scope }.instruction()).await
    }

    /// Makes a proof with the nullifier of this number.
    pub fn prove(&self, scope: Address, number: u64) -> Verify {
        let wallet = self.wallet.pubkey();
        let mut verify = Verify {
            payer: wallet,
            scope,
            circuit: self.circuit,
            registry: Some(self.registry),
            auxiliary_registry: None,
            gate: None,
            recipient: Keypair::new().pubkey(),
            relayer: Some(wallet),
            proof: [0; 256],
            root: self.root,
            nullifier: Nullifier::new(FieldElement::from_u64(number)),
            claim: Claim::of_track(3),
            auxiliary_root: None,
            expiry: now() + VALIDITY,
            payload: b"payload".to_vec(),
        };
        self.sign(&mut verify);
        verify
    }

    /// Makes the proof for the values anew.
    pub fn sign(&self, verify: &mut Verify) {
        let element = Scope::derive(
            &ClusterTag::LOCAL.to_bytes(),
            bauta::ID.as_array(),
            verify.scope.as_array(),
        );
        let public = PublicInputs {
            root: verify.root,
            nullifier: verify.nullifier,
            scope: element,
            claim: verify.claim,
            context: verify.context(),
        };
        verify.proof = self.key.prove(public.digest());
    }

    /// Returns the finalized balance of the wallet in lamports.
    pub async fn balance(&self) -> Result<u64, AnyError> {
        let (_, account) = self
            .rpc
            .account(&self.wallet.pubkey(), CommitmentLevel::Finalized)
            .await?;
        Ok(account.map_or(0, |account| account.lamports))
    }
}

/// Returns the body of a request to relay, without a delay.
pub fn body(verify: &Verify) -> Value {
    let body = relay_body(verify, FEE_SPONSORED, Duration::ZERO);
    serde_json::to_value(body.expect("the proof names a relayer")).expect("the body is JSON")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Starts an indexer of the chain.
fn follow(chain: &Chain, store: &Store, stop: &CancellationToken) -> Result<(), AnyError> {
    let node = NodeSettings {
        url: chain.rpc_url().to_owned(),
        concurrency: 4,
        requests_per_second: NonZeroU32::MAX,
        timeout: Duration::from_secs(10),
        weight: 0,
    };
    let settings = RunSettings {
        follow: Settings::new(bauta::ID),
        poll_interval: Duration::from_millis(500),
        finality_interval: Duration::from_secs(2),
        reconcile_interval: None,
    };
    let source = Arc::new(RpcSource::new(bauta::ID, &[node])?);
    let (indexer, _) = Indexer::new(source, store.clone(), settings);
    let pubsub = Pubsub::new(chain.websocket_url())?;
    let (wake_up, stop) = (indexer.wake_up(), stop.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = indexer.run(stop) => {}
            () = bauta_indexing::wake(pubsub, bauta::ID, wake_up) => {}
        }
    });
    Ok(())
}
