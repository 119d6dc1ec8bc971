use crate::{
    account,
    errors::{BautaError, require},
    events::{RootPublished, emit, emit_root},
    state::{Node, Registry, RegistryKind},
};
use anchor_lang::prelude::*;
use bauta_primitives::FieldElement;

/// Accounts of `publish_root`.
#[event_cpi]
#[derive(Accounts)]
pub struct PublishRoot<'info> {
    /// The registry's authority.
    pub authority: Signer<'info>,
    /// The registry, of kind `Attested`.
    #[account(mut, has_one = authority @ BautaError::NotRegistryAuthority)]
    pub registry: AccountLoader<'info, Registry>,
}

impl PublishRoot<'_> {
    pub(crate) fn run(&self, root: Node) -> Result<()> {
        require!(root < FieldElement::MODULUS, BautaError::RootNotCanonical);
        let registry = &mut *account::load_mut(&self.registry)?;
        registry.check_kind(RegistryKind::Attested)?;
        let now = account::now()?;
        let expires_at = registry.replace_root(root, now)?;
        let event = RootPublished {
            registry: self.registry.key(),
            sequence: registry.sequence,
            root,
            timestamp: now,
        };
        emit(&event, &self.event_authority)?;
        emit_root(event.registry, registry, expires_at, &self.event_authority)
    }
}
