//! Circuits, scopes and verifications.

use std::sync::{Arc, LazyLock};

use bauta::instructions::CircuitRegistration;
use bauta::state::{Provenance, ScopeMode};
use bauta_circuits::{AnyInputs, AnyKey, Key, Ownership, Statement, keys, load_or_setup_development};
use bauta_client::{addresses, instructions};
use bauta_primitives::tree::Depth;
use bauta_primitives::{
    Attributes, Claim, Context, Digest, FieldElement, Nullifier, ProofInputs, PublicInputs, Root, Scope,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{Member, Receipt, Refusal, TestChain, TestRegistry, TrapdoorKey};

/// The way in which a circuit of a test chain proves.
#[derive(Clone)]
pub(crate) enum Prover {
    /// Proves with a key whose exponents are known, and therefore any digest in little time.
    Trapdoor(TrapdoorKey),
    /// Proves with the real ownership circuit of depth 10.
    Ownership(Arc<Key<Ownership>>),
}

/// The development key of the ownership circuit. It is set up once for each process.
static OWNERSHIP: LazyLock<Arc<Key<Ownership>>> = LazyLock::new(|| {
    let key = load_or_setup_development(&Ownership::new(Depth::Ten))
        .expect("the set-up of a built-in statement succeeds");
    key.prepare().expect("the engine accepts the keys of the set-up");
    Arc::new(key)
});

/// Returns a statement's name in the form of an account: zero-padded to 32 bytes.
///
/// # Panics
/// If the name has more than 32 bytes.
#[must_use]
pub fn statement_name(name: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

/// The properties of a scope to create.
///
/// The default is a scope of mode `Snapshot` that is open for a day and uses
/// [`TestChain::circuit`].
#[derive(Default)]
pub struct ScopeSpec {
    /// The mode. The default is `Snapshot`.
    pub mode: Option<ScopeMode>,
    /// The circuit account. The default is [`TestChain::circuit`].
    pub circuit: Option<Address>,
    /// The address that must sign `verify`. The default is none.
    pub gate: Option<Address>,
    /// The only accepted claim.
    pub required_claim: Option<Claim>,
    /// The auxiliary registry, whose root is included in the claim.
    pub auxiliary_registry: Option<Address>,
    /// The time from which the scope is open, in Unix seconds. The default is now.
    pub opens_at: Option<i64>,
    /// The time at which the scope ends, in Unix seconds. The default is a day from now.
    pub closes_at: Option<i64>,
    /// The root that the registry must have. The default accepts every root.
    pub expected_root: Option<Root>,
}

impl ScopeSpec {
    /// Returns the default properties with the mode `Live`.
    #[must_use]
    pub fn live() -> Self {
        Self {
            mode: Some(ScopeMode::Live),
            ..Self::default()
        }
    }
}

/// A scope and its properties.
pub struct TestScope {
    /// The scope account.
    pub address: Address,
    /// The `scope` of the protocol.
    pub element: Scope,
    /// The scope's creator.
    pub creator: Keypair,
    /// The scope's registry.
    pub registry: Address,
    /// The scope's circuit account.
    pub circuit: Address,
    /// The auxiliary registry, if there is one.
    pub auxiliary_registry: Option<Address>,
    /// Which roots the scope accepts.
    pub mode: ScopeMode,
    /// The gate, if there is one.
    pub gate: Option<Address>,
}

/// The values that a proof is bound to by its context.
pub struct ContextSpec {
    /// The address that benefits from the verification.
    pub recipient: Address,
    /// The relayer. If there is none, anyone may submit the proof.
    pub relayer: Option<Address>,
    /// The Unix time in seconds after which the program refuses the proof.
    pub expiry: i64,
    /// The bytes that the proof is bound to in addition.
    pub payload: Vec<u8>,
}

impl TestChain {
    /// Returns the default circuit of scopes. It has a [`TrapdoorKey`], and [`TestChain::new`]
    /// registers it.
    #[must_use]
    pub fn circuit(&self) -> Address {
        addresses::circuit_of(&self.registration(self.trapdoor().verifying_key())).address
    }

    /// Returns the key of [`TestChain::circuit`].
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn trapdoor(&self) -> TrapdoorKey {
        TrapdoorKey::new(1)
    }

    /// Returns the registration of a development key for the statement `ownership` (depth 10, leaf
    /// format 1).
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn registration(&self, verifying_key: [u8; 576]) -> CircuitRegistration {
        CircuitRegistration {
            statement: statement_name(Ownership::NAME),
            version: Ownership::VERSION,
            depth: 10,
            leaf_format: 1,
            auxiliary_format: 0,
            provenance: Provenance::Development,
            constraint_system_hash: [1; 32],
            transcript_hash: [0; 32],
            verifying_key,
        }
    }

    /// Registers a circuit, signed by the admin.
    pub fn register_circuit(&mut self, registration: CircuitRegistration) -> Result<Receipt, Refusal> {
        let register = instructions::RegisterCircuit {
            payer: self.payer.pubkey(),
            admin: self.admin.pubkey(),
            registration,
        };
        let admin = self.admin.insecure_clone();
        self.send(&[register.instruction()], &[&admin])
    }

    /// Registers a circuit with a trapdoor key and returns its account.
    pub fn register_trapdoor(&mut self, key: TrapdoorKey) -> Result<Address, Refusal> {
        self.register_trapdoor_with_auxiliary(key, 0)
    }

    /// Registers a circuit with a trapdoor key whose statement includes the root of an auxiliary
    /// registry of this leaf format. Returns its account.
    pub fn register_trapdoor_with_auxiliary(
        &mut self,
        key: TrapdoorKey,
        auxiliary_format: u8,
    ) -> Result<Address, Refusal> {
        let registration = CircuitRegistration {
            auxiliary_format,
            ..self.registration(key.verifying_key())
        };
        self.register_trapdoor_as(key, registration)
    }

    /// Registers a circuit of a registration whose verifying key is a trapdoor key. Returns its
    /// account.
    pub fn register_trapdoor_as(
        &mut self,
        key: TrapdoorKey,
        registration: CircuitRegistration,
    ) -> Result<Address, Refusal> {
        let address = addresses::circuit_of(&registration).address;
        self.register_circuit(registration)?;
        self.provers.insert(address, Prover::Trapdoor(key));
        Ok(address)
    }

    /// Registers the real ownership circuit with its development key and returns its account.
    pub fn register_ownership(&mut self) -> Result<Address, Refusal> {
        self.register_key(Arc::clone(&OWNERSHIP))
    }

    /// Registers the real ownership circuit with a key and returns its account. The provenance is
    /// the one in the key's file.
    pub fn register_key(&mut self, key: Arc<Key<Ownership>>) -> Result<Address, Refusal> {
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
        let address = addresses::circuit_of(&registration).address;
        self.register_circuit(registration)?;
        self.provers.insert(address, Prover::Ownership(key));
        Ok(address)
    }

    /// Registers the circuit of any statement with its development key and returns its account.
    /// [`TestChain::prove_statement`] makes its proofs.
    pub fn register_statement(&mut self, key: &AnyKey) -> Result<Address, Refusal> {
        let header = key.header();
        let registration = CircuitRegistration {
            statement: statement_name(&header.statement),
            version: header.version,
            depth: header.depth,
            leaf_format: u8::try_from(header.leaf_format).expect("leaf formats have 8 bits"),
            auxiliary_format: key.auxiliary_format(),
            constraint_system_hash: header.constraint_system_hash,
            ..self.registration(key.verifying_key().to_bytes())
        };
        let address = addresses::circuit_of(&registration).address;
        self.register_circuit(registration)?;
        Ok(address)
    }

    /// Proves any statement, with [`TestChain::context_spec`]. `claim` is the argument of `verify`:
    /// the value without the auxiliary root. `inputs` receives scope and context.
    ///
    /// # Panics
    /// If the inputs break a rule of the statement.
    pub fn prove_statement(
        &mut self,
        key: &AnyKey,
        scope: &TestScope,
        (claim, auxiliary_root): (Claim, Option<Root>),
        inputs: impl FnOnce(Scope, Context) -> AnyInputs,
    ) -> instructions::Verify {
        let context = self.context_spec();
        self.prove_statement_with_context(key, scope, (claim, auxiliary_root), context, inputs)
    }

    /// Proves any statement with the given context. Otherwise like [`TestChain::prove_statement`].
    ///
    /// # Panics
    /// If the inputs break a rule of the statement.
    pub fn prove_statement_with_context(
        &mut self,
        key: &AnyKey,
        scope: &TestScope,
        (claim, auxiliary_root): (Claim, Option<Root>),
        context: ContextSpec,
        inputs: impl FnOnce(Scope, Context) -> AnyInputs,
    ) -> instructions::Verify {
        let mut verify = instructions::Verify {
            payer: self.payer.pubkey(),
            scope: scope.address,
            circuit: scope.circuit,
            registry: (scope.mode == ScopeMode::Live).then_some(scope.registry),
            auxiliary_registry: scope.auxiliary_registry,
            gate: scope.gate,
            recipient: context.recipient,
            relayer: context.relayer,
            proof: [0; 256],
            root: Root::new(FieldElement::ZERO),
            nullifier: Nullifier::new(FieldElement::ZERO),
            claim,
            auxiliary_root,
            expiry: context.expiry,
            payload: context.payload,
        };
        let inputs = inputs(scope.element, verify.context());
        let public = key
            .evaluate(&inputs)
            .expect("the inputs satisfy the statement")
            .public;
        (verify.root, verify.nullifier) = (public.root, public.nullifier);
        self.counter += 1;
        let rng = &mut StdRng::seed_from_u64(self.counter);
        let proof = key.prove(&inputs, rng).expect("the inputs were checked");
        verify.proof = proof.to_bytes();
        verify
    }

    /// Schedules or cancels the retirement of a circuit, signed by the admin.
    pub fn retire_circuit(&mut self, circuit: Address, retire: bool) -> Result<Receipt, Refusal> {
        let retire = instructions::RetireCircuit {
            admin: self.admin.pubkey(),
            circuit,
            retire,
        };
        let admin = self.admin.insecure_clone();
        self.send(&[retire.instruction()], &[&admin])
    }

    /// Suspends or resumes a circuit, signed by the admin.
    pub fn suspend_circuit(&mut self, circuit: Address, suspended: bool) -> Result<Receipt, Refusal> {
        let suspend = instructions::SuspendCircuit {
            admin: self.admin.pubkey(),
            circuit,
            suspended,
        };
        let admin = self.admin.insecure_clone();
        self.send(&[suspend.instruction()], &[&admin])
    }

    /// Replaces the admin on chain, signed by the upgrade authority. [`TestChain::admin`] does not
    /// change.
    pub fn replace_admin(&mut self, new_admin: Address) -> Result<Receipt, Refusal> {
        let replace = instructions::ReplaceAdmin {
            upgrade_authority: self.upgrade_authority.pubkey(),
            new_admin,
        };
        let authority = self.upgrade_authority.insecure_clone();
        self.send(&[replace.instruction()], &[&authority])
    }

    /// Pauses or resumes verifications, signed by the admin.
    pub fn pause(&mut self, paused: bool) -> Result<Receipt, Refusal> {
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
    /// If the program refuses. [`TestChain::try_create_scope`] returns the refusal instead.
    pub fn create_scope(&mut self, registry: &TestRegistry, spec: &ScopeSpec) -> TestScope {
        self.try_create_scope(registry, spec)
            .unwrap_or_else(|refusal| panic!("create_scope: {refusal}"))
            .0
    }

    /// Creates a scope, or returns the program's refusal.
    pub fn try_create_scope(
        &mut self,
        registry: &TestRegistry,
        spec: &ScopeSpec,
    ) -> Result<(TestScope, Receipt), Refusal> {
        let creator = self.funded_keypair("creator");
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
            expected_root: spec.expected_root,
        };
        let receipt = self.send(&[create.instruction()], &[&creator])?;
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
        Ok((scope, receipt))
    }

    /// Derives the `scope` of the protocol for a scope account on this chain.
    #[must_use]
    pub fn scope_element(&self, scope: &Address) -> Scope {
        Scope::derive(&self.cluster_tag, bauta::ID.as_array(), scope.as_array())
    }

    /// Closes a scope, signed by its creator.
    pub fn close_scope(&mut self, scope: &TestScope) -> Result<Receipt, Refusal> {
        let close = instructions::CloseScope {
            creator: scope.creator.pubkey(),
            scope: scope.address,
        };
        self.send(&[close.instruction()], &[&scope.creator])
    }

    /// Returns a context with a new recipient and no relayer that expires in ten minutes.
    pub fn context_spec(&mut self) -> ContextSpec {
        ContextSpec {
            recipient: self.new_keypair("recipient").pubkey(),
            relayer: None,
            expiry: self.now() + 600,
            payload: b"payload".to_vec(),
        }
    }

    /// Proves membership at the root of the reference tree, with [`TestChain::context_spec`].
    ///
    /// # Panics
    /// If the member's leaf is not in the reference tree.
    pub fn prove(
        &mut self,
        registry: &TestRegistry,
        member: &Member,
        scope: &TestScope,
    ) -> instructions::Verify {
        let context = self.context_spec();
        self.prove_with_context(registry, member, scope, context)
    }

    /// Proves membership at the root of the reference tree, with the given context.
    ///
    /// # Panics
    /// If the member's leaf is not in the reference tree, or this chain did not register the
    /// scope's circuit.
    pub fn prove_with_context(
        &mut self,
        registry: &TestRegistry,
        member: &Member,
        scope: &TestScope,
        context: ContextSpec,
    ) -> instructions::Verify {
        let live = scope.mode == ScopeMode::Live;
        let mut verify = instructions::Verify {
            payer: self.payer.pubkey(),
            scope: scope.address,
            circuit: scope.circuit,
            registry: live.then_some(scope.registry),
            auxiliary_registry: scope.auxiliary_registry,
            gate: scope.gate,
            recipient: context.recipient,
            relayer: context.relayer,
            proof: [0; 256],
            root: registry.root(),
            nullifier: member.identity().nullifier(member.entry_id(), scope.element),
            claim: Claim::of_track(member.track),
            auxiliary_root: None,
            expiry: context.expiry,
            payload: context.payload,
        };
        let inputs = ProofInputs {
            secret: member.identity(),
            entry_id: member.entry_id(),
            attributes: Attributes::of_track(member.track),
            path: member.path(registry),
            root: verify.root,
            scope: scope.element,
            claim: verify.claim,
            context: verify.context(),
            private: (),
        };
        inputs
            .check_path()
            .expect("the member's leaf is in the reference tree");
        verify.proof = match self.prover(&scope.circuit) {
            Prover::Trapdoor(key) => key.prove(inputs.public().digest()),
            Prover::Ownership(key) => {
                self.counter += 1;
                let rng = &mut StdRng::seed_from_u64(self.counter);
                key.prove(&inputs, rng)
                    .expect("the inputs were checked")
                    .to_bytes()
            }
        };
        verify
    }

    /// Forges a proof for the values in `verify`, whether they are true or not.
    ///
    /// It tests rules of the program that a sound circuit would hide.
    ///
    /// # Panics
    /// If the scope's circuit has no trapdoor key.
    #[must_use]
    pub fn forge(&self, scope: &TestScope, verify: &instructions::Verify) -> [u8; 256] {
        let Prover::Trapdoor(key) = self.prover(&scope.circuit) else {
            panic!("proofs of a real circuit can't be forged");
        };
        key.prove(self.digest(scope, verify))
    }

    /// Computes the digest of the values in `verify`.
    #[must_use]
    #[allow(clippy::unused_self)]
    pub fn digest(&self, scope: &TestScope, verify: &instructions::Verify) -> Digest {
        let claim = verify.auxiliary_root.map_or(verify.claim, |root| {
            Claim::with_auxiliary_root(verify.claim.element(), root)
        });
        PublicInputs {
            root: verify.root,
            nullifier: verify.nullifier,
            scope: scope.element,
            claim,
            context: verify.context(),
        }
        .digest()
    }

    /// Sends `verify`. `signers` are the gate and the relayer, if there are any.
    pub fn verify(
        &mut self,
        verify: &instructions::Verify,
        signers: &[&Keypair],
    ) -> Result<Receipt, Refusal> {
        self.send(&[verify.instruction()], signers)
    }

    /// Reclaims the rent of a verification for the account that paid it.
    pub fn reclaim_nullifier(&mut self, verify: &instructions::Verify) -> Result<Receipt, Refusal> {
        let reclaim = instructions::ReclaimNullifier {
            scope: verify.scope,
            nullifier: verify.nullifier,
            rent_payer: verify.payer,
        };
        self.send(&[reclaim.instruction()], &[])
    }

    /// Returns the snapshot root of a scope. Zero in a scope of mode `Live`.
    ///
    /// # Panics
    /// If there is no such account.
    #[must_use]
    pub fn snapshot_root(&self, scope: &TestScope) -> Root {
        let state: bauta::state::Scope = self.state(&scope.address).expect("the scope exists");
        Root::from_bytes(state.root).expect("the program stores canonical roots")
    }

    fn prover(&self, circuit: &Address) -> Prover {
        self.provers
            .get(circuit)
            .cloned()
            .expect("this chain registered the circuit")
    }
}
