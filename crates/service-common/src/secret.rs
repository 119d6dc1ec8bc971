use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use zeroize::Zeroizing;

/// A secret text of the configuration: a key, or a URL that contains a password. It is wiped from
/// memory when it is dropped, can't be serialised, and prints as `[secret]`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Makes a text a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the text. Don't log or copy it.
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

/// Implemented by hand, because the errors of serde's implementation repeat the value.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Text {
            fn refused<E: de::Error>() -> Result<Secret, E> {
                Err(E::custom("must be a string in quotes"))
            }
        }

        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string in quotes")
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
