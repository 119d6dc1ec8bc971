//! Tests the consumer program example-gate, as `docs/integrate-program.md` describes it.

use anchor_lang::{AccountDeserialize, InstructionData, ToAccountMetas, error::ErrorCode};
use bauta::{errors::BautaError, state::ScopeMode};
use bauta_client::{addresses, instructions::Verify};
use bauta_example_gate::{Counter, Gate, GateError, Proof, accounts, instruction, payload};
use bauta_program_test::{
    ContextSpec, Member, RegistrySpec, ScopeSpec, TestChain, TestRegistry, TestScope, assert_refused, keypair,
};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;

const SYSTEM: Address = anchor_lang::system_program::ID;
const AMOUNT: u64 = 7;

struct Fixture {
    chain: TestChain,
    registry: TestRegistry,
    member: Member,
    scope: TestScope,
    gate: Address,
}

impl Fixture {
    /// Creates a gate and a scope that name each other.
    fn new(mode: ScopeMode) -> Self {
        let mut chain = TestChain::new();
        let elf = std::env::var_os("BAUTA_EXAMPLE_GATE_ELF").map_or_else(
            || {
                concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../../programs/example-gate/artifacts/example-gate.v3.so"
                )
                .into()
            },
            std::path::PathBuf::from,
        );
        let elf = std::fs::read(elf).expect("the ELF exists: `cargo xtask program build` builds it");
        chain.deploy(bauta_example_gate::ID, &elf);
        let authority = chain.funded_keypair("gate authority");
        let (gate, _) = Address::find_program_address(
            &[Gate::SEED, authority.pubkey().as_ref()],
            &bauta_example_gate::ID,
        );
        let mut registry = chain.create_registry(RegistrySpec::default());
        let member = chain.add_holder(&mut registry, 5);
        let spec = ScopeSpec {
            gate: Some(gate),
            mode: Some(mode),
            ..ScopeSpec::default()
        };
        let scope = chain.create_scope(&registry, &spec);
        let open = Instruction {
            program_id: bauta_example_gate::ID,
            accounts: accounts::OpenGate {
                authority: authority.pubkey(),
                gate,
                system_program: SYSTEM,
            }
            .to_account_metas(None),
            data: instruction::OpenGate { scope: scope.address }.data(),
        };
        chain.send(&[open], &[&authority]).expect("open_gate");
        Self {
            chain,
            registry,
            member,
            scope,
            gate,
        }
    }

    fn prove(&mut self, amount: u64) -> Verify {
        let context = ContextSpec {
            payload: payload(amount),
            ..self.chain.context_spec()
        };
        self.chain
            .prove_with_context(&self.registry, &self.member, &self.scope, context)
    }

    fn counter(&self, verify: &Verify) -> Address {
        let nullifier = verify.nullifier.to_bytes();
        let seeds = [Counter::SEED, self.gate.as_ref(), &nullifier];
        Address::find_program_address(&seeds, &bauta_example_gate::ID).0
    }

    fn grant(&self, verify: &Verify, amount: u64) -> Instruction {
        Instruction {
            program_id: bauta_example_gate::ID,
            accounts: accounts::Grant {
                payer: verify.payer,
                recipient: verify.recipient,
                gate: self.gate,
                counter: self.counter(verify),
                config: addresses::config().address,
                scope: verify.scope,
                circuit: verify.circuit,
                nullifier: verify.nullifier_account(),
                registry: verify.registry,
                relayer: verify.relayer,
                system_program: SYSTEM,
                bauta_event_authority: addresses::event_authority().address,
                bauta_program: bauta::ID,
            }
            .to_account_metas(None),
            data: instruction::Grant {
                amount,
                proof: Proof {
                    nullifier: verify.nullifier.to_bytes(),
                    proof: verify.proof,
                    root: verify.root.to_bytes(),
                    claim: verify.claim.to_bytes(),
                    expiry: verify.expiry,
                },
            }
            .data(),
        }
    }
}

