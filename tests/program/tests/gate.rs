//! The consumer program example-gate, both ELFs in one SVM: what `docs/integrate-program.md` promises.

use anchor_lang::{AccountDeserialize, InstructionData, ToAccountMetas, error::ErrorCode};
use bauta::{errors::BautaError, state::ScopeMode};
use bauta_client::{addresses, instructions::Verify};
use bauta_example_gate::{Counter, Gate, GateError, Proof, accounts, instruction, payload};
use bauta_program_test::{
    Member, RegistrySpec, ScopeSpec, TestRegistry, TestScope, Wish, World, assert_refused, keypair,
};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_signer::Signer;

const SYSTEM: Address = anchor_lang::system_program::ID;
const AMOUNT: u64 = 7;

struct Scene {
    world: World,
    registry: TestRegistry,
    member: Member,
    scope: TestScope,
    gate: Address,
}

/// A gate that pins a scope that names it.
fn scene(mode: ScopeMode) -> Scene {
    let mut world = World::new();
    let elf = std::env::var_os("BAUTA_EXAMPLE_GATE_ELF").map_or_else(
        || {
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../programs/example-gate/artifacts/example-gate.so"
            )
            .into()
        },
        std::path::PathBuf::from,
    );
    let elf = std::fs::read(elf).expect("`cargo xtask program build` makes the ELF");
    world.deploy(bauta_example_gate::ID, &elf);
    let authority = world.person("gate authority");
    let (gate, _) = Address::find_program_address(
        &[Gate::SEED, authority.pubkey().as_ref()],
        &bauta_example_gate::ID,
    );
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let spec = ScopeSpec {
        gate: Some(gate),
        mode: Some(mode),
        ..ScopeSpec::default()
    };
    let scope = world.create_scope(&registry, &spec);
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
    world.send(&[open], &[&authority]).expect("open_gate");
    Scene {
        world,
        registry,
        member,
        scope,
        gate,
    }
}

impl Scene {
    fn prove(&mut self, amount: u64) -> Verify {
        let wish = Wish {
            payload: payload(amount),
            ..self.world.wish()
        };
        self.world
            .prove_for(&self.registry, &self.member, &self.scope, wish)
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
fn a_proof_earns_its_recipient_a_counter_once() {
    for mode in [ScopeMode::Snapshot, ScopeMode::Live] {
        let mut s = scene(mode);
        let verify = s.prove(AMOUNT);
        let grant = s.grant(&verify, AMOUNT);
        let sent = s.world.send(std::slice::from_ref(&grant), &[]).expect("grant");
        assert_eq!(sent.events.len(), 1, "bauta's OwnershipVerified");
        let account = s.world.account(&s.counter(&verify)).expect("a counter");
        let counter = Counter::try_deserialize(&mut account.data.as_slice()).expect("a counter");
        assert_eq!((counter.owner, counter.value), (verify.recipient, AMOUNT));
        assert!(s.world.account(&verify.nullifier_account()).is_some());
        s.world.send(&[grant], &[]).expect_err("the same proof again");
    }
}

#[test]
fn the_payload_is_the_programs_own_and_not_the_callers() {
    let mut s = scene(ScopeMode::Snapshot);
    let verify = s.prove(AMOUNT);
    let greedy = s.grant(&verify, AMOUNT + 1);
    assert_refused(s.world.send(&[greedy], &[]), BautaError::ProofRefused);
}

#[test]
fn a_proof_is_of_no_use_to_another_recipient() {
    let mut s = scene(ScopeMode::Snapshot);
    let mut verify = s.prove(AMOUNT);
    verify.recipient = keypair("thief").pubkey();
    let stolen = s.grant(&verify, AMOUNT);
    assert_refused(s.world.send(&[stolen], &[]), BautaError::ProofRefused);
}

#[test]
fn nobody_can_burn_a_claim_around_the_gate() {
    let mut s = scene(ScopeMode::Snapshot);
    let verify = s.prove(AMOUNT);
    let without = Verify {
        gate: None,
        ..verify.clone()
    };
    assert_refused(s.world.verify(&without, &[]), BautaError::GateMustSign);
    let impostor = keypair("impostor");
    let signed_by_another = Verify {
        gate: Some(impostor.pubkey()),
        ..verify.clone()
    };
    assert_refused(
        s.world.verify(&signed_by_another, &[&impostor]),
        BautaError::GateMustSign,
    );
    let grant = s.grant(&verify, AMOUNT);
    s.world.send(&[grant], &[]).expect("the claim is still there");
}

#[test]
fn a_proof_in_another_scope_earns_nothing() {
    let mut s = scene(ScopeMode::Snapshot);
    // a second scope over the same registry, with the same gate: fresh nullifiers, but not the pinned one
    let spec = ScopeSpec {
        gate: Some(s.gate),
        ..ScopeSpec::default()
    };
    let pinned = s.scope.address;
    s.scope = s.world.create_scope(&s.registry, &spec);
    let verify = s.prove(AMOUNT);
    let grant = s.grant(&verify, AMOUNT);
    assert_refused(s.world.send(&[grant], &[]), GateError::WrongScope);
    // and pointing at the pinned scope doesn't make the proof one of it
    let elsewhere = Verify {
        scope: pinned,
        ..verify
    };
    let grant = s.grant(&elsewhere, AMOUNT);
    assert_refused(s.world.send(&[grant], &[]), BautaError::ProofRefused);
}

#[test]
fn another_program_in_the_place_of_bauta_is_refused() {
    let mut s = scene(ScopeMode::Snapshot);
    let verify = s.prove(AMOUNT);
    let mut grant = s.grant(&verify, AMOUNT);
    let bauta = grant.accounts.last_mut().expect("bauta comes last");
    bauta.pubkey = bauta_example_gate::ID;
    assert_refused(s.world.send(&[grant], &[]), ErrorCode::ConstraintAddress);
}
