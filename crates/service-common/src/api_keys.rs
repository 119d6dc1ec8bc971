//! API keys: who may do what, until when.
//!
//! A key is `bauta_PREFIX_SECRET`. The service is configured with its line: `PREFIX:SHA-256 of SECRET:SCOPES:EXPIRY`. The prefix is
//! shown everywhere and names the key; the secret has 256 random bits, so that a plain hash of it can't be turned back.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, StatusCode, header};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Problem, Secret};

/// What every key begins with.
const MARK: &str = "bauta";
/// Bytes of a prefix, which has twice as many digits.
const PREFIX: usize = 4;

/// Why a list of keys is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ApiKeyError {
    /// A line that is none.
    #[error(
        "API key {number} must be PREFIX:HASH:SCOPES:EXPIRY: 8 and 64 hexadecimal digits, scopes joined by +, Unix seconds; \
         keys are separated by commas"
    )]
    Malformed {
        /// Which, from 1.
        number: usize,
    },
    /// A scope that the service doesn't have.
    #[error("API key {number} has the scope {scope}, which there isn't: {known}")]
    UnknownScope {
        /// Which, from 1.
        number: usize,
        /// The scope.
        scope: String,
        /// Those that there are.
        known: String,
    },
    /// Two keys of one prefix.
    #[error("API key {number} has the prefix of another: make a new one")]
    Twice {
        /// Which, from 1.
        number: usize,
    },
}

/// A new key: shown once, and never again.
pub struct NewApiKey {
    /// What the client sends.
    pub key: Zeroizing<String>,
    /// What the service is configured with.
    pub line: String,
}

impl NewApiKey {
    /// A random key with these scopes, until a time in Unix seconds. None is for ever: a key that was lost ends some day.
    #[must_use]
    pub fn random(scopes: &[&str], expiry: u64) -> Self {
        let (mut prefix, mut secret) = ([0; PREFIX], Zeroizing::new([0; 32]));
        OsRng.fill_bytes(&mut prefix);
        OsRng.fill_bytes(secret.as_mut_slice());
        let (prefix, secret) = (digits(&prefix), Zeroizing::new(digits(secret.as_slice())));
        let hash = digits(&Sha256::digest(secret.as_bytes()));
        Self {
            line: format!("{prefix}:{hash}:{}:{expiry}", scopes.join("+")),
            key: Zeroizing::new(format!("{MARK}_{prefix}_{}", *secret)),
        }
    }
}

/// The keys that a service knows.
#[derive(Clone)]
pub struct ApiKeys(Vec<Known>);

#[derive(Clone)]
struct Known {
    prefix: String,
    hash: String,
    scopes: Vec<String>,
    expiry: u64,
}

/// Whose request it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key's prefix; empty where no key is needed.
    pub prefix: String,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

impl ApiKeys {
    /// Reads lines separated by commas. `scopes` are those that the service has.
    pub fn parse(setting: &Secret, scopes: &[&str]) -> Result<Self, ApiKeyError> {
        let mut keys: Vec<Known> = Vec::new();
        for (number, line) in (1..).zip(setting.expose().split(',')) {
            let fields: Vec<&str> = line.trim().split(':').collect();
            let [prefix, hash, given, expiry] = fields[..] else {
                return Err(ApiKeyError::Malformed { number });
            };
            let (true, true, Ok(expiry)) = (hex(prefix, 2 * PREFIX), hex(hash, 64), expiry.parse()) else {
                return Err(ApiKeyError::Malformed { number });
            };
            if let Some(scope) = given.split('+').find(|scope| !scopes.contains(scope)) {
                return Err(ApiKeyError::UnknownScope {
                    number,
                    scope: scope.to_owned(),
                    known: scopes.join(", "),
                });
            }
            if keys.iter().any(|key| key.prefix == prefix) {
                return Err(ApiKeyError::Twice { number });
            }
            keys.push(Known {
                prefix: prefix.to_owned(),
                hash: hash.to_owned(),
                scopes: given.split('+').map(str::to_owned).collect(),
                expiry,
            });
        }
        Ok(Self(keys))
    }

