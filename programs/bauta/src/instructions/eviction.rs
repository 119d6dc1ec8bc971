use super::registration::open_tree;
use crate::{
    account,
    errors::{BautaError, require},
    events::{Evidence, HolderEvicted, emit, emit_root},
    state::{Holding, Path, Registry},
};
use anchor_lang::prelude::*;
use bauta_primitives::Leaf;

/// Returns an error if the holder was evicted before.
pub(super) fn check_live(holding: &Holding) -> Result<()> {
    require!(holding.live == 1, BautaError::AlreadyEvicted);
    Ok(())
}

/// Empties the leaf of a holding, on evidence that the instruction has checked. All evicting
/// instructions share it.
pub(super) fn evict(
    registry: &AccountInfo<'_>,
    tree: &AccountInfo<'_>,
    holding: &mut Holding,
    evidence: Evidence,
    path: &Path,
    event_authority: &UncheckedAccount<'_>,
) -> Result<()> {
    let registry = &mut *account::open_mut::<Registry>(registry)?;
    let now = account::now()?;
    let old_leaf = holding.leaf()?;
    holding.live = 0;
    holding.last_change = now;
    let tree = &mut *open_tree(tree, &holding.registry)?;
    let empty = Leaf::EMPTY.to_bytes();
    let root = tree.replace(registry.next_index, holding.index, &old_leaf, &empty, path)?;
    let expires_at = registry.replace_root(root, now)?;
    let event = HolderEvicted {
        registry: holding.registry,
        sequence: registry.sequence,
        mint: holding.mint,
        owner: holding.owner,
        index: holding.index,
        evidence,
        timestamp: now,
    };
    emit(&event, event_authority)?;
    emit_root(holding.registry, registry, expires_at, event_authority)
}
