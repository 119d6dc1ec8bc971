//! Tests the suspension and the retirement of circuits, and the replacement of the admin.

use bauta::errors::BautaError;
use bauta::state::{Circuit, Config};
use bauta_client::instructions::{
    AcceptAdmin, ReplaceAdmin, RetireCircuit, SetAdmin, SuspendCircuit, Verify,
};
use bauta_client::{Event, addresses};
use bauta_program_test::{
    Member, Receipt, Refusal, RegistrySpec, ScopeSpec, TestChain, TestRegistry, TestScope, assert_refused,
};
use solana_address::Address;
use solana_signer::Signer;

const DELAY: i64 = Circuit::RETIREMENT_DELAY;

/// A chain with a scope that stays open longer than a retirement takes.
struct Fixture {
    chain: TestChain,
    registry: TestRegistry,
    member: Member,
    scope: TestScope,
}

impl Fixture {
    fn new() -> Self {
        let mut chain = TestChain::new();
        let mut registry = chain.create_registry(RegistrySpec::default());
        let member = chain.add_holder(&mut registry, 5);
        let spec = ScopeSpec {
            closes_at: Some(chain.now() + 10 * DELAY),
            ..ScopeSpec::default()
        };
        let scope = chain.create_scope(&registry, &spec);
        Self {
            chain,
            registry,
            member,
            scope,
        }
    }

    fn circuit(&self) -> Address {
        self.scope.circuit
    }

    fn state(&self) -> Circuit {
        self.chain.state(&self.circuit()).expect("the circuit exists")
    }

    /// Returns the result of a new scope, which ends no later than its circuit. The chain does not
    /// change.
    fn new_scope(&self) -> Result<Receipt, Refusal> {
        let mut chain = self.chain.clone();
        let retires_at = self.state().retires_at;
        let spec = ScopeSpec {
            closes_at: (retires_at != 0).then_some(retires_at),
            ..ScopeSpec::default()
        };
        chain
            .try_create_scope(&self.registry, &spec)
            .map(|(_, receipt)| receipt)
    }

    /// Returns the result of a verification. The chain does not change.
    fn verification(&self) -> Result<Receipt, Refusal> {
        let mut chain = self.chain.clone();
        let verify: Verify = chain.prove(&self.registry, &self.member, &self.scope);
        chain.verify(&verify, &[])
    }

    #[track_caller]
    fn assert_usable(&self) {
        self.new_scope().expect("the circuit accepts scopes");
        self.verification().expect("the circuit accepts verifications");
    }

    #[track_caller]
    fn assert_refuses(&self, error: BautaError) {
        assert_refused(self.new_scope(), error);
        assert_refused(self.verification(), error);
    }
}

#[track_caller]
fn assert_event(receipt: &Receipt, circuit: Address, suspended: bool, retires_at: i64) {
    let [Event::CircuitStatusChanged(event)] = &receipt.events[..] else {
        panic!("one event is expected: {:?}", receipt.events)
    };
    assert_eq!(event.circuit, circuit);
    assert_eq!((event.suspended, event.retires_at), (suspended, retires_at));
}

#[test]
fn a_suspended_circuit_accepts_no_scopes_and_no_verifications_until_it_is_resumed() {
    let mut fixture = Fixture::new();
    let circuit = fixture.circuit();
    assert_refused(
        fixture.chain.suspend_circuit(circuit, false),
        BautaError::CircuitNotSuspended,
    );
    let receipt = fixture.chain.suspend_circuit(circuit, true).unwrap();
    assert_event(&receipt, circuit, true, 0);
    fixture.assert_refuses(BautaError::CircuitSuspended);
    assert_refused(
        fixture.chain.suspend_circuit(circuit, true),
        BautaError::CircuitSuspended,
    );
    let receipt = fixture.chain.suspend_circuit(circuit, false).unwrap();
    assert_event(&receipt, circuit, false, 0);
    fixture.assert_usable();
}

#[test]
fn a_retirement_takes_effect_after_its_delay() {
    let mut fixture = Fixture::new();
    let circuit = fixture.circuit();
    let retires_at = fixture.chain.now() + DELAY;
    let receipt = fixture.chain.retire_circuit(circuit, true).unwrap();
    assert_event(&receipt, circuit, false, retires_at);
    assert_eq!(fixture.state().retires_at, retires_at);
    assert_refused(
        fixture.chain.retire_circuit(circuit, true),
        BautaError::RetirementScheduled,
    );
    fixture.chain.advance_clock(DELAY - 1);
    fixture.assert_usable();
    fixture.chain.advance_clock(1);
    fixture.assert_refuses(BautaError::CircuitRetired);
}

#[test]
fn a_retirement_can_be_cancelled_before_it_takes_effect() {
    let mut fixture = Fixture::new();
    let circuit = fixture.circuit();
    assert_refused(
        fixture.chain.retire_circuit(circuit, false),
        BautaError::RetirementNotScheduled,
    );
    fixture.chain.retire_circuit(circuit, true).unwrap();
    fixture.chain.advance_clock(DELAY - 1);
    let receipt = fixture.chain.retire_circuit(circuit, false).unwrap();
    assert_event(&receipt, circuit, false, 0);
    fixture.chain.advance_clock(DELAY);
    fixture.assert_usable();
    // The next retirement has the whole delay again.
    fixture.chain.retire_circuit(circuit, true).unwrap();
    fixture.chain.advance_clock(DELAY - 1);
    fixture.assert_usable();
}

