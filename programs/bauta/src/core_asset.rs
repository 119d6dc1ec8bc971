//! Reads accounts of Metaplex Core in place.
//!
//! A test compares the readers with the types of the official client crate.
//!
//! ```text
//!   asset       0 key (1), 1 owner, 33 tag of the update authority (0 none, 1 address,
//!               2 collection), the address unless the tag is 0, name, uri, Option<u64>, then
//!               the plugins
//!   collection  0 key (5), 1 update authority, name, uri, u32, u32, then the plugins
//!   burnt       0 key (0)
//!   plugins     nothing, or: key (3), u64 offset of the list
//!               list: key (4), u32 count, records, u32 count, external records
//!               record: type, authority, u64 offset of the plugin, which begins with its type
//!               external record: type, authority, Option<Vec<5 bytes>>, u64, Option<u64>,
//!                                Option<u64>
//!               authority: tag (0 none, 1 owner, 2 update authority, 3 address), address if 3
//! ```

use crate::{
    errors::{BautaError, refused, require},
    view::{AccountView, Cursor},
};
use anchor_lang::{prelude::*, pubkey};

/// The address of the Metaplex Core program.
pub const CORE_PROGRAM: Pubkey = pubkey!("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d");

/// The first byte of each kind of account.
mod key {
    pub const BURNT: u8 = 0;
    pub const ASSET: u8 = 1;
    pub const PLUGIN_HEADER: u8 = 3;
    pub const PLUGIN_LIST: u8 = 4;
    pub const COLLECTION: u8 = 5;
}

/// The types of plugins that have a meaning here.
mod plugin {
    pub const FREEZE_DELEGATE: u8 = 1;
    pub const BURN_DELEGATE: u8 = 2;
    pub const TRANSFER_DELEGATE: u8 = 3;
    pub const PERMANENT_FREEZE_DELEGATE: u8 = 5;
    pub const PERMANENT_TRANSFER_DELEGATE: u8 = 7;
    pub const PERMANENT_BURN_DELEGATE: u8 = 8;
    /// The highest known type: groups.
    pub const LAST: u8 = 18;
    /// The highest known type of external plugins: agent identity.
    pub const LAST_EXTERNAL: u8 = 6;
}

/// The plugins of an asset or of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plugins {
    /// Whether there is a plugin of a type that this program does not know.
    pub has_unknown: bool,
    /// What another one than the owner can do: a sum of the constants of [`Plugins`].
    pub delegates: u8,
    /// The state of the `FreezeDelegate`, if there is one.
    pub frozen: Option<bool>,
    /// The state of the `PermanentFreezeDelegate`, if there is one.
    pub permanently_frozen: Option<bool>,
}

impl Plugins {
    /// There is a `PermanentTransferDelegate`.
    pub const PERMANENT_TRANSFER: u8 = 1;
    /// A `TransferDelegate` has another authority than the owner. The issuer can set it when it
    /// creates the asset.
    pub const TRANSFER: u8 = 2;
    /// There is a `PermanentBurnDelegate`, or a `BurnDelegate` with another authority than the
    /// owner.
    pub const BURN: u8 = 4;

    /// Reads the plugins of an account. `fields` is at the end of the account's own fields.
    #[inline(never)]
    fn parse(data: &[u8], mut fields: Cursor<'_>) -> Option<Self> {
        let mut plugins = Self::default();
        if fields.is_at_end() {
            return Some(plugins);
        }
        (fields.byte()? == key::PLUGIN_HEADER).then_some(())?;
        let mut list = Cursor::at(data, fields.u64()?)?;
        (list.byte()? == key::PLUGIN_LIST).then_some(())?;
        // Each record has at least 10 bytes, so the length of the account bounds the loops.
        for _ in 0..list.u32()? {
            let kind = list.byte()?;
            let is_delegated = is_delegated(&mut list)?;
            let mut own = Cursor::at(data, list.u64()?)?;
            (own.byte()? == kind).then_some(())?;
            match kind {
                plugin::FREEZE_DELEGATE => plugins.frozen = Some(own.flag()?),
                plugin::PERMANENT_FREEZE_DELEGATE => plugins.permanently_frozen = Some(own.flag()?),
                plugin::PERMANENT_TRANSFER_DELEGATE => plugins.delegates |= Self::PERMANENT_TRANSFER,
                plugin::PERMANENT_BURN_DELEGATE => plugins.delegates |= Self::BURN,
                plugin::TRANSFER_DELEGATE if is_delegated => plugins.delegates |= Self::TRANSFER,
                plugin::BURN_DELEGATE if is_delegated => plugins.delegates |= Self::BURN,
                _ => plugins.has_unknown |= kind > plugin::LAST,
            }
        }
        for _ in 0..list.u32()? {
            plugins.has_unknown |= list.byte()? > plugin::LAST_EXTERNAL;
            is_delegated(&mut list)?;
            if list.flag()? {
                list.skip_list(5)?;
            }
            list.skip(8)?;
            list.skip_optional(8)?;
            list.skip_optional(8)?;
        }
        Some(plugins)
    }
}

