use std::fmt;

use crate::StoreError;
use crate::values::{bigint, unsigned};

/// The number of tree changes in a registry. A change is named by the number after it: the first
/// change of a registry is change 1.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence of a new registry.
    pub const ZERO: Self = Self(0);

    /// Wraps a number of tree changes.
    #[must_use]
    pub const fn new(changes: u64) -> Self {
        Self(changes)
    }

    /// Returns the number of tree changes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the sequence after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    pub(crate) fn from_column(column: i64) -> Result<Self, StoreError> {
        unsigned(column).map(Self)
    }

    /// Fails if the number is above `i64::MAX`, the largest value of the columns.
    pub(crate) fn to_column(self) -> Result<i64, StoreError> {
        bigint("sequence", self.0)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
