use std::fmt;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::HttpError;

/// An API key. It is wiped when it is dropped, and is never shown.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Checks the form of a key.
    pub fn new(key: &str) -> Result<Self, HttpError> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(HttpError::InvalidKey);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// Returns the value of the header `Authorization`.
    pub(crate) fn header(&self) -> Result<HeaderValue, HttpError> {
        let text = Zeroizing::new(format!("Bearer {}", *self.0));
        let mut value = HeaderValue::from_str(&text).map_err(|_| HttpError::InvalidKey)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_visible_characters_and_is_not_shown() {
        let key = ApiKey::new("key-123").unwrap();
        assert_eq!(format!("{key:?} {:?}", key.header().unwrap()), "ApiKey Sensitive");
        for wrong in ["", "a b", "a\nb", "ä"] {
            assert!(ApiKey::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
