//! Reads accounts of Metaplex Token Metadata in place.
//!
//! A test compares the readers with the types of the official client crate.
//!
//! ```text
//!   metadata      607 or 679 bytes      0 key (4), 1 update authority, 33 mint, 65 Borsh: name,
//!                                       symbol, uri, u16, Option<Vec<34 bytes>>, bool, bool,
//!                                       Option<u8>, Option<u8> token standard,
//!                                       Option<(bool verified, collection)>,
//!                                       Option<(u8 use method, 16 bytes)>, and fields that are not
//!                                       read
//!   edition       of a master: 0 key (6)
//!                 of a print:  0 key (1), 1 the master's edition account
//!   token record  0 key (11), 1 bump, 2 state (0 unlocked, 1 locked, 2 listed)
//!
//!   addresses     "metadata", program, mint
//!                 "metadata", program, mint, "edition"
//!                 "metadata", program, mint, "token_record", token account
//! ```

use crate::{
    errors::{BautaError, refused, require},
    view::{AccountView, Cursor},
};
use anchor_lang::{prelude::*, pubkey};
use bauta_primitives::sha256_of;

/// The address of the Token Metadata program.
pub const TOKEN_METADATA_PROGRAM: Pubkey = pubkey!("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s");

/// The first byte of each kind of account.
mod key {
    pub const PRINT: u8 = 1;
    pub const METADATA: u8 = 4;
    pub const MASTER: u8 = 6;
    pub const TOKEN_RECORD: u8 = 11;
}

/// The lengths of a metadata account: the present one, and the one before the program reduced it.
const METADATA_BYTES: [usize; 2] = [607, 679];
/// The highest token standard: programmable print.
const LAST_STANDARD: u8 = 5;
/// The highest use method.
const LAST_USE_METHOD: u8 = 2;

/// Returns `true` if `key` is the derived address of a mint's edition account.
#[must_use]
pub fn is_edition(key: &Pubkey, mint: &Pubkey) -> bool {
    is_derived(key, mint, &[b"edition"])
}

/// Returns `true` if `key` is the canonical address of an account of a mint: the hash with the
/// first bump from 255 downwards that is not on the curve.
///
/// The last hash itself is not compared with the curve. No one can find the private key of a point
/// that is a hash, so no account has such an address.
#[inline(never)]
fn is_derived(key: &Pubkey, mint: &Pubkey, more: &[&[u8]]) -> bool {
    for bump in (0..=u8::MAX).rev() {
        let hash = hash_with_bump(mint, more, bump);
        if hash == *key.as_array() {
            return true;
        }
        if !solana_address::bytes_are_curve_point(hash) {
            return false;
        }
    }
    false
}

/// The bytes that are hashed before the mint: the first two seeds.
const PREFIX: [u8; 40] = joined(b"metadata", &TOKEN_METADATA_PROGRAM.to_bytes());
/// The bytes that are hashed after the bump.
const SUFFIX: [u8; 53] = joined(&TOKEN_METADATA_PROGRAM.to_bytes(), b"ProgramDerivedAddress");

const fn joined<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = if at < first.len() {
            first[at]
        } else {
            second[at - first.len()]
        };
        at += 1;
    }
    bytes
}

/// Hashes the seeds of an account of a mint. `more` has at most two seeds.
fn hash_with_bump(mint: &Pubkey, more: &[&[u8]], bump: u8) -> [u8; 32] {
    let (mint, bump) = (mint.as_ref(), &[bump]);
    match *more {
        [] => sha256_of(&[&PREFIX, mint, bump, &SUFFIX]),
        [seed] => sha256_of(&[&PREFIX, mint, seed, bump, &SUFFIX]),
        [first, second, ..] => sha256_of(&[&PREFIX, mint, first, second, bump, &SUFFIX]),
    }
}

/// The part of a metadata account that registrations and evictions need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// The token standard: see [`Metadata::is_programmable`]. Old accounts have none.
    pub standard: Option<u8>,
    /// The mint of the collection, and whether the collection's authority verified the membership.
    pub collection: Option<(Pubkey, bool)>,
}

impl Metadata {
    /// Reads the metadata account of `mint`.
    ///
    /// # Errors
    /// `WrongMetadata` if the account is another one. `InvalidMetadata` if its data is malformed.
    /// Token Metadata treats some malformed data as a token without a collection. This reader
    /// refuses such data.
    pub fn read(account: &AccountView<'_>, mint: &Pubkey) -> Result<Self> {
        let metadata = Self::read_any_length(account, mint)?;
        require!(
            METADATA_BYTES.contains(&account.data.len()),
            BautaError::InvalidMetadata
        );
        Ok(metadata)
    }

