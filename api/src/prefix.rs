//! Prefixes of keys: the first bits of 32 bytes. A client that requests a prefix shows only that it
//! needs one of its keys.

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// Number of keys that share a prefix of the largest allowed length, on average.
const CANDIDATES: u64 = 256;
/// Largest number of bits of a prefix. 2^32 times 256 keys are more than any set has.
const MAX_BITS: u8 = 32;

/// Why a text is not a prefix of a set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// The text has another form.
    #[error(
        "must be hexadecimal digits and the number of bits, for example a4f/12; unused bits of the last digit must be \
         zero"
    )]
    Malformed,
    /// Few keys of the set share the prefix.
    #[error("must have at most {largest} bits, so that many keys share it")]
    TooLong {
        /// The largest number of bits.
        largest: u8,
    },
}

/// The first bits of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    bits: u8,
    /// The bits, and zeros.
    start: u32,
}

/// Returns the largest number of bits that a prefix may have in a set with this many entries: the
/// floor of log2(entries / 256), and 0 for small sets.
pub fn largest(entries: u64) -> u8 {
    let bits = (entries / CANDIDATES).checked_ilog2().unwrap_or(0);
    u8::try_from(bits).unwrap_or(u8::MAX).min(MAX_BITS)
}

impl Prefix {
    /// The prefix of every key.
    pub const EMPTY: Self = Self { bits: 0, start: 0 };

    /// Reads a prefix with at most `largest` bits, or the empty prefix if there is no text.
    pub fn parse(text: Option<&str>, largest: u8) -> Result<Self, PrefixError> {
        let prefix = text.map_or(Ok(Self::EMPTY), str::parse)?;
        if prefix.bits > largest {
            return Err(PrefixError::TooLong { largest });
        }
        Ok(prefix)
    }

    /// Returns the smallest and the largest key with the prefix.
    pub fn range(self) -> RangeInclusive<[u8; 32]> {
        let rest = u32::MAX.checked_shr(self.bits.into()).unwrap_or(0);
        let (mut first, mut last) = ([0; 32], [0xff; 32]);
        first[..4].copy_from_slice(&self.start.to_be_bytes());
        last[..4].copy_from_slice(&(self.start | rest).to_be_bytes());
        first..=last
    }
}

/// The form `a4f/12`: hexadecimal digits that hold the bits, and the number of bits. Unused bits of
/// the last digit are zero.
impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let parse = || {
            let (digits, bits) = text.split_once('/')?;
            let is_number = !bits.is_empty() && bits.bytes().all(|digit| digit.is_ascii_digit());
            let bits: u8 = is_number.then(|| bits.parse().ok()).flatten()?;
            let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            if bits > MAX_BITS || digits.len() != usize::from(bits.div_ceil(4)) || !is_hexadecimal {
                return None;
            }
            let start = u32::from_str_radix(&format!("{digits:0<8}"), 16).ok()?;
            let rest = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            (start & rest == 0).then_some(Self { bits, start })
        };
        parse().ok_or(PrefixError::Malformed)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:08x}", self.start);
        write!(
            f,
            "{}/{}",
            &digits[..usize::from(self.bits.div_ceil(4))],
            self.bits
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range_of_keys() {
        for (text, first, last) in [
            ("/0", [0, 0, 0, 0], [0xff; 4]),
            ("8/1", [0x80, 0, 0, 0], [0xff; 4]),
            ("a4f/12", [0xa4, 0xf0, 0, 0], [0xa4, 0xff, 0xff, 0xff]),
            ("a4c/10", [0xa4, 0xc0, 0, 0], [0xa4, 0xff, 0xff, 0xff]),
            ("0123abcd/32", [1, 0x23, 0xab, 0xcd], [1, 0x23, 0xab, 0xcd]),
        ] {
            let prefix: Prefix = text.parse().unwrap();
            let range = prefix.range();
            assert_eq!(
                (&range.start()[..4], &range.end()[..4]),
                (&first[..], &last[..]),
                "{text}"
            );
            assert!(range.start()[4..] == [0; 28] && range.end()[4..] == [0xff; 28]);
            assert_eq!(prefix.to_string(), text);
        }
        assert_eq!(Prefix::parse(None, 0), Ok(Prefix::EMPTY));
    }

    #[test]
    fn a_text_whose_digits_or_bits_are_not_those_it_states_is_refused() {
        for text in [
            "",
            "/",
            "a",
            "a4f",
            "a4f/",
            "a4f/13",
            "a4f/8",
            "a4f/x",
            "g/4",
            "9/1",
            "a4f/11",
            "+4/8",
            "a4f/+12",
            "012345678/36",
            "/256",
            "é/4",
            "a/4/4",
        ] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn at_least_256_keys_share_a_prefix_and_small_sets_come_whole() {
        let expected = [
            (0, 0),
            (511, 0),
            (512, 1),
            (1_023, 1),
            (1_024, 2),
            (1 << 20, 12),
            (u64::MAX, 32),
        ];
        for (entries, bits) in expected {
            assert_eq!(largest(entries), bits, "{entries}");
        }
        assert!(Prefix::parse(Some("8/1"), 1).is_ok());
        let error = Prefix::parse(Some("8/2"), 1).unwrap_err();
        assert!(error.to_string().contains("at most 1 bits"), "{error}");
    }
}
