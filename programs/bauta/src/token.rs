//! Reads SPL Token and Token-2022 accounts in place.
//!
//! The module reads only the fields that registration and eviction need. A test compares it with
//! the libraries of the token programs.
//!
//! ```text
//!   mint, 82 bytes             0..4 has authority, 4..36 authority, 36..44 supply (LE),
//!                              44 decimals, 45 initialised
//!   token account, 165 bytes   0..32 mint, 32..64 owner, 64..72 amount (LE),
//!                              108 state (1 initialised, 2 frozen)
//!   Token-2022                 165 account type (1 mint, 2 account), then the extensions:
//!                              type u16 (LE), length u16 (LE), value
//! ```

use crate::errors::{BautaError, refused, require};
use anchor_lang::{prelude::*, pubkey};

/// The address of the SPL Token program.
pub const TOKEN_PROGRAM: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// The address of the Token-2022 program.
pub const TOKEN_2022_PROGRAM: Pubkey = pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

const MINT_BYTES: usize = 82;
const ACCOUNT_BYTES: usize = 165;
/// The length of a multisig account, which has no account type. The token programs give no other
/// account this length.
const MULTISIG_BYTES: usize = 355;
/// Account types in Token-2022.
const MINT_TYPE: u8 = 1;
const ACCOUNT_TYPE: u8 = 2;
/// Extension types of mints in Token-2022.
mod extension {
    pub const UNINITIALIZED: u16 = 0;
    pub const TRANSFER_FEE_CONFIG: u16 = 1;
    pub const MINT_CLOSE_AUTHORITY: u16 = 3;
    pub const CONFIDENTIAL_TRANSFER_MINT: u16 = 4;
    pub const DEFAULT_ACCOUNT_STATE: u16 = 6;
    pub const NON_TRANSFERABLE: u16 = 9;
    pub const INTEREST_BEARING_CONFIG: u16 = 10;
    pub const PERMANENT_DELEGATE: u16 = 12;
    pub const TRANSFER_HOOK: u16 = 14;
    pub const CONFIDENTIAL_TRANSFER_FEE_CONFIG: u16 = 16;
    pub const METADATA_POINTER: u16 = 18;
    pub const TOKEN_METADATA: u16 = 19;
    pub const GROUP_POINTER: u16 = 20;
    pub const TOKEN_GROUP: u16 = 21;
    pub const GROUP_MEMBER_POINTER: u16 = 22;
    pub const TOKEN_GROUP_MEMBER: u16 = 23;
    pub const CONFIDENTIAL_MINT_BURN: u16 = 24;
    pub const SCALED_UI_AMOUNT: u16 = 25;
    pub const PAUSABLE: u16 = 26;
    pub const PERMISSIONED_BURN: u16 = 28;
}

/// The data of a mint account.
pub struct Mint<'a> {
    data: &'a [u8],
}

/// The addresses that may have an authority over a mint. The caller checks that they are accounts
/// of Token Metadata that belong to the mint. No instruction of Token Metadata mints a second token
/// or closes the mint with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllowedAuthorities {
    /// The mint's edition account. It may be the mint authority.
    pub mint: Option<Pubkey>,
    /// The mint's metadata account. It may be the close authority.
    pub close: Option<Pubkey>,
}

/// The contents of the extension `TokenGroupMember` of a mint.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The mint that is a member of the group.
    pub mint: Pubkey,
    /// The mint of the group.
    pub group: Pubkey,
}

impl<'a> Mint<'a> {
    /// Reads the data of an account that `program` owns.
    ///
    /// # Errors
    /// If the account is not an initialised mint of a token program.
    pub fn read(program: &Pubkey, data: &'a [u8]) -> Result<Self> {
        require!(is_token_program(program), BautaError::NotAMint);
        require!(
            has_shape(program, data, MINT_BYTES, MINT_TYPE),
            BautaError::InvalidMint
        );
        require!(data[45] == 1, BautaError::InvalidMint);
        Ok(Self { data })
    }

    /// Returns the number of tokens that exist.
    #[must_use]
    pub fn supply(&self) -> u64 {
        integer(self.data, 36)
    }

    /// Returns `true` if the mint has an authority.
    #[must_use]
    pub fn has_authority(&self) -> bool {
        self.data[..4] != [0; 4]
    }

    fn authority(&self) -> Option<Pubkey> {
        self.has_authority().then(|| address(self.data, 4))
    }

    /// Checks that the mint has exactly one holder, who is visible. No address may have an
    /// authority over the mint.
    pub fn check_unique(&self) -> Result<()> {
        self.check_unique_with(&AllowedAuthorities::default())
    }

