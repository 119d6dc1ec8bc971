//! What every test here begins with.

use bauta::errors::BautaError;
use bauta_client::instructions::Verify;
use bauta_program_test::{Member, RegistrySpec, ScopeSpec, TestRegistry, TestScope, World, assert_refused};

/// A world, a registry of two members, a scope and the first member's valid use.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) registry: TestRegistry,
    pub(crate) members: [Member; 2],
    pub(crate) scope: TestScope,
    pub(crate) verify: Verify,
}

/// A scene whose scope is as specified.
pub(crate) fn scene(spec: &ScopeSpec) -> Scene {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let members = [world.holder(&mut registry, 5), world.holder(&mut registry, 6)];
    let scope = world.create_scope(&registry, spec);
    let verify = world.prove(&registry, &members[0], &scope);
    Scene {
        world,
        registry,
        members,
        scope,
        verify,
    }
}

impl Scene {
    /// The use with one thing changed and a proof that is valid for it as changed.
    pub(crate) fn forged(&self, change: impl FnOnce(&mut Verify)) -> Verify {
        let mut verify = self.verify.clone();
        change(&mut verify);
        verify.proof = self.world.forge(&self.scope, &verify);
        verify
    }

    /// Asserts that the use is refused with this error, and nothing of it stays.
    #[track_caller]
    pub(crate) fn refuses(&mut self, verify: &Verify, error: BautaError) {
        assert_refused(self.world.verify(verify, &[]), error);
        // a refusal leaves nothing behind that would stand in the way of the rightful use
        assert!(self.world.account(&self.verify.nullifier_account()).is_none());
    }

    /// Asserts that the use is accepted.
    #[track_caller]
    pub(crate) fn accepts(&mut self, verify: &Verify) {
        if let Err(refused) = self.world.verify(verify, &[]) {
            panic!("{refused}\n{}", refused.logs.join("\n"));
        }
    }

    /// The same for a use with another nullifier.
    #[track_caller]
    pub(crate) fn refuses_new(&mut self, verify: &Verify, error: BautaError) {
        assert_refused(self.world.verify(verify, &[]), error);
    }
}
