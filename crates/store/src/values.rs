//! The values of columns other than field elements, and their conversions.

use bauta_primitives::FieldElement;
use bauta_primitives::tree::{Depth, LeafIndex};
use solana_address::Address;
use solana_signature::Signature;

use crate::StoreError;

/// Declares an enum that a column stores as text.
macro_rules! text_enum {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $type { $($(#[$variant_doc])* $variant),+ }

        impl $type {
            /// Returns the value of the column.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(StoreError::Damaged(format!(
                        "{other:?} is not a value of {}",
                        stringify!($type)
                    ))),
                }
            }
        }
    };
}
pub(crate) use text_enum;

text_enum! {
    /// The rule that decides who changes the leaves of a registry.
    RegistryKind {
        /// Holders register themselves. Anyone can evict a holder on evidence that the token moved.
        Holders = "holders",
        /// The authority appends and replaces leaves.
        Managed = "managed",
        /// The authority publishes roots of a tree that it keeps off chain.
        Attested = "attested",
    }
}
text_enum! {
    /// The rule that decides which roots a scope accepts.
    ScopeMode {
        /// The scope accepts the registry's root from the time of the scope's creation.
        Snapshot = "snapshot",
        /// The scope accepts the registry's current root and its kept roots.
        Live = "live",
    }
}
text_enum! {
    /// Whether a scope accepts verifications between its opening and its closing time.
    ScopeStatus {
        /// The scope accepts verifications.
        Open = "open",
        /// The creator closed the scope early.
        Closed = "closed",
    }
}
text_enum! {
    /// Where a verifying key comes from.
    Provenance {
        /// A published seed. Anyone can forge proofs.
        Development = "development",
        /// A ceremony of several contributors.
        Ceremony = "ceremony",
    }
}
text_enum! {
    /// Whether a circuit is suspended.
    CircuitStatus {
        /// The circuit accepts scopes and verifications until it retires.
        Active = "active",
        /// The circuit accepts no scopes and no verifications until it is resumed.
        Suspended = "suspended",
    }
}

/// Converts a column whose domain fixes its length to 32 bytes.
pub fn bytes32(column: &[u8]) -> Result<[u8; 32], StoreError> {
    column
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("a column has {} bytes instead of 32", column.len())))
}

pub fn element(column: &[u8]) -> Result<FieldElement, StoreError> {
    Ok(FieldElement::from_bytes("a stored value", bytes32(column)?)?)
}

pub fn address(column: &[u8]) -> Result<Address, StoreError> {
    bytes32(column).map(Address::from)
}

pub fn signature(column: &[u8]) -> Result<Signature, StoreError> {
    column
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("a signature has {} bytes instead of 64", column.len())))
}

pub fn leaf_index(depth: Depth, column: i64) -> Result<LeafIndex, StoreError> {
    Ok(depth.check_index(unsigned(column)?)?)
}

/// Converts a whole number that a CHECK constraint keeps from being negative.
pub fn unsigned(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column)
        .map_err(|_| StoreError::Damaged(format!("{column} is stored where a number can't be negative")))
}

/// Converts a number to the value of a `bigint` column.
pub fn bigint(name: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::TooLarge {
        name,
        value,
        max: i64::MAX.unsigned_abs(),
    })
}

/// Converts a number to the value of an `integer` column.
pub fn integer(name: &'static str, value: u32) -> Result<i32, StoreError> {
    i32::try_from(value).map_err(|_| StoreError::TooLarge {
        name,
        value: value.into(),
        max: i32::MAX.unsigned_abs().into(),
    })
}

/// Refuses Unix seconds that `to_timestamp` doesn't take or that are after the year 9999.
pub fn time(seconds: i64) -> Result<i64, StoreError> {
    if (0..=253_402_300_799).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(StoreError::TimeOutOfRange { time: seconds })
    }
}