/// Reads an authority. Returns `true` if it is neither absent nor the owner.
fn is_delegated(fields: &mut Cursor<'_>) -> Option<bool> {
    match fields.byte()? {
        0 | 1 => return Some(false),
        2 => {}
        3 => fields.skip(32)?,
        _ => return None,
    }
    Some(true)
}

/// The part of an asset that registrations and evictions need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreAsset {
    /// The owner.
    pub owner: Pubkey,
    /// The collection that the asset belongs to.
    pub collection: Option<Pubkey>,
    /// The asset's own plugins.
    pub plugins: Plugins,
}

impl CoreAsset {
    /// Reads an asset.
    ///
    /// # Errors
    /// `NotACoreAsset` if the account is not an asset of Core that is stored whole.
    /// `InvalidCoreAsset` if its data is malformed.
    pub fn read(account: &AccountView<'_>) -> Result<Self> {
        let fields = fields(account)?;
        Self::parse(account.data, fields).ok_or_else(|| refused(BautaError::InvalidCoreAsset))
    }

    fn parse(data: &[u8], mut fields: Cursor<'_>) -> Option<Self> {
        let Ownership { owner, collection } = Ownership::parse(&mut fields)?;
        fields.skip_list(1)?;
        fields.skip_list(1)?;
        fields.skip_optional(8)?;
        Some(Self {
            owner,
            collection,
            plugins: Plugins::parse(data, fields)?,
        })
    }
}

/// Returns the fields behind the first byte of an asset.
fn fields<'a>(account: &AccountView<'a>) -> Result<Cursor<'a>> {
    match account.data {
        [key::ASSET, fields @ ..] if *account.owner == CORE_PROGRAM => Ok(Cursor::new(fields)),
        _ => Err(refused(BautaError::NotACoreAsset)),
    }
}

/// The first fields of an asset, which suffice for an eviction. What follows them, such as plugins
/// that a later version of Core adds, does not prevent the eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The owner.
    pub owner: Pubkey,
    /// The collection that the asset belongs to.
    pub collection: Option<Pubkey>,
}

impl Ownership {
    /// Reads the first fields of an asset.
    ///
    /// # Errors
    /// As [`CoreAsset::read`].
    pub fn read(account: &AccountView<'_>) -> Result<Self> {
        Self::parse(&mut fields(account)?).ok_or_else(|| refused(BautaError::InvalidCoreAsset))
    }

    fn parse(fields: &mut Cursor<'_>) -> Option<Self> {
        let owner = fields.key()?;
        let collection = match fields.byte()? {
            0 => None,
            1 => {
                fields.skip(32)?;
                None
            }
            2 => Some(fields.key()?),
            _ => return None,
        };
        Some(Self { owner, collection })
    }
}

/// Returns `true` if an asset that was registered no longer exists: Core emptied its account, or
/// the account is no longer one of Core.
#[must_use]
pub fn is_burnt(account: &AccountView<'_>) -> bool {
    *account.owner != CORE_PROGRAM || matches!(account.data.first(), None | Some(&key::BURNT))
}

/// Reads the plugins of the collection `key`.
///
/// # Errors
/// `WrongCoreCollection` if the account is another one. `InvalidCoreCollection` if it is malformed.
pub fn collection_plugins(account: &AccountView<'_>, key: &Pubkey) -> Result<Plugins> {
    require!(
        account.key == key
            && *account.owner == CORE_PROGRAM
            && account.data.first() == Some(&key::COLLECTION),
        BautaError::WrongCoreCollection
    );
    let parse = |data| -> Option<Plugins> {
        let mut fields = Cursor::new(data);
        fields.skip(1 + 32)?;
        fields.skip_list(1)?;
        fields.skip_list(1)?;
        fields.skip(4 + 4)?;
        Plugins::parse(data, fields)
    };
    parse(account.data).ok_or_else(|| refused(BautaError::InvalidCoreCollection))
}
