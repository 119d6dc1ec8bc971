use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{HolderRegistered, emit, emit_root},
    state::{AssetForm, Collection, Holding, Node, Path, Registry, RegistryKind, Tree},
};
use anchor_lang::prelude::*;
use bauta_primitives::{EntryId, FieldElement};
use std::cell::{Ref, RefMut};

/// Returns an error unless a commitment is canonical and not zero.
pub(super) fn check_commitment(commitment: &[u8; 32]) -> Result<()> {
    require!(
        *commitment < FieldElement::MODULUS,
        BautaError::CommitmentNotCanonical
    );
    require!(*commitment != [0; 32], BautaError::ZeroCommitment);
    Ok(())
}

// The registering instructions open the accounts of this program themselves. The code that Anchor
// generates for an `AccountLoader` is longer and costs more.

/// Opens a collection of a registry.
pub(super) fn open_collection<'a>(
    account: &'a AccountInfo<'_>,
    registry: &Pubkey,
) -> Result<Ref<'a, Collection>> {
    let collection = account::open::<Collection>(account)?;
    require!(
        collection.registry == *registry,
        BautaError::CollectionOfAnotherRegistry
    );
    Ok(collection)
}

/// Opens the Tree account of a registry.
pub(super) fn open_tree<'a>(account: &'a AccountInfo<'_>, registry: &Pubkey) -> Result<RefMut<'a, Tree>> {
    let tree = account::open_mut::<Tree>(account)?;
    require!(tree.registry == *registry, BautaError::TreeOfAnotherRegistry);
    Ok(tree)
}

/// The registration of an asset that the instruction has checked. All registering instructions
/// share it.
pub(super) struct Registration<'a, 'info> {
    pub payer: &'a AccountInfo<'info>,
    pub owner: &'a Pubkey,
    pub registry: &'a AccountInfo<'info>,
    pub tree: &'a AccountInfo<'info>,
    pub collection: &'a Collection,
    /// The mint, the address of the Core asset, or the id of the compressed asset.
    pub asset: &'a Pubkey,
    pub form: AssetForm,
    pub holding: &'a AccountInfo<'info>,
    pub event_authority: &'a UncheckedAccount<'info>,
}

impl<'a> Registration<'a, '_> {
    /// Writes the asset's leaf. The first registration appends it and takes no path. A later one
    /// overwrites it and needs its path.
    pub fn run(&self, commitment: [u8; 32], path: Option<&Path>) -> Result<()> {
        let registry = &mut *account::open_mut::<Registry>(self.registry)?;
        registry.check_kind(RegistryKind::Holders)?;
        let next_index = registry.next_index;
        let now = account::now()?;
        let entry_id = EntryId::of_mint(self.asset.as_array());
        let is_first = *self.holding.owner != crate::ID;
        let (mut holding, old_leaf) = if is_first {
            require!(path.is_none(), BautaError::UnexpectedPath);
            (self.first(next_index)?, None)
        } else {
            let holding = self.again(now)?;
            let old_leaf = holding.leaf_of(entry_id)?;
            (holding, Some(old_leaf))
        };
        let holding = &mut *holding;
        self.fill(holding, commitment, now);

        let tree = &mut *open_tree(self.tree, self.registry.key)?;
        let leaf = holding.leaf_of(entry_id)?;
        let root = match old_leaf {
            None => {
                registry.next_index += 1;
                tree.append(holding.index, &[leaf])?
            }
            Some(old_leaf) => {
                let path = path.ok_or_else(|| refused(BautaError::MissingPath))?;
                tree.replace(next_index, holding.index, &old_leaf, &leaf, path)?
            }
        };
        self.finish(holding, registry, root, is_first, now)
    }

    /// Creates the asset's holding.
    fn first(&self, index: u64) -> Result<RefMut<'a, Holding>> {
        let registry = *self.registry.key;
        let seeds: [&[u8]; 3] = [Holding::SEED, registry.as_ref(), self.asset.as_ref()];
        let (address, bump) = account::find(seeds)?;
        require!(*self.holding.key == address, BautaError::WrongHolding);
        let seeds = [seeds[0], seeds[1], seeds[2], &[bump]];
        let mut holding = account::create::<Holding>(self.payer, self.holding, &seeds)?;
        holding.registry = registry;
        holding.mint = *self.asset;
        holding.index = index;
        holding.bump = bump;
        Ok(holding)
    }

    /// Opens the holding that an earlier registration created.
    fn again(&self, now: i64) -> Result<RefMut<'a, Holding>> {
        let holding = account::open_mut::<Holding>(self.holding)?;
        require!(
            holding.registry == *self.registry.key && holding.mint == *self.asset,
            BautaError::WrongHolding
        );
        require!(
            now.saturating_sub(holding.last_change) >= Holding::CHANGE_INTERVAL,
            BautaError::ChangedTooRecently
        );
        Ok(holding)
    }

    fn fill(&self, holding: &mut Holding, commitment: [u8; 32], now: i64) {
        holding.owner = *self.owner;
        holding.commitment = commitment;
        holding.track = self.collection.track;
        holding.last_change = now;
        holding.live = 1;
        holding.form = self.form as u8;
        holding.collection = self.collection.number;
    }

    fn finish(
        &self,
        holding: &Holding,
        registry: &mut Registry,
        root: Node,
        is_first: bool,
        now: i64,
    ) -> Result<()> {
        let expires_at = registry.replace_root(root, now)?;
        let event = HolderRegistered {
            registry: holding.registry,
            sequence: registry.sequence,
            mint: holding.mint,
            owner: holding.owner,
            commitment: holding.commitment,
            track: holding.track,
            index: holding.index,
            replaced: !is_first,
            timestamp: now,
            form: self.form,
            collection: holding.collection,
        };
        emit(&event, self.event_authority)?;
        emit_root(holding.registry, registry, expires_at, self.event_authority)
    }
}