    /// Whose request it is, if its `Authorization: Bearer` key has the scope. The problem says whether the key is missing, unknown,
    /// over, or without the scope (401, 401, 401, 403).
    pub fn authorise(&self, headers: &HeaderMap, scope: &str) -> Result<Caller, Problem> {
        let known = self.identify(headers)?;
        let prefix = &known.prefix;
        if !known.scopes.iter().any(|other| other == scope) {
            let detail = format!("the API key {prefix} doesn't have the scope {scope}");
            return Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail).with("scope", scope));
        }
        Ok(Caller {
            prefix: prefix.clone(),
        })
    }

    /// Whose request it is, whatever it may do. None without a key that is known and not over.
    #[must_use]
    pub fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let known = self.identify(headers).ok()?;
        Some(Caller {
            prefix: known.prefix.clone(),
        })
    }

    fn identify(&self, headers: &HeaderMap) -> Result<&Known, Problem> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .map(|(_, key)| key.trim_start())
            .ok_or_else(|| {
                refused(
                    "missing_api_key",
                    "give an API key: Authorization: Bearer bauta_…",
                )
            })?;
        let unknown = || refused("unknown_api_key", "the API key is not one of this service");
        let (prefix, secret) = given
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(|rest| rest.split_once('_'))
            .ok_or_else(unknown)?;
        let hash = digits(&Sha256::digest(secret.as_bytes()));
        let known = self
            .0
            .iter()
            .find(|known| known.prefix == prefix)
            .ok_or_else(unknown)?;
        if !bool::from(known.hash.as_bytes().ct_eq(hash.as_bytes())) {
            return Err(unknown());
        }
        // A clock before 1970 lets no key be over.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        if known.expiry <= now {
            return Err(refused(
                "expired_api_key",
                "the API key's time is over: get a new one",
            ));
        }
        Ok(known)
    }
}

fn refused(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

fn hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn digits(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a text can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPES: [&str; 2] = ["prove", "admin"];

    fn keys(lines: &str) -> Result<ApiKeys, ApiKeyError> {
        ApiKeys::parse(&Secret::new(lines.to_owned()), &SCOPES)
    }

    fn code(keys: &ApiKeys, key: &str, scope: &str) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
        let caller = keys.authorise(&headers, scope);
        caller
            .map(|caller| caller.prefix)
            .map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_opens_what_its_scopes_say_and_its_line_doesnt_have_it() {
        let new = NewApiKey::random(&["prove"], u64::MAX);
        let keys = keys(&new.line).unwrap();
        let (_, secret) = new.key.rsplit_once('_').unwrap();
        assert!(!new.line.contains(secret));
        assert_eq!(code(&keys, &new.key, "prove").unwrap(), new.line[..8]);
        assert_eq!(code(&keys, &new.key, "admin"), Err("missing_scope"));
    }

    #[test]
    fn the_scheme_may_be_written_in_small_letters_and_no_other_is_taken() {
        let new = NewApiKey::random(&["prove"], u64::MAX);
        let keys = keys(&new.line).unwrap();
        let known = |value: String| {
            let headers = [(header::AUTHORIZATION, value.parse().unwrap())];
            keys.caller(&headers.into_iter().collect()).is_some()
        };
        assert!(known(format!("bearer {}", *new.key)) && known(format!("Bearer  {}", *new.key)));
        assert!(!known(format!("Basic {}", *new.key)) && !known(new.key.to_string()));
    }

    #[test]
    fn every_other_key_is_unknown() {
        let new = NewApiKey::random(&["prove"], u64::MAX);
        let keys = keys(&new.line).unwrap();
        for at in 0..new.key.len() {
            let mut other = new.key.as_bytes().to_vec();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(code(&keys, &other, "prove"), Err("unknown_api_key"), "{at}");
        }
        assert_eq!(code(&keys, "", "prove"), Err("unknown_api_key"));
        assert_eq!(
            keys.authorise(&HeaderMap::new(), "prove").unwrap_err().code(),
            "missing_api_key"
        );
    }

    #[test]
    fn a_key_ends_with_its_time() {
        let new = NewApiKey::random(&["prove", "admin"], 1_000);
        assert_eq!(
            code(&keys(&new.line).unwrap(), &new.key, "prove"),
            Err("expired_api_key")
        );
        let new = NewApiKey::random(&["prove", "admin"], u64::MAX);
        assert!(code(&keys(&new.line).unwrap(), &new.key, "admin").is_ok());
        let endless = new.line.replace(&u64::MAX.to_string(), "never");
        assert_eq!(keys(&endless).err(), Some(ApiKeyError::Malformed { number: 1 }));
    }

    #[test]
    fn a_list_that_is_none_is_refused_by_its_place() {
        let line = NewApiKey::random(&["prove"], u64::MAX).line;
        assert_eq!(
            keys(&format!("{line},x")).err(),
            Some(ApiKeyError::Malformed { number: 2 })
        );
        assert_eq!(
            keys(&format!("{line},{line}")).err(),
            Some(ApiKeyError::Twice { number: 2 })
        );
        let other = line.replace("prove", "fly");
        assert!(matches!(
            keys(&other).err(),
            Some(ApiKeyError::UnknownScope { number: 1, .. })
        ));
    }
}