    /// Checks that the mint has exactly one holder, who is visible.
    ///
    /// The supply is 1, the decimals are 0 and there is no mint authority except the allowed one,
    /// so there is never a second token.
    ///
    /// Only known extensions are accepted, because a later version of Token-2022 may add one that
    /// moves or hides tokens. The refused extensions would allow someone to take the token from its
    /// holder, to hide its holder, or to close the mint and create it again. A transfer fee would
    /// leave no evidence for an eviction: the fee on an amount of 1 rounds up to 1, so the token is
    /// withheld in an account with amount 0. The accepted extensions describe the token, change how
    /// its amount is displayed, or refuse transfers and burns.
    pub fn check_unique_with(&self, allowed: &AllowedAuthorities) -> Result<()> {
        require!(self.supply() == 1, BautaError::SupplyNotOne);
        require!(self.data[44] == 0, BautaError::DecimalsNotZero);
        require!(
            !self.has_authority() || self.authority() == allowed.mint,
            BautaError::HasMintAuthority
        );
        for (kind, value) in self.extensions()? {
            match kind {
                extension::DEFAULT_ACCOUNT_STATE
                | extension::NON_TRANSFERABLE
                | extension::INTEREST_BEARING_CONFIG
                | extension::TRANSFER_HOOK
                | extension::METADATA_POINTER
                | extension::TOKEN_METADATA
                | extension::GROUP_POINTER
                | extension::TOKEN_GROUP
                | extension::GROUP_MEMBER_POINTER
                | extension::TOKEN_GROUP_MEMBER
                | extension::SCALED_UI_AMOUNT
                | extension::PAUSABLE
                | extension::PERMISSIONED_BURN => {}
                extension::MINT_CLOSE_AUTHORITY
                    if allowed.close.is_some_and(|close| value == close.as_ref()) => {}
                extension::TRANSFER_FEE_CONFIG => return Err(refused(BautaError::HasTransferFee)),
                extension::MINT_CLOSE_AUTHORITY => return Err(refused(BautaError::HasMintCloseAuthority)),
                extension::PERMANENT_DELEGATE => return Err(refused(BautaError::HasPermanentDelegate)),
                extension::CONFIDENTIAL_TRANSFER_MINT
                | extension::CONFIDENTIAL_TRANSFER_FEE_CONFIG
                | extension::CONFIDENTIAL_MINT_BURN => {
                    return Err(refused(BautaError::HasConfidentialExtension));
                }
                _ => return Err(refused(BautaError::UnknownMintExtension)),
            }
        }
        Ok(())
    }

    /// Returns the group membership that is stored in the mint itself.
    ///
    /// Pointers to other accounts are ignored, because the mint's creator can set them to any
    /// account.
    pub fn group_member(&self) -> Result<Option<GroupMember>> {
        let member = self
            .extensions()?
            .find(|(kind, _)| *kind == extension::TOKEN_GROUP_MEMBER);
        let Some((_, value)) = member else { return Ok(None) };
        require!(value.len() >= 64, BautaError::InvalidMint);
        Ok(Some(GroupMember {
            mint: address(value, 0),
            group: address(value, 32),
        }))
    }

    fn extensions(&self) -> Result<Extensions<'a>> {
        let list = Extensions {
            rest: self.data.get(ACCOUNT_BYTES + 1..).unwrap_or(&[]),
        };
        require!(list.clone().ends_well_formed(), BautaError::InvalidMint);
        Ok(list)
    }
}

/// The contents of a token account.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenAccount {
    /// The mint of the tokens.
    pub mint: Pubkey,
    /// The holder of the tokens.
    pub owner: Pubkey,
    /// The number of tokens.
    pub amount: u64,
    /// Whether the account is frozen.
    pub frozen: bool,
}

impl TokenAccount {
    /// Reads the data of an account that `program` owns.
    ///
    /// # Errors
    /// If the account is not an initialised token account of a token program.
    pub fn read(program: &Pubkey, data: &[u8]) -> Result<Self> {
        require!(is_token_program(program), BautaError::InvalidTokenAccount);
        require!(
            has_shape(program, data, ACCOUNT_BYTES, ACCOUNT_TYPE),
            BautaError::InvalidTokenAccount
        );
        let state = data[108];
        require!(matches!(state, 1 | 2), BautaError::InvalidTokenAccount);
        Ok(Self {
            mint: address(data, 0),
            owner: address(data, 32),
            amount: integer(data, 64),
            frozen: state == 2,
        })
    }
}

/// Returns `true` for SPL Token and Token-2022.
#[must_use]
pub fn is_token_program(program: &Pubkey) -> bool {
    *program == TOKEN_PROGRAM || *program == TOKEN_2022_PROGRAM
}

/// Returns `true` if `data` has the form of an account whose plain length is `base` bytes.
///
/// The length is `base`, or in Token-2022 the account type follows byte 165, the length of the
/// longest plain account.
fn has_shape(program: &Pubkey, data: &[u8], base: usize, account_type: u8) -> bool {
    data.len() == base
        || (*program == TOKEN_2022_PROGRAM
            && data.len() > ACCOUNT_BYTES
            && data.len() != MULTISIG_BYTES
            && data[ACCOUNT_BYTES] == account_type)
}

/// Iterates over the extensions as pairs of type and value. It ends at type 0 or at the end of the
/// data.
#[derive(Clone)]
struct Extensions<'a> {
    rest: &'a [u8],
}

impl Extensions<'_> {
    fn ends_well_formed(mut self) -> bool {
        while self.next().is_some() {}
        self.rest.len() < 2 || self.rest[..2] == extension::UNINITIALIZED.to_le_bytes()
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        let kind = u16::from_le_bytes([head[0], head[1]]);
        if kind == extension::UNINITIALIZED {
            return None;
        }
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([head[2], head[3]])))?;
        self.rest = rest;
        Some((kind, value))
    }
}

fn address(data: &[u8], at: usize) -> Pubkey {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&data[at..at + 32]);
    Pubkey::new_from_array(bytes)
}

fn integer(data: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&data[at..at + 8]);
    u64::from_le_bytes(bytes)
}
