use crate::{
    account,
    errors::BautaError,
    events::{LeavesAppended, emit, emit_root},
    state::{Node, Registry, RegistryKind, Tree},
};
use anchor_lang::prelude::*;

/// Accounts of `append_leaves`.
#[event_cpi]
#[derive(Accounts)]
pub struct AppendLeaves<'info> {
    /// The registry's authority.
    pub authority: Signer<'info>,
    /// The registry, of kind `Managed`.
    #[account(mut, has_one = authority @ BautaError::NotRegistryAuthority)]
    pub registry: AccountLoader<'info, Registry>,
    /// The registry's Tree account.
    #[account(mut, has_one = registry @ BautaError::TreeOfAnotherRegistry)]
    pub tree: AccountLoader<'info, Tree>,
}

impl AppendLeaves<'_> {
    pub(crate) fn run(&self, leaves: Vec<Node>) -> Result<()> {
        let registry = &mut *account::load_mut(&self.registry)?;
        registry.check_kind(RegistryKind::Managed)?;
        let first_index = registry.next_index;
        let root = account::load_mut(&self.tree)?.append(first_index, &leaves)?;
        let now = account::now()?;
        let expires_at = registry.replace_root(root, now)?;
        // `append` has checked that the leaves fit into the tree.
        registry.next_index += leaves.len() as u64;
        let event = LeavesAppended {
            registry: self.registry.key(),
            sequence: registry.sequence,
            first_index,
            leaves,
            timestamp: now,
        };
        emit(&event, &self.event_authority)?;
        emit_root(event.registry, registry, expires_at, &self.event_authority)
    }
}