#[test]
fn a_proof_grants_one_counter_to_its_recipient() {
    for mode in [ScopeMode::Snapshot, ScopeMode::Live] {
        let mut fixture = Fixture::new(mode);
        let verify = fixture.prove(AMOUNT);
        let grant = fixture.grant(&verify, AMOUNT);
        let receipt = fixture
            .chain
            .send(std::slice::from_ref(&grant), &[])
            .expect("grant");
        assert_eq!(receipt.events.len(), 1, "the event OwnershipVerified of bauta");
        let account = fixture
            .chain
            .account(&fixture.counter(&verify))
            .expect("a counter");
        let counter =
            Counter::try_deserialize(&mut account.data.as_slice()).expect("the account is a counter");
        assert_eq!((counter.owner, counter.value), (verify.recipient, AMOUNT));
        assert!(fixture.chain.account(&verify.nullifier_account()).is_some());
        fixture
            .chain
            .send(&[grant], &[])
            .expect_err("the same proof again");
    }
}

#[test]
fn the_program_builds_the_payload_so_another_amount_is_refused() {
    let mut fixture = Fixture::new(ScopeMode::Snapshot);
    let verify = fixture.prove(AMOUNT);
    let larger = fixture.grant(&verify, AMOUNT + 1);
    assert_refused(fixture.chain.send(&[larger], &[]), BautaError::ProofRefused);
}

#[test]
fn a_proof_grants_nothing_to_another_recipient() {
    let mut fixture = Fixture::new(ScopeMode::Snapshot);
    let mut verify = fixture.prove(AMOUNT);
    verify.recipient = keypair("attacker").pubkey();
    let redirected = fixture.grant(&verify, AMOUNT);
    assert_refused(fixture.chain.send(&[redirected], &[]), BautaError::ProofRefused);
}

#[test]
fn a_direct_call_of_verify_does_not_burn_an_entitlement() {
    let mut fixture = Fixture::new(ScopeMode::Snapshot);
    let verify = fixture.prove(AMOUNT);
    let ungated = Verify {
        gate: None,
        ..verify.clone()
    };
    assert_refused(fixture.chain.verify(&ungated, &[]), BautaError::GateMustSign);
    let impostor = keypair("impostor");
    let signed_by_another = Verify {
        gate: Some(impostor.pubkey()),
        ..verify.clone()
    };
    assert_refused(
        fixture.chain.verify(&signed_by_another, &[&impostor]),
        BautaError::GateMustSign,
    );
    let grant = fixture.grant(&verify, AMOUNT);
    fixture
        .chain
        .send(&[grant], &[])
        .expect("the entitlement is unused");
}

#[test]
fn a_proof_in_another_scope_is_refused() {
    let mut fixture = Fixture::new(ScopeMode::Snapshot);
    // A second scope over the same registry with the same gate. It has other nullifiers, but it is
    // not pinned.
    let spec = ScopeSpec {
        gate: Some(fixture.gate),
        ..ScopeSpec::default()
    };
    let pinned = fixture.scope.address;
    fixture.scope = fixture.chain.create_scope(&fixture.registry, &spec);
    let verify = fixture.prove(AMOUNT);
    let grant = fixture.grant(&verify, AMOUNT);
    assert_refused(fixture.chain.send(&[grant], &[]), GateError::WrongScope);
    // The account of the pinned scope does not make the proof valid in it.
    let in_pinned_scope = Verify {
        scope: pinned,
        ..verify
    };
    let grant = fixture.grant(&in_pinned_scope, AMOUNT);
    assert_refused(fixture.chain.send(&[grant], &[]), BautaError::ProofRefused);
}

#[test]
fn another_program_in_place_of_bauta_is_refused() {
    let mut fixture = Fixture::new(ScopeMode::Snapshot);
    let verify = fixture.prove(AMOUNT);
    let mut grant = fixture.grant(&verify, AMOUNT);
    let bauta = grant.accounts.last_mut().expect("bauta is the last account");
    bauta.pubkey = bauta_example_gate::ID;
    assert_refused(fixture.chain.send(&[grant], &[]), ErrorCode::ConstraintAddress);
}
