//! Circuits, scopes and uses of proofs in them.

use std::sync::{Arc, LazyLock};

use bauta::instructions::CircuitRegistration;
use bauta::state::{Provenance, ScopeMode};
use bauta_circuits::{Key, Ownership, OwnershipInputs, Statement, keys, load_or_setup_development};
use bauta_client::{OwnershipProofRequest, addresses, instructions};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Claim, Digest, DigestParts, Root, Scope};
use rand::SeedableRng;
use rand::rngs::StdRng;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{Member, Refused, Sent, TestRegistry, TrapdoorKey, World};

/// How a circuit of this world proves.
#[derive(Clone)]
pub(crate) enum Prover {
    /// By a key whose exponents are known: any digest, at once.
    Trapdoor(TrapdoorKey),
    /// Really, by the ownership circuit of depth 10.
    Ownership(Arc<Key<Ownership>>),
}

/// The ownership circuit's development key, set up once a process.
static OWNERSHIP: LazyLock<Arc<Key<Ownership>>> = LazyLock::new(|| {
    let key = load_or_setup_development(&Ownership::new(Depth::Ten))
        .expect("the development key of a built-in statement");
    key.prepare().expect("the engine takes every key of the set-up");
    Arc::new(key)
});

/// The statement's name as accounts have it: zero-padded to 32 bytes.
///
/// # Panics
/// When the name is longer.
#[must_use]
pub fn statement_name(name: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

/// What kind of scope to create. The default is a Snapshot scope, open for a day, whose circuit is the world's trapdoor one.
#[derive(Default)]
pub struct ScopeSpec {
    /// What it counts; Snapshot if not said.
    pub mode: Option<ScopeMode>,
    /// The circuit account; [`World::circuit`] if not said.
    pub circuit: Option<Address>,
    /// Who has to sign each verification.
    pub gate: Option<Address>,
    /// The only claim that is accepted.
    pub required_claim: Option<Claim>,
    /// The registry whose root is bound into the claim.
    pub auxiliary_registry: Option<Address>,
    /// From when it is open; now if not said.
    pub opens_at: Option<i64>,
    /// When it has ended; a day from now if not said.
    pub closes_at: Option<i64>,
}

impl ScopeSpec {
    /// A Live scope of the default's settings.
    #[must_use]
    pub fn live() -> Self {
        Self {
            mode: Some(ScopeMode::Live),
            ..Self::default()
        }
    }
}

/// A scope and what it was made as.
pub struct TestScope {
    /// The scope account.
    pub address: Address,
    /// The protocol's `scope`.
    pub element: Scope,
    /// Who made it.
    pub creator: Keypair,
    /// Its registry.
    pub registry: Address,
    /// Its circuit.
    pub circuit: Address,
    /// Its auxiliary registry.
    pub auxiliary_registry: Option<Address>,
    /// What it counts.
    pub mode: ScopeMode,
    /// Its gate.
    pub gate: Option<Address>,
}

/// What a member wants of a use, besides the scope.
pub struct Wish {
    /// Whom it benefits.
    pub recipient: Address,
    /// Who alone may submit it.
    pub relayer: Option<Address>,
    /// After when it is void.
    pub expiry: i64,
    /// The consumer's data.
    pub payload: Vec<u8>,
}

impl World {
    /// The circuit that scopes have unless told otherwise: registered by [`World::new`], with a [`TrapdoorKey`].
    #[must_use]
    pub fn circuit(&self) -> Address {
        addresses::circuit_of(&self.trapdoor().verifying_key()).address
    }

    /// The key of [`World::circuit`].
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn trapdoor(&self) -> TrapdoorKey {
        TrapdoorKey::new(1)
    }

    /// What registers a development key for a statement of ownership's form (depth 10, leaf format 1).
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn registration(&self, verifying_key: [u8; 576]) -> CircuitRegistration {
        CircuitRegistration {
            statement: statement_name(Ownership::NAME),
            version: Ownership::VERSION,
            depth: 10,
            leaf_format: 1,
            provenance: Provenance::Development,
            constraint_system_hash: [1; 32],
            transcript_hash: [0; 32],
            verifying_key,
        }
    }

    /// Registers a circuit by the admin.
    pub fn register_circuit(&mut self, registration: CircuitRegistration) -> Result<Sent, Refused> {
        let register = instructions::RegisterCircuit {
            payer: self.payer.pubkey(),
            admin: self.admin.pubkey(),
            registration,
        };
        let admin = self.admin.insecure_clone();
        self.send(&[register.instruction()], &[&admin])
    }

    /// Registers a circuit of a trapdoor key and returns its account.
    pub fn register_trapdoor(&mut self, key: TrapdoorKey) -> Result<Address, Refused> {
        let registration = self.registration(key.verifying_key());
        self.register_circuit(registration)?;
        let address = addresses::circuit_of(&key.verifying_key()).address;
        self.provers.insert(address, Prover::Trapdoor(key));
        Ok(address)
    }

    /// Registers the real ownership circuit with its development key and returns its account.
    pub fn register_ownership(&mut self) -> Result<Address, Refused> {
        self.register_key(Arc::clone(&OWNERSHIP))
    }

    /// Registers the real ownership circuit with any key, as its file says where it comes from, and returns its account.
    pub fn register_key(&mut self, key: Arc<Key<Ownership>>) -> Result<Address, Refused> {
        let header = key.header();
        let (provenance, transcript_hash) = match header.provenance {
            keys::Provenance::Development => (Provenance::Development, [0; 32]),
            keys::Provenance::Ceremony { transcript_hash } => (Provenance::Ceremony, transcript_hash),
        };
        let registration = CircuitRegistration {
            provenance,
            constraint_system_hash: header.constraint_system_hash,
            transcript_hash,
            ..self.registration(key.verifying_key().to_bytes())
        };
        let address = addresses::circuit_of(&registration.verifying_key).address;
        self.register_circuit(registration)?;
        self.provers.insert(address, Prover::Ownership(key));
        Ok(address)
    }

    /// Retires a circuit by the admin.
    pub fn retire_circuit(&mut self, circuit: Address) -> Result<Sent, Refused> {
        let retire = instructions::RetireCircuit {
            admin: self.admin.pubkey(),
            circuit,
        };
        let admin = self.admin.insecure_clone();
        self.send(&[retire.instruction()], &[&admin])
    }

    /// Stops verifications or lets them go on, by the admin.
    pub fn pause(&mut self, paused: bool) -> Result<Sent, Refused> {
        let pause = instructions::Pause {
            admin: self.admin.pubkey(),
            paused,
        };
        let admin = self.admin.insecure_clone();
        self.send(&[pause.instruction()], &[&admin])
    }

    /// Creates a scope.
    ///
    /// # Panics
    /// When the program refuses; [`World::try_create_scope`] gives the refusal.
    pub fn create_scope(&mut self, registry: &TestRegistry, spec: &ScopeSpec) -> TestScope {
        self.try_create_scope(registry, spec)
            .unwrap_or_else(|refused| panic!("create_scope: {refused}"))
            .0
    }

    /// The same, or why the program refused.
    pub fn try_create_scope(
        &mut self,
        registry: &TestRegistry,
        spec: &ScopeSpec,
    ) -> Result<(TestScope, Sent), Refused> {
        let creator = self.person("creator");
        let create = instructions::CreateScope {
            payer: self.payer.pubkey(),
            creator: creator.pubkey(),
            registry: registry.address,
            circuit: spec.circuit.unwrap_or_else(|| self.circuit()),
            auxiliary_registry: spec.auxiliary_registry,
            nonce: 3,
            mode: spec.mode.unwrap_or(ScopeMode::Snapshot),
            gate: spec.gate,
            required_claim: spec.required_claim,
            opens_at: spec.opens_at.unwrap_or_else(|| self.now()),
            closes_at: spec.closes_at.unwrap_or_else(|| self.now() + 86_400),
        };
        let sent = self.send(&[create.instruction()], &[&creator])?;
        let scope = TestScope {
            address: create.scope(),
            element: self.scope_element(&create.scope()),
            creator,
            registry: registry.address,
            circuit: create.circuit,
            auxiliary_registry: spec.auxiliary_registry,
            mode: create.mode,
            gate: spec.gate,
        };
        Ok((scope, sent))
    }

    /// The protocol's `scope` of a scope account on this cluster.
    #[must_use]
    pub fn scope_element(&self, scope: &Address) -> Scope {
        Scope::derive(&self.cluster_tag, bauta::ID.as_array(), scope.as_array())
    }

    /// Closes a scope by its creator.
    pub fn close_scope(&mut self, scope: &TestScope) -> Result<Sent, Refused> {
        let close = instructions::CloseScope {
            creator: scope.creator.pubkey(),
            scope: scope.address,
        };
        self.send(&[close.instruction()], &[&scope.creator])
    }

    /// A use that anyone may submit for a recipient in the next ten minutes.
    pub fn wish(&mut self) -> Wish {
        Wish {
            recipient: self.next_keypair("recipient").pubkey(),
            relayer: None,
            expiry: self.now() + 600,
            payload: b"payload".to_vec(),
        }
    }

    /// Proves membership at the observer's present root, for [`World::wish`].
    ///
    /// # Panics
    /// When the member's leaf is not in the registry's tree.
    pub fn prove(
        &mut self,
        registry: &TestRegistry,
        member: &Member,
        scope: &TestScope,
    ) -> instructions::Verify {
        let wish = self.wish();
        self.prove_for(registry, member, scope, wish)
    }

    /// Proves membership at the observer's present root, for a use as wished.
    ///
    /// # Panics
    /// When the member's leaf is not in the registry's tree, or the scope's circuit is none that this world can prove.
    pub fn prove_for(
        &mut self,
        registry: &TestRegistry,
        member: &Member,
        scope: &TestScope,
        wish: Wish,
    ) -> instructions::Verify {
        let live = scope.mode == ScopeMode::Live;
        let mut verify = instructions::Verify {
            payer: self.payer.pubkey(),
            scope: scope.address,
            circuit: scope.circuit,
            registry: live.then_some(scope.registry),
            auxiliary_registry: scope.auxiliary_registry,
            gate: scope.gate,
            recipient: wish.recipient,
            relayer: wish.relayer,
            proof: [0; 256],
            root: registry.root(),
            nullifier: member.identity().nullifier(member.entry_id(), scope.element),
            claim: Claim::of_track(member.track),
            auxiliary_root: None,
            expiry: wish.expiry,
            payload: wish.payload,
        };
        let request = OwnershipProofRequest::assemble(
            member.identity(),
            member.entry_id(),
            member.track,
            member.path(registry),
            registry.root(),
            scope.element,
            verify.context(),
        )
        .expect("the member's leaf is in the observer's tree");
        verify.proof = match self.prover(&scope.circuit) {
            Prover::Trapdoor(key) => key.prove(Digest::of(&request.shown())),
            Prover::Ownership(key) => {
                self.made += 1;
                let rng = &mut StdRng::seed_from_u64(self.made);
                key.prove(&inputs(request), rng)
                    .expect("the request was checked")
                    .to_bytes()
            }
        };
        verify
    }

    /// The proof that a scope's trapdoor circuit accepts for exactly what `verify` says, true or not: to reach the rules
    /// that a sound circuit would hide.
    ///
    /// # Panics
    /// When the scope's circuit is no trapdoor one.
    #[must_use]
    pub fn forge(&self, scope: &TestScope, verify: &instructions::Verify) -> [u8; 256] {
        let Prover::Trapdoor(key) = self.prover(&scope.circuit) else {
            panic!("nobody can forge for a real circuit");
        };
        key.prove(self.digest(scope, verify))
    }

    /// The digest of what `verify` says.
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn digest(&self, scope: &TestScope, verify: &instructions::Verify) -> Digest {
        let claim = verify.auxiliary_root.map_or(verify.claim, |root| {
            Claim::with_auxiliary_root(verify.claim.element(), root)
        });
        Digest::of(&DigestParts {
            root: verify.root,
            nullifier: verify.nullifier,
            scope: scope.element,
            claim,
            context: verify.context(),
        })
    }

    /// Uses a proof; `signers` are gate and relayer, where there are any.
    pub fn verify(&mut self, verify: &instructions::Verify, signers: &[&Keypair]) -> Result<Sent, Refused> {
        self.send(&[verify.instruction()], signers)
    }

    /// Returns the rent of a use in a scope that is over to this world's payer, who paid it.
    pub fn reclaim(&mut self, verify: &instructions::Verify) -> Result<Sent, Refused> {
        let reclaim = instructions::ReclaimNullifier {
            scope: verify.scope,
            nullifier: verify.nullifier,
            rent_payer: verify.payer,
        };
        self.send(&[reclaim.instruction()], &[])
    }

    /// The root that a scope was created with: zero in a Live one.
    ///
    /// # Panics
    /// When there is no such scope.
    #[must_use]
    pub fn snapshot(&self, scope: &TestScope) -> Root {
        let state: bauta::state::Scope = self.state(&scope.address).expect("a scope that was created");
        Root::from_bytes(state.root).expect("the program stores canonical roots")
    }

    fn prover(&self, circuit: &Address) -> Prover {
        self.provers
            .get(circuit)
            .cloned()
            .expect("a circuit that this world registered")
    }
}

fn inputs(request: OwnershipProofRequest) -> OwnershipInputs {
    OwnershipInputs {
        attributes: bauta_primitives::Attributes::of_track(request.track),
        claim: Claim::of_track(request.track),
        secret: request.secret,
        entry_id: request.entry_id,
        index: request.path.index,
        path: request.path.siblings,
        root: request.root,
        scope: request.scope,
        context: request.context,
        private: (),
    }
}
