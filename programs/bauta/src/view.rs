//! Accounts as the readers see them: an address, an owner and data.
//!
//! The program and the client use the same readers. The program borrows the data of the accounts of
//! an instruction. The client has the data from a node.

use anchor_lang::prelude::*;
use std::cell::Ref;

/// An account that a reader reads.
#[derive(Clone, Copy, Debug)]
pub struct AccountView<'a> {
    /// The address.
    pub key: &'a Pubkey,
    /// The program that owns the account. The system program if the account does not exist.
    pub owner: &'a Pubkey,
    /// The data. Empty if the account does not exist.
    pub data: &'a [u8],
}

/// An account of an instruction whose data is borrowed.
pub(crate) struct Borrowed<'a> {
    key: &'a Pubkey,
    owner: &'a Pubkey,
    data: Ref<'a, [u8]>,
}

impl<'a> Borrowed<'a> {
    pub(crate) fn of(account: &'a AccountInfo<'_>) -> Result<Self> {
        Ok(Self {
            key: account.key,
            owner: account.owner,
            data: Ref::map(account.try_borrow_data()?, |data| &**data),
        })
    }

    pub(crate) fn of_optional(account: Option<&'a UncheckedAccount<'_>>) -> Result<Option<Self>> {
        account.map(|account| Self::of(account)).transpose()
    }

    pub(crate) fn view(&self) -> AccountView<'_> {
        AccountView {
            key: self.key,
            owner: self.owner,
            data: &self.data,
        }
    }
}

/// Reads Borsh-encoded fields in order. Each method returns `None` if the data ends before the
/// field or the field has no valid value.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Starts at an offset that the data itself contains.
    pub(crate) fn at(data: &'a [u8], offset: u64) -> Option<Self> {
        Some(Self::new(data.get(usize::try_from(offset).ok()?..)?))
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Reads a boolean, or the tag of an optional value: 0 or 1.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn key(&mut self) -> Option<Pubkey> {
        self.array().map(Pubkey::new_from_array)
    }

    pub(crate) fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    /// Skips a list whose items have `item` bytes. A string is a list of bytes.
    pub(crate) fn skip_list(&mut self, item: usize) -> Option<()> {
        // A product of 32 bits and the few bytes of an item fits into 64 bits. The check of an
        // overflow would cost more than the multiplication.
        let bytes = u64::from(self.u32()?).wrapping_mul(item as u64);
        self.skip(usize::try_from(bytes).ok()?)
    }

    /// Skips an optional value of `bytes` bytes.
    pub(crate) fn skip_optional(&mut self, bytes: usize) -> Option<()> {
        if self.flag()? { self.skip(bytes) } else { Some(()) }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }
}
