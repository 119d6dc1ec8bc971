//! Secret values whose deserialisation errors never contain the value.

use std::fmt;

use bauta_primitives::IdentitySecret;
use serde::{Deserialize, Deserializer, de};
use zeroize::{Zeroize, Zeroizing};

const SECRET_RULE: &str = "must be 0x followed by exactly 64 hexadecimal digits";

/// A value whose deserialisation errors never contain the value.
pub struct Redacted<T>(pub T);

impl<'de> Deserialize<'de> for Redacted<IdentitySecret> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Zeroizing<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SECRET_RULE)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Zeroizing::new(text.to_owned()))
            }

            // The default implementations of the numeric methods repeat the value in their errors.
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
                Err(E::custom(SECRET_RULE))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
                Err(E::custom(SECRET_RULE))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Err(E::custom(SECRET_RULE))
            }
        }

        // The error of `deserialize_str` repeats a number, so `deserialize_any` is used.
        let text = deserializer.deserialize_any(Text)?;
        let mut bytes = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or_default();
        let decoded = hex::decode_to_slice(digits, &mut bytes);
        let secret = decoded
            .map_err(|_| de::Error::custom(SECRET_RULE))
            .and_then(|()| IdentitySecret::from_bytes(&mut bytes).map_err(de::Error::custom));
        bytes.zeroize();
        secret.map(Self)
    }
}