    /// Reads the metadata account of `mint` like [`Self::read`], also if a later version of Token
    /// Metadata gave it another length. That is enough for an eviction.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_any_length(account: &AccountView<'_>, mint: &Pubkey) -> Result<Self> {
        let data = account.data;
        require!(
            *account.owner == TOKEN_METADATA_PROGRAM
                && data.first() == Some(&key::METADATA)
                && data.get(33..65) == Some(mint.as_ref())
                && is_derived(account.key, mint, &[]),
            BautaError::WrongMetadata
        );
        Self::parse(&data[65..], true).ok_or_else(|| refused(BautaError::InvalidMetadata))
    }

    /// Reads the metadata of a compressed asset of V1. It has the same fields, but the creators are
    /// behind those that are read.
    ///
    /// # Errors
    /// `InvalidMetadata` if the data is malformed.
    pub fn parse_compressed(data: &[u8]) -> Result<Self> {
        Self::parse(data, false).ok_or_else(|| refused(BautaError::InvalidMetadata))
    }

    #[inline(never)]
    fn parse(data: &[u8], has_creators: bool) -> Option<Self> {
        let mut fields = Cursor::new(data);
        // The name, the symbol and the URI.
        for _ in 0..3 {
            fields.skip_list(1)?;
        }
        fields.skip(2)?;
        if has_creators && fields.flag()? {
            fields.skip_list(34)?;
        }
        fields.flag()?;
        fields.flag()?;
        fields.skip_optional(1)?;
        let standard = if fields.flag()? {
            Some(fields.byte().filter(|standard| *standard <= LAST_STANDARD)?)
        } else {
            None
        };
        let collection = if fields.flag()? {
            let verified = fields.flag()?;
            Some((fields.key()?, verified))
        } else {
            None
        };
        // Token Metadata ignores the collection if this field is malformed.
        if fields.flag()? {
            fields.byte().filter(|method| *method <= LAST_USE_METHOD)?;
            fields.skip(16)?;
        }
        Some(Self { standard, collection })
    }

    /// Returns `true` for a programmable token or print. Its token account is always frozen, and a
    /// token record has its state.
    #[must_use]
    pub fn is_programmable(&self) -> bool {
        matches!(self.standard, Some(4 | 5))
    }
}

/// The edition account of a token: it is the mint authority, and it says whether the token is a
/// master or a print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// A master, or a token without prints.
    Master,
    /// A print of a master.
    Print {
        /// The edition account of the master.
        parent: Pubkey,
    },
}

impl Edition {
    /// Reads the edition account of `mint`.
    ///
    /// # Errors
    /// `WrongEdition` if the account is another one, or neither that of a master nor of a print.
    pub fn read(account: &AccountView<'_>, mint: &Pubkey) -> Result<Self> {
        let wrong = || refused(BautaError::WrongEdition);
        require!(
            *account.owner == TOKEN_METADATA_PROGRAM && is_edition(account.key, mint),
            BautaError::WrongEdition
        );
        let mut fields = Cursor::new(account.data);
        match fields.byte() {
            Some(key::MASTER) => Ok(Self::Master),
            Some(key::PRINT) => Ok(Self::Print {
                parent: fields.key().ok_or_else(wrong)?,
            }),
            _ => Err(wrong()),
        }
    }
}

/// Reads the token record of a token account of `mint`. Returns `true` if the token is locked or
/// listed.
///
/// The record contains the bump of its own address. One hash with it proves the address, so other
/// bumps are not tried.
///
/// # Errors
/// `WrongTokenRecord` if the account is another one. `UnknownTokenState` if its state is unknown.
pub fn is_locked(account: &AccountView<'_>, mint: &Pubkey, token_account: &Pubkey) -> Result<bool> {
    let [key::TOKEN_RECORD, bump, state, ..] = account.data else {
        return Err(refused(BautaError::WrongTokenRecord));
    };
    let seeds: [&[u8]; 2] = [b"token_record", token_account.as_ref()];
    require!(
        *account.owner == TOKEN_METADATA_PROGRAM
            && *account.key.as_array() == hash_with_bump(mint, &seeds, *bump),
        BautaError::WrongTokenRecord
    );
    match state {
        0 => Ok(false),
        1 | 2 => Ok(true),
        _ => Err(refused(BautaError::UnknownTokenState)),
    }
}
