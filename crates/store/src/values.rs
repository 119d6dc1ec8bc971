//! The values that tables hold besides field elements, and how they go in and out.

use std::fmt;

use bauta_primitives::FieldElement;

use crate::StoreError;

/// A Solana address: an account, a mint, a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 32]);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).into_string())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A transaction's first signature, which names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).into_string())
    }
}

/// Where an event is in the chain. Positions are ordered as the chain is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// The slot.
    pub slot: u64,
    /// The transaction within the slot.
    pub transaction_index: u32,
    /// The instruction within the transaction.
    pub instruction_index: u32,
    /// The inner instruction within the instruction's.
    pub inner_index: u32,
}

impl Position {
    /// After everything in a slot: the checkpoint of a slot that is done.
    #[must_use]
    pub const fn end_of_slot(slot: u64) -> Self {
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

/// An enum that a column holds as text.
macro_rules! text_enum {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $type { $($(#[$variant_doc])* $variant),+ }

        impl $type {
            /// The value of the column.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(StoreError::Damaged(format!("{other} is no {}", stringify!($type)))),
                }
            }
        }
    };
}
pub(crate) use text_enum;

text_enum! {
    /// Who decides about a registry's leaves.
    RegistryKind {
        /// Holders register themselves, anyone evicts on evidence.
        Holders = "holders",
        /// The authority appends and replaces.
        Managed = "managed",
        /// The authority publishes roots of a tree kept off chain.
        Attested = "attested",
    }
}
text_enum! {
    /// Which roots a scope accepts.
    ScopeMode {
        /// The registry's root when the scope was created.
        Snapshot = "snapshot",
        /// The registry's current and kept roots.
        Live = "live",
    }
}
text_enum! {
    /// Whether a scope still takes verifications (within its times).
    ScopeStatus {
        /// It does.
        Open = "open",
        /// Its creator ended it.
        Closed = "closed",
    }
}
text_enum! {
    /// Where a verifying key comes from.
    Provenance {
        /// A published seed: anyone can forge.
        Development = "development",
        /// A ceremony.
        Ceremony = "ceremony",
    }
}
text_enum! {
    /// Whether a circuit may be used.
    CircuitStatus {
        /// It may.
        Active = "active",
        /// No more.
        Retired = "retired",
    }
}

/// 32 bytes from a column whose domain says so.
pub fn bytes32(column: &[u8]) -> Result<[u8; 32], StoreError> {
    column
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("{} bytes where 32 belong", column.len())))
}

/// A field element from a column.
pub fn element(column: &[u8]) -> Result<FieldElement, StoreError> {
    Ok(FieldElement::from_bytes("a stored value", bytes32(column)?)?)
}

/// An address from a column.
pub fn address(column: &[u8]) -> Result<Address, StoreError> {
    bytes32(column).map(Address)
}

/// A whole number that a CHECK keeps from being negative.
pub fn unsigned(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column)
        .map_err(|_| StoreError::Damaged(format!("{column} where no negative number belongs")))
}

/// A number for a bigint column.
pub fn bigint(name: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::TooLarge {
        name,
        value,
        max: i64::MAX.unsigned_abs(),
    })
}

/// A number for an integer column.
pub fn integer(name: &'static str, value: u32) -> Result<i32, StoreError> {
    i32::try_from(value).map_err(|_| StoreError::TooLarge {
        name,
        value: value.into(),
        max: i32::MAX.unsigned_abs().into(),
    })
}

/// A uint64 column, which travels as text.
pub fn uint64(column: &str) -> Result<u64, StoreError> {
    column
        .parse()
        .map_err(|_| StoreError::Damaged(format!("{column} is no 64-bit number")))
}

/// Unix seconds that `to_timestamp` takes and people read.
pub fn time(seconds: i64) -> Result<i64, StoreError> {
    if (0..=253_402_300_799).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(StoreError::TimeOutOfRange { time: seconds })
    }
}
