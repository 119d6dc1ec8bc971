//! Positions in the chain.

use std::fmt;

use crate::StoreError;
use crate::values::{bigint, unsigned};

/// The number of a slot of the cluster.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u64);

impl Slot {
    /// The cluster's first slot.
    pub const ZERO: Self = Self(0);
    /// A slot that the chain never reaches. Use it as "no upper limit".
    pub const MAX: Self = Self(u64::MAX);

    /// Wraps a slot number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the slot number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the slot before this one, or slot 0 if there is none.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Returns the slot `slots` later, or [`Self::MAX`] if there is none.
    #[must_use]
    pub const fn saturating_add(self, slots: u64) -> Self {
        Self(self.0.saturating_add(slots))
    }

    /// Returns the number of slots from `earlier` to this one; 0 if `earlier` is later.
    #[must_use]
    pub const fn slots_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) fn from_column(column: i64) -> Result<Self, StoreError> {
        unsigned(column).map(Self)
    }

    /// Fails if the number is above `i64::MAX`, the largest value of the columns.
    pub(crate) fn to_column(self) -> Result<i64, StoreError> {
        bigint("slot", self.0)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The position of an event in the chain. Positions are ordered as the chain is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// The slot of the transaction.
    pub slot: Slot,
    /// The index of the transaction in the slot.
    pub transaction_index: u32,
    /// The index of the instruction in the transaction.
    pub instruction_index: u32,
    /// The index of the inner instruction among those of the instruction.
    pub inner_index: u32,
}

impl Position {
    /// Returns the position after every event of a slot. It is the checkpoint of a database that
    /// has applied the whole slot.
    #[must_use]
    pub const fn end_of_slot(slot: Slot) -> Self {
        let last = i32::MAX.unsigned_abs();
        Self {
            slot,
            transaction_index: last,
            instruction_index: last,
            inner_index: last,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            slot,
            transaction_index,
            instruction_index,
            inner_index,
        } = self;
        write!(
            f,
            "slot {slot}, transaction {transaction_index}, instruction {instruction_index}.{inner_index}"
        )
    }
}