#[test]
fn a_scope_can_not_be_created_that_outlives_its_circuit() {
    let mut fixture = Fixture::new();
    let circuit = fixture.circuit();
    let retires_at = fixture.chain.now() + DELAY;
    fixture.chain.retire_circuit(circuit, true).unwrap();
    let closing_at = |closes_at| ScopeSpec {
        closes_at: Some(closes_at),
        ..ScopeSpec::default()
    };
    let Fixture { chain, registry, .. } = &mut fixture;
    let refused = chain
        .try_create_scope(registry, &closing_at(retires_at + 1))
        .map(|(_, receipt)| receipt);
    assert_refused(refused, BautaError::ScopeOutlivesCircuit);
    chain.create_scope(registry, &closing_at(retires_at));
    // Without a retirement, a scope may end at any time.
    chain.retire_circuit(circuit, false).unwrap();
    chain.create_scope(registry, &closing_at(i64::MAX));
}

#[test]
fn a_retired_circuit_stays_retired() {
    let mut fixture = Fixture::new();
    let circuit = fixture.circuit();
    fixture.chain.suspend_circuit(circuit, true).unwrap();
    fixture.chain.retire_circuit(circuit, true).unwrap();
    fixture.chain.advance_clock(DELAY);
    for refused in [
        fixture.chain.suspend_circuit(circuit, false),
        fixture.chain.suspend_circuit(circuit, true),
        fixture.chain.retire_circuit(circuit, false),
        fixture.chain.retire_circuit(circuit, true),
    ] {
        assert_refused(refused, BautaError::CircuitRetired);
    }
    // The same key with the same metadata has the same address, where the account exists.
    let key = fixture.chain.trapdoor();
    let again = fixture.chain.register_trapdoor(key);
    assert_eq!(again.expect_err("the account exists").code(), Some(0));
    fixture.assert_refuses(BautaError::CircuitRetired);
}

#[test]
fn only_the_admin_suspends_and_retires_circuits() {
    let mut fixture = Fixture::new();
    let attacker = fixture.chain.funded_keypair("attacker");
    let (admin, circuit) = (attacker.pubkey(), fixture.circuit());
    let suspend = SuspendCircuit {
        admin,
        circuit,
        suspended: true,
    };
    let retire = RetireCircuit {
        admin,
        circuit,
        retire: true,
    };
    for instruction in [suspend.instruction(), retire.instruction()] {
        assert_refused(
            fixture.chain.send(&[instruction], &[&attacker]),
            BautaError::NotAdmin,
        );
    }
    fixture.assert_usable();
}

/// The admin's key is stolen. The thief suspends and retires every circuit, and names a successor.
#[test]
fn the_upgrade_authority_replaces_a_stolen_admin_before_a_circuit_is_lost() {
    let mut fixture = Fixture::new();
    let circuit = fixture.circuit();
    let stolen = fixture.chain.admin.insecure_clone();
    let [accomplice, next] = ["accomplice", "next admin"].map(|name| fixture.chain.funded_keypair(name));
    fixture.chain.suspend_circuit(circuit, true).unwrap();
    fixture.chain.retire_circuit(circuit, true).unwrap();
    let successor = SetAdmin {
        admin: stolen.pubkey(),
        new_admin: accomplice.pubkey(),
    };
    fixture
        .chain
        .send(&[successor.instruction()], &[&stolen])
        .unwrap();

    fixture.chain.advance_clock(DELAY - 1);
    let receipt = fixture.chain.replace_admin(next.pubkey()).unwrap();
    let [Event::ConfigChanged(event)] = &receipt.events[..] else {
        panic!("one event is expected: {:?}", receipt.events)
    };
    assert_eq!(event.admin, next.pubkey());
    assert_eq!(event.pending_admin, Address::default());
    assert_refused(fixture.chain.pause(true), BautaError::NotAdmin);
    let accept = AcceptAdmin {
        new_admin: accomplice.pubkey(),
    };
    assert_refused(
        fixture.chain.send(&[accept.instruction()], &[&accomplice]),
        BautaError::NotPendingAdmin,
    );
    fixture.chain.admin = next;
    fixture.chain.retire_circuit(circuit, false).unwrap();
    fixture.chain.suspend_circuit(circuit, false).unwrap();
    fixture.chain.advance_clock(DELAY);
    fixture.assert_usable();
}

#[test]
fn only_the_upgrade_authority_replaces_the_admin() {
    let mut chain = TestChain::new();
    let attacker = chain.funded_keypair("attacker");
    let admin = chain.admin.insecure_clone();
    for signer in [&attacker, &admin] {
        let replace = ReplaceAdmin {
            upgrade_authority: signer.pubkey(),
            new_admin: attacker.pubkey(),
        };
        assert_refused(
            chain.send(&[replace.instruction()], &[signer]),
            BautaError::NotUpgradeAuthority,
        );
    }
    assert_refused(chain.replace_admin(Address::default()), BautaError::ZeroAdmin);
    // A program that is final has no upgrade authority.
    let address = addresses::program_data().address;
    let mut account = chain.account(&address).expect("the program has program data");
    account.data[12] = 0;
    chain.set_account(&address, account);
    assert_refused(
        chain.replace_admin(attacker.pubkey()),
        BautaError::NotUpgradeAuthority,
    );
    let config: Config = chain
        .state(&addresses::config().address)
        .expect("the configuration exists");
    assert_eq!(config.admin, admin.pubkey());
}
