use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::InvalidValue;
use crate::{FieldElement, Leaf};

/// The number of bits of a handle.
pub const HANDLE_BITS: usize = 120;
/// The greatest key. It ends the list, so it is no handle.
const END: u128 = (1 << HANDLE_BITS) - 1;

/// The identifier by which an address is revoked: a random number from 1 to 2^120 − 2.
///
/// The value is wiped from memory when it is dropped. The type has no `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Handle(u128);

impl Handle {
    /// Generates a handle.
    pub fn random(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = [0; 16];
        loop {
            rng.fill_bytes(&mut bytes[..HANDLE_BITS / 8]);
            if let Ok(handle) = Self::new(u128::from_le_bytes(bytes)) {
                bytes.zeroize();
                return handle;
            }
        }
    }

    /// Checks a handle.
    ///
    /// # Errors
    /// If it is 0, or 2^120 − 1 or greater. These are the ends of the list of revocations.
    pub const fn new(handle: u128) -> Result<Self, InvalidValue> {
        if handle == 0 || handle >= END {
            return Err(InvalidValue {
                field: "handle",
                rule: "must be from 1 to 2^120 - 2",
            });
        }
        Ok(Self(handle))
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(&self) -> u128 {
        self.0
    }
}

/// An element of the list of revoked handles: a revoked handle, or 0 for the first element, and the
/// next greater one, or 2^120 − 1 for the last element. A handle strictly between the two is not
/// revoked.
///
/// A leaf of format 129 is the pair itself, `key + 2^120 · next`, so anyone rebuilds the list from
/// the registry's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    key: u128,
    next: u128,
}

impl Gap {
    /// The leaf format of the auxiliary registry.
    pub const LEAF_FORMAT: u8 = 129;
    /// The only element of an empty list.
    pub const ALL: Self = Self { key: 0, next: END };

    /// Creates an element.
    ///
    /// # Errors
    /// If the keys are not in order, or do not fit 120 bits.
    pub const fn new(key: u128, next: u128) -> Result<Self, InvalidValue> {
        if next > END {
            return Err(InvalidValue {
                field: "next",
                rule: "must be below 2^120",
            });
        }
        if key >= next {
            return Err(InvalidValue {
                field: "key",
                rule: "must be less than next",
            });
        }
        Ok(Self { key, next })
    }

    /// Returns the lower key.
    #[must_use]
    pub const fn key(&self) -> u128 {
        self.key
    }

    /// Returns the next key.
    #[must_use]
    pub const fn next(&self) -> u128 {
        self.next
    }

    /// Returns whether the handle is strictly between the two keys, and therefore not revoked.
    #[must_use]
    pub const fn contains(&self, handle: &Handle) -> bool {
        self.key < handle.0 && handle.0 < self.next
    }

    /// Returns whether the handle is one of the two keys, and therefore revoked.
    #[must_use]
    pub const fn ends_at(&self, handle: &Handle) -> bool {
        self.key == handle.0 || self.next == handle.0
    }

    /// Divides the element by a revocation. The registry's authority appends the second element and
    /// then replaces this one by the first. In the order of the result, a client that sees only
    /// the first change finds no element that contains a revoked handle.
    ///
    /// # Errors
    /// If the element does not contain the handle.
    pub fn revoke(&self, handle: &Handle) -> Result<[Self; 2], InvalidValue> {
        if !self.contains(handle) {
            return Err(InvalidValue {
                field: "handle",
                rule: "must be strictly between key and next",
            });
        }
        let appended = Self {
            key: handle.0,
            next: self.next,
        };
        let replaced = Self {
            key: self.key,
            next: handle.0,
        };
        Ok([appended, replaced])
    }

    /// Reads a leaf of format 129. Returns `None` if it is not an element, for example if it is
    /// empty.
    #[must_use]
    pub fn from_leaf(leaf: Leaf) -> Option<Self> {
        let bytes = leaf.element().to_bytes();
        let number = |from: usize| {
            let digits = bytes[from..from + HANDLE_BITS / 8].iter();
            digits.fold(0, |number, byte| number << 8 | u128::from(*byte))
        };
        let is_pair = bytes[..2] == [0, 0];
        Self::new(number(17), number(2)).ok().filter(|_| is_pair)
    }

    /// Returns the leaf: `key + 2^120 · next`.
    #[must_use]
    pub const fn leaf(&self) -> Leaf {
        let mut bytes = [0; 32];
        let (key, next) = (self.key.to_be_bytes(), self.next.to_be_bytes());
        let mut i = 0;
        // Both numbers have 15 bytes. The two highest bytes of the element stay zero.
        while i < HANDLE_BITS / 8 {
            bytes[2 + i] = next[1 + i];
            bytes[17 + i] = key[1 + i];
            i += 1;
        }
        Leaf::new(FieldElement::from_canonical(bytes))
    }
}
