use crate::{
    account,
    errors::BautaError,
    events::{LeafReplaced, emit, emit_root},
    state::{Node, Path, Registry, RegistryKind, Tree},
};
use anchor_lang::prelude::*;

/// Accounts of `replace_leaf`.
#[event_cpi]
#[derive(Accounts)]
pub struct ReplaceLeaf<'info> {
    /// The registry's authority.
    pub authority: Signer<'info>,
    /// The registry, of kind `Managed`.
    #[account(mut, has_one = authority @ BautaError::NotRegistryAuthority)]
    pub registry: AccountLoader<'info, Registry>,
    /// The registry's Tree account.
    #[account(mut, has_one = registry @ BautaError::TreeOfAnotherRegistry)]
    pub tree: AccountLoader<'info, Tree>,
}

impl ReplaceLeaf<'_> {
    pub(crate) fn run(&self, index: u64, old_leaf: &Node, new_leaf: &Node, path: &Path) -> Result<()> {
        let registry = &mut *account::load_mut(&self.registry)?;
        registry.check_kind(RegistryKind::Managed)?;
        let root =
            account::load_mut(&self.tree)?.replace(registry.next_index, index, old_leaf, new_leaf, path)?;
        let now = account::now()?;
        let expires_at = registry.replace_root(root, now)?;
        let event = LeafReplaced {
            registry: self.registry.key(),
            sequence: registry.sequence,
            index,
            old_leaf: *old_leaf,
            new_leaf: *new_leaf,
            timestamp: now,
        };
        emit(&event, &self.event_authority)?;
        emit_root(event.registry, registry, expires_at, &self.event_authority)
    }
}
