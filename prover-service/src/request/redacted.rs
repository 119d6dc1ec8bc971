//! Secret values whose deserialisation errors never contain the value.

use std::fmt;

use bauta_primitives::{
    IdentitySecret,
    statements::{Handle, Salt},
};
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

const SECRET_RULE: &str = "must be 0x followed by exactly 64 hexadecimal digits";
const NUMBER_RULE: &str = "must be a whole number in the range of the field";
const KEY_RULE: &str = "must be 0x followed by exactly 30 hexadecimal digits";

/// A value whose deserialisation errors never contain the value.
pub struct Redacted<T>(pub T);

impl<'de> Deserialize<'de> for Redacted<IdentitySecret> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = hexadecimal::<D, 32>(deserializer, SECRET_RULE)?;
        IdentitySecret::from_bytes(&mut bytes)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Redacted<Salt> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = hexadecimal::<D, 32>(deserializer, SECRET_RULE)?;
        Salt::from_bytes(&mut bytes).map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Redacted<Handle> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hexadecimal::<D, 15>(deserializer, KEY_RULE)?;
        Handle::new(number(&bytes)).map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Redacted<Zeroizing<String>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "must be a text").map(Self)
    }
}

impl<'de> Deserialize<'de> for Redacted<u64> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number).map(Self)
    }
}

impl<'de> Deserialize<'de> for Redacted<u32> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(Number)?;
        let number = u32::try_from(number);
        number.map(Self).map_err(|_| de::Error::custom(NUMBER_RULE))
    }
}

/// Reads a whole number. The error is the rule. The default errors repeat the value.
struct Number;

impl de::Visitor<'_> for Number {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NUMBER_RULE)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<u64, E> {
        Err(E::custom(NUMBER_RULE))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<u64, E> {
        Err(E::custom(NUMBER_RULE))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<u64, E> {
        Err(E::custom(NUMBER_RULE))
    }
}

/// A key of the list of revocations.
pub struct RevocationKey(pub u128);

impl<'de> Deserialize<'de> for RevocationKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hexadecimal::<D, 15>(deserializer, KEY_RULE).map(|bytes| Self(number(&bytes)))
    }
}

/// Reads a number of 120 bits.
fn number(bytes: &[u8; 15]) -> u128 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Reads `0x` and the digits of N bytes. The error is the rule.
fn hexadecimal<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
    rule: &'static str,
) -> Result<Zeroizing<[u8; N]>, D::Error> {
    let text = text(deserializer, rule)?;
    let mut bytes = Zeroizing::new([0; N]);
    let digits = text.strip_prefix("0x").unwrap_or_default();
    hex::decode_to_slice(digits, bytes.as_mut_slice()).map_err(|_| de::Error::custom(rule))?;
    Ok(bytes)
}

/// Reads a text. The error is the rule.
fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    rule: &'static str,
) -> Result<Zeroizing<String>, D::Error> {
    struct Text(&'static str);

    impl de::Visitor<'_> for Text {
        type Value = Zeroizing<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Zeroizing::new(text.to_owned()))
        }

        // The default implementations of the numeric methods repeat the value in their errors.
        fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(E::custom(self.0))
        }

        fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(E::custom(self.0))
        }

        fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(E::custom(self.0))
        }
    }

    // The error of `deserialize_str` repeats a number, so `deserialize_any` is used.
    deserializer.deserialize_any(Text(rule))
}
