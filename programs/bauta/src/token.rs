//! Reads SPL Token and Token-2022 accounts where they lie. Only what registering and evicting need; a test compares it
//! with the token programs' own libraries.
//!
//! ```text
//!   mint            0..4 has authority, 36..44 supply (LE), 44 decimals, 45 initialised          82 bytes
//!   token account   0..32 mint, 32..64 owner, 64..72 amount (LE), 108 state (1 initialised, 2 frozen)   165 bytes
//!   Token-2022      165 account type (1 mint, 2 account), then extensions: type u16, length u16 (LE), value
//! ```

use crate::errors::BautaError;
use anchor_lang::{prelude::*, pubkey};

/// SPL Token.
pub const TOKEN_PROGRAM: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022_PROGRAM: Pubkey = pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

const MINT_BYTES: usize = 82;
const ACCOUNT_BYTES: usize = 165;
/// A multisig has this many bytes and no account type; the token programs give no other account this length.
const MULTISIG_BYTES: usize = 355;
/// Account types of Token-2022.
const MINT_TYPE: u8 = 1;
const ACCOUNT_TYPE: u8 = 2;
/// Extension types of Token-2022.
const UNINITIALIZED: u16 = 0;
const MINT_CLOSE_AUTHORITY: u16 = 3;
const CONFIDENTIAL_TRANSFER_MINT: u16 = 4;
const PERMANENT_DELEGATE: u16 = 12;
const CONFIDENTIAL_TRANSFER_FEE_CONFIG: u16 = 16;
const TOKEN_GROUP_MEMBER: u16 = 23;
const CONFIDENTIAL_MINT_BURN: u16 = 24;

/// A mint account's content.
pub struct Mint<'a> {
    data: &'a [u8],
}

/// The `TokenGroupMember` extension inside a mint.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The mint that is the member.
    pub mint: Pubkey,
    /// The group's mint.
    pub group: Pubkey,
}

impl<'a> Mint<'a> {
    /// Reads the data of an account that `program` owns. Refused unless it is an initialised mint.
    pub fn read(program: &Pubkey, data: &'a [u8]) -> Result<Self> {
        require!(is_token_program(program), BautaError::NotAMint);
        require!(
            has_shape(program, data, MINT_BYTES, MINT_TYPE),
            BautaError::InvalidMint
        );
        require!(data[45] == 1, BautaError::InvalidMint);
        Ok(Self { data })
    }

    /// Tokens in existence.
    #[must_use]
    pub fn supply(&self) -> u64 {
        integer(self.data, 36)
    }

    /// Refuses unless there is one token, indivisible, and never a second; nobody can take it from its holder unseen,
    /// nor close the mint and bring it back.
    pub fn check_unique(&self) -> Result<()> {
        require!(self.supply() == 1, BautaError::SupplyNotOne);
        require!(self.data[44] == 0, BautaError::DecimalsNotZero);
        require!(self.data[..4] == [0; 4], BautaError::HasMintAuthority);
        for (kind, _) in self.extensions()? {
            match kind {
                MINT_CLOSE_AUTHORITY => return err!(BautaError::HasMintCloseAuthority),
                PERMANENT_DELEGATE => return err!(BautaError::HasPermanentDelegate),
                CONFIDENTIAL_TRANSFER_MINT | CONFIDENTIAL_TRANSFER_FEE_CONFIG | CONFIDENTIAL_MINT_BURN => {
                    return err!(BautaError::HasConfidentialExtension);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The group membership that lies in the mint itself. Pointers to other accounts are ignored: they can lie.
    pub fn group_member(&self) -> Result<Option<GroupMember>> {
        let member = self.extensions()?.find(|(kind, _)| *kind == TOKEN_GROUP_MEMBER);
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
        require!(list.clone().ends_well(), BautaError::InvalidMint);
        Ok(list)
    }
}

/// A token account's content.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenAccount {
    /// Whose tokens.
    pub mint: Pubkey,
    /// Who holds them.
    pub owner: Pubkey,
    /// How many.
    pub amount: u64,
    /// Whether they are frozen.
    pub frozen: bool,
}

impl TokenAccount {
    /// Reads the data of an account that `program` owns. Refused unless it is an initialised token account.
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

/// Whether `program` is one of the token programs.
#[must_use]
pub fn is_token_program(program: &Pubkey) -> bool {
    *program == TOKEN_PROGRAM || *program == TOKEN_2022_PROGRAM
}

/// Whether `data` has the length of a plain account of `base` bytes or, in Token-2022, an account type after the longest
/// plain account's bytes.
fn has_shape(program: &Pubkey, data: &[u8], base: usize, account_type: u8) -> bool {
    data.len() == base
        || (*program == TOKEN_2022_PROGRAM
            && data.len() > ACCOUNT_BYTES
            && data.len() != MULTISIG_BYTES
            && data[ACCOUNT_BYTES] == account_type)
}

/// The extensions as pairs of type and value; ends at type 0 or the end.
#[derive(Clone)]
struct Extensions<'a> {
    rest: &'a [u8],
}

impl Extensions<'_> {
    fn ends_well(mut self) -> bool {
        while self.next().is_some() {}
        self.rest.len() < 2 || self.rest[..2] == UNINITIALIZED.to_le_bytes()
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        let kind = u16::from_le_bytes([head[0], head[1]]);
        if kind == UNINITIALIZED {
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
