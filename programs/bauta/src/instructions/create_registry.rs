use crate::{
    account,
    errors::{BautaError, refused, require},
    events::{RegistryCreated, emit},
    state::{Registry, RegistryKind, Tree},
};
use anchor_lang::{Discriminator, prelude::*};
use bauta_primitives::tree::Depth;

/// Accounts of `create_registry`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(nonce: u64)]
pub struct CreateRegistry<'info> {
    /// The account that pays the rent of `registry`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The authority of the new registry.
    pub authority: Signer<'info>,
    /// The account to create.
    /// CHECK: its address is derived, and it must not exist
    #[account(
        mut,
        seeds = [Registry::SEED, authority.key().as_ref(), &nonce.to_le_bytes()],
        bump
    )]
    pub registry: UncheckedAccount<'info>,
    /// The prepared Tree account: 54,936 zero bytes, owned by this program, rent-exempt. It must
    /// sign, so that no one else can use it for their registry. Omitted for a registry of kind
    /// `Attested`.
    #[account(mut)]
    pub tree: Option<Signer<'info>>,
    /// The system program, which creates `registry`.
    pub system_program: Program<'info, System>,
}

impl CreateRegistry<'_> {
    pub(crate) fn run(
        &self,
        bump: u8,
        nonce: u64,
        kind: RegistryKind,
        depth: u8,
        leaf_format: u8,
        root_ttl: i64,
    ) -> Result<()> {
        let depth = Depth::try_from(depth).map_err(|_| refused(BautaError::UnknownDepth))?;
        require!(leaf_format != 0, BautaError::ZeroLeafFormat);
        require!(
            (Registry::MIN_ROOT_TTL..=Registry::MAX_ROOT_TTL).contains(&root_ttl),
            BautaError::RootTtlOutOfRange
        );
        let on_chain = kind != RegistryKind::Attested;
        require!(!on_chain || depth == Depth::Ten, BautaError::WrongDepthForKind);
        require!(
            kind != RegistryKind::Holders || leaf_format == 1,
            BautaError::WrongLeafFormatForKind
        );
        require!(self.tree.is_some() == on_chain, BautaError::WrongTreePresence);

        let now = account::now()?;
        if let Some(tree) = &self.tree {
            take_over_tree(tree, &self.registry.key())?;
        }
        let authority = self.authority.key();
        let seeds: [&[u8]; 4] = [Registry::SEED, authority.as_ref(), &nonce.to_le_bytes(), &[bump]];
        let registry = &mut *account::create::<Registry>(&self.payer, &self.registry, &seeds)?;
        registry.authority = authority;
        registry.tree = self.tree.as_ref().map(Key::key).unwrap_or_default();
        registry.kind = kind as u8;
        registry.depth = depth as u8;
        registry.leaf_format = leaf_format;
        registry.bump = bump;
        registry.nonce = nonce;
        registry.root = depth.empty_root().to_bytes();
        registry.root_since = now;
        registry.root_ttl = root_ttl;
        let event = RegistryCreated {
            registry: self.registry.key(),
            authority: registry.authority,
            nonce,
            tree: registry.tree,
            kind,
            depth: registry.depth,
            leaf_format,
            root_ttl,
            root: registry.root,
            timestamp: now,
        };
        emit(&event, &self.event_authority)
    }
}

/// Makes a prepared account the tree of a registry.
///
/// The account contains only zeros, which is an empty tree: only this program writes to its
/// accounts, and the runtime does not change the owner of an account whose data is not zero.
fn take_over_tree(account: &AccountInfo<'_>, registry: &Pubkey) -> Result<()> {
    require!(*account.owner == crate::ID, BautaError::TreeNotOwned);
    require!(account.data_len() == Tree::SPACE, BautaError::TreeWrongSize);
    require!(
        account.lamports() >= account::minimum_balance(&Rent::get()?, Tree::SPACE),
        BautaError::TreeNotRentExempt
    );
    let mut data = account.try_borrow_mut_data()?;
    require!(data[..40].iter().all(|byte| *byte == 0), BautaError::TreeInUse);
    data[..8].copy_from_slice(Tree::DISCRIMINATOR);
    data[8..40].copy_from_slice(registry.as_ref());
    Ok(())
}
