use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use zeroize::Zeroizing;

/// A secret text of the configuration: a key, or an address with a password in it. It is wiped from memory when dropped,
/// can't be serialised, and prints as `[secret]`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one who needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Deserialises by hand, because serde's own errors repeat the value.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Text {
            fn refused<E: de::Error>() -> Result<Secret, E> {
                Err(E::custom("must be a text in quotes"))
            }
        }

        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
                Self::refused()
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
                Self::refused()
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
                Self::refused()
            }
        }

        deserializer.deserialize_string(Text)
    }
}
