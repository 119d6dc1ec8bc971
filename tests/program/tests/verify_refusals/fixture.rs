//! The fixture of these tests.

use bauta::errors::BautaError;
use bauta_client::instructions::Verify;
use bauta_program_test::{
    Member, RegistrySpec, ScopeSpec, TestChain, TestRegistry, TestScope, assert_refused,
};

/// A chain with a registry of two members, a scope, and a valid `verify` of the first member.
pub(crate) struct Fixture {
    pub(crate) chain: TestChain,
    pub(crate) registry: TestRegistry,
    pub(crate) members: [Member; 2],
    pub(crate) scope: TestScope,
    pub(crate) verify: Verify,
}

impl Fixture {
    /// Creates the fixture with a scope of these properties.
    pub(crate) fn new(spec: &ScopeSpec) -> Self {
        let mut chain = TestChain::new();
        let mut registry = chain.create_registry(RegistrySpec::default());
        let members = [
            chain.add_holder(&mut registry, 5),
            chain.add_holder(&mut registry, 6),
        ];
        let scope = chain.create_scope(&registry, spec);
        let verify = chain.prove(&registry, &members[0], &scope);
        Self {
            chain,
            registry,
            members,
            scope,
            verify,
        }
    }

    /// Changes the valid `verify` and forges a proof for the changed values.
    pub(crate) fn forged(&self, change: impl FnOnce(&mut Verify)) -> Verify {
        let mut verify = self.verify.clone();
        change(&mut verify);
        verify.proof = self.chain.forge(&self.scope, &verify);
        verify
    }

    /// Asserts that `verify` is refused with this error, and that the nullifier stays unused.
    #[track_caller]
    pub(crate) fn refuses(&mut self, verify: &Verify, error: BautaError) {
        assert_refused(self.chain.verify(verify, &[]), error);
        assert!(self.chain.account(&self.verify.nullifier_account()).is_none());
    }

    /// Asserts that `verify` is refused with this error. The valid `verify` may have been sent
    /// before.
    #[track_caller]
    pub(crate) fn refuses_after_verification(&mut self, verify: &Verify, error: BautaError) {
        assert_refused(self.chain.verify(verify, &[]), error);
    }

    /// Asserts that `verify` is accepted.
    #[track_caller]
    pub(crate) fn accepts(&mut self, verify: &Verify) {
        if let Err(refusal) = self.chain.verify(verify, &[]) {
            panic!("{refusal}\n{}", refusal.logs.join("\n"));
        }
    }
}
