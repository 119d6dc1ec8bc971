use crate::PrimitivesError;
use core::fmt;

/// An element of BN254's scalar field Fr, stored as 32 big-endian bytes.
///
/// The value is always canonical: below [`FieldElement::MODULUS`]. No constructor returns any other
/// value, so code that receives a `FieldElement` doesn't check it again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldElement([u8; 32]);

impl FieldElement {
    /// The modulus r =
    /// 21888242871839275222246405745257275088548364400416034343698204186575808495617, as 32
    /// big-endian bytes. Source: EIP-196 and EIP-197, where it is the order of the BN254 groups.
    pub const MODULUS: [u8; 32] = [
        0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x28,
        0x33, 0xe8, 0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x01,
    ];

    /// The zero of the field. It is also the empty leaf of a registry tree.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads 32 big-endian bytes. `name` is the value's name in the protocol, for the error
    /// message.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn from_bytes(name: &'static str, bytes: [u8; 32]) -> Result<Self, PrimitivesError> {
        if bytes < Self::MODULUS {
            Ok(Self(bytes))
        } else {
            Err(PrimitivesError::NotCanonical { name })
        }
    }

    /// Returns the element of an integer.
    #[must_use]
    pub const fn from_u64(value: u64) -> Self {
        let mut bytes = [0; 32];
        let word = value.to_be_bytes();
        let mut i = 0;
        while i < 8 {
            bytes[24 + i] = word[i];
            i += 1;
        }
        Self(bytes)
    }

    /// Clears the top three bits of a hash. The result is canonical, because 2^253 is below r.
    #[must_use]
    pub const fn from_hash(mut hash: [u8; 32]) -> Self {
        hash[0] &= 0x1f;
        Self(hash)
    }

    /// Wraps bytes that are known to be canonical: a constant that a test checks, or a Poseidon
    /// hash.
    pub(crate) const fn from_canonical(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 big-endian bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Borrows the 32 big-endian bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns `true` for the field's zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 32]
    }

    /// Reads the JSON form: `0x` and 64 hexadecimal digits in either case.
    ///
    /// # Errors
    /// If the text has another form, or the value is not canonical.
    pub fn from_hex(name: &'static str, text: &str) -> Result<Self, PrimitivesError> {
        let digits = text.strip_prefix("0x").map(str::as_bytes);
        let digits = digits
            .filter(|d| d.len() == 64)
            .ok_or(PrimitivesError::NotHex { name })?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16).ok_or(PrimitivesError::NotHex { name });
            // Two digits below 16 always fit into a byte.
            *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?)
                .map_err(|_| PrimitivesError::NotHex { name })?;
        }
        Self::from_bytes(name, bytes)
    }
}

impl fmt::Display for FieldElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FieldElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl AsRef<[u8]> for FieldElement {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for FieldElement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for FieldElement {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_hex("the value", &text).map_err(serde::de::Error::custom)
    }
}

/// Defines a newtype around [`FieldElement`]. Because every kind of value has its own type, a root
/// can't be passed for a leaf.
macro_rules! field_newtype {
    ($(#[$doc:meta])* $type:ident, $name:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $type(pub(crate) $crate::FieldElement);

        impl $type {
            /// The value's name in the protocol.
            pub const NAME: &'static str = $name;

            /// Wraps a field element.
            #[must_use]
            pub const fn new(element: $crate::FieldElement) -> Self {
                Self(element)
            }

            /// Reads 32 big-endian bytes.
            ///
            /// # Errors
            /// If the bytes are not canonical.
            pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, $crate::PrimitivesError> {
                $crate::FieldElement::from_bytes(Self::NAME, bytes).map(Self)
            }

            /// Reads `0x` and 64 hexadecimal digits.
            ///
            /// # Errors
            /// If the text has another form, or the value is not canonical.
            pub fn from_hex(text: &str) -> Result<Self, $crate::PrimitivesError> {
                $crate::FieldElement::from_hex(Self::NAME, text).map(Self)
            }

            /// Returns the 32 big-endian bytes.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 32] {
                self.0.to_bytes()
            }

            /// Returns the wrapped field element.
            #[must_use]
            pub const fn element(self) -> $crate::FieldElement {
                self.0
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_hex(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use field_newtype;
