//! API keys: which client may do what, and until when.
//!
//! A key is `bauta_PREFIX_SECRET`. The prefix identifies the key in logs and is not secret. The
//! secret has 256 random bits, so a plain hash of it can't be reversed.
//!
//! A key `bautapub_PREFIX_SECRET` is for web pages, whose visitors can read it. It is accepted only
//! from the origins that it is bound to. A browser sends the true origin of its pages; another
//! program can send any, so such a key may have only permissions that cost its owner little. Its
//! hash is that of the whole key, so that no text is a key of both kinds.
//!
//! A service knows two kinds of keys. Its configuration has one line for each key: `PREFIX:SHA-256
//! of SECRET:PERMISSIONS:EXPIRY`, and optionally `:REQUESTS:PROOFS`, the key's own limits per
//! minute. The database has further keys, which change without a restart: see
//! [`stored_keys`](crate::stored_keys).

use std::{fmt, time::Duration};

use bauta_store::{ApiKey, Store};

use axum::http::{HeaderMap, HeaderValue, header};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    Origin, Secret,
    origins::is_from,
    stored_keys::{KeysUnavailable, StoredKeys, is_expired, seconds_left},
};

/// The first part of a key for servers.
const SCHEME: &str = "bauta_";
/// The first part of a key for web pages.
const PAGE_SCHEME: &str = "bautapub_";
/// Bytes of a prefix. It is written with twice as many hexadecimal digits.
const PREFIX_BYTES: usize = 4;
/// The shortest and the longest time between two checks of the key of a stream without a change.
const MIN_RECHECK: Duration = Duration::from_millis(100);
const MAX_RECHECK: Duration = Duration::from_secs(30);
/// Hexadecimal digits of a SHA-256 hash.
const HASH_DIGITS: usize = 64;

/// Why a list of keys is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ApiKeyError {
    /// A line doesn't have the form `PREFIX:HASH:PERMISSIONS:EXPIRY[:REQUESTS:PROOFS]`.
    #[error(
        "API key {number} must be PREFIX:HASH:PERMISSIONS:EXPIRY or PREFIX:HASH:PERMISSIONS:EXPIRY:REQUESTS:PROOFS: \
         8 hexadecimal digits, 64 hexadecimal digits, permissions joined by +, Unix seconds, and two numbers that may \
         be empty; separate keys with commas"
    )]
    Malformed {
        /// Position of the line in the list, from 1.
        number: usize,
    },
    /// The service doesn't have this permission.
    #[error("API key {number} has the unknown permission {permission}; the permissions are {known}")]
    UnknownPermission {
        /// Position of the line in the list, from 1.
        number: usize,
        /// The unknown permission.
        permission: String,
        /// The permissions that the service has, separated by commas.
        known: String,
    },
    /// Two keys have the same prefix.
    #[error("API key {number} has the same prefix as an earlier key: generate a new key")]
    DuplicatePrefix {
        /// Position of the second key in the list, from 1.
        number: usize,
    },
}

/// Why a request isn't authorised.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AuthorisationError {
    /// The request has no `Authorization: Bearer` header.
    #[error("an API key is required: send Authorization: Bearer bauta_…")]
    MissingKey,
    /// The service isn't configured with this key.
    #[error("this service doesn't know the API key")]
    UnknownKey,
    /// The key's expiry has passed.
    #[error("the API key has expired: request a new one from the operator")]
    ExpiredKey,
    /// The database has been unavailable for longer than its keys are accepted without it.
    #[error("the API keys can't be read: {0}")]
    Unavailable(KeysUnavailable),
    /// The key is for web pages of other origins.
    #[error(
        "the API key {prefix} is for web pages of other origins: use it from a page of one of its origins"
    )]
    OtherOrigin {
        /// The key's prefix.
        prefix: String,
    },
    /// The key is valid, but doesn't have the permission that the route requires.
    #[error("the API key {prefix} doesn't have the permission {permission}")]
    MissingPermission {
        /// The key's prefix.
        prefix: String,
        /// The permission that the route requires.
        permission: String,
    },
}

impl AuthorisationError {
    /// Returns the stable error code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingKey => "missing_api_key",
            Self::UnknownKey => "unknown_api_key",
            Self::ExpiredKey => "expired_api_key",
            Self::Unavailable(_) => "database_away",
            Self::OtherOrigin { .. } => "origin_not_allowed",
            Self::MissingPermission { .. } => "missing_permission",
        }
    }
}

/// A new key. The key itself is shown once and is stored nowhere.
pub struct NewApiKey {
    /// The key that the client sends.
    pub key: Zeroizing<String>,
    /// The line that the service is configured with.
    pub line: String,
    /// The row of the database.
    pub row: ApiKey,
}

impl NewApiKey {
    /// Generates a random key with these permissions that is valid until `expiry`, in Unix seconds.
    /// Every key has an expiry, so that a lost key becomes useless at some point.
    #[must_use]
    pub fn random(permissions: &[&str], expiry: u64, quota: Quota) -> Self {
        let (prefix, secret) = random_parts();
        let hash = hash(&secret);
        Self {
            line: format!(
                "{prefix}:{}:{}:{expiry}{quota}",
                to_hex(&hash),
                permissions.join("+")
            ),
            key: Zeroizing::new(format!("{SCHEME}{prefix}_{}", *secret)),
            row: row(prefix, hash, permissions, expiry, quota),
        }
    }

    /// Generates a random key for web pages of these origins. It has no line, because the
    /// configuration has only keys for servers.
    #[must_use]
    pub fn for_pages(permissions: &[&str], expiry: u64, origins: &[Origin]) -> Self {
        let (prefix, secret) = random_parts();
        let key = Zeroizing::new(format!("{PAGE_SCHEME}{prefix}_{}", *secret));
        let mut row = row(prefix, hash(&key), permissions, expiry, Quota::default());
        row.origins = origins.iter().map(|origin| origin.as_str().to_owned()).collect();
        Self {
            key,
            line: String::new(),
            row,
        }
    }
}

fn random_parts() -> (String, Zeroizing<String>) {
    let (mut prefix, mut secret) = ([0; PREFIX_BYTES], Zeroizing::new([0; 32]));
    OsRng.fill_bytes(&mut prefix);
    OsRng.fill_bytes(secret.as_mut_slice());
    (to_hex(&prefix), Zeroizing::new(to_hex(secret.as_slice())))
}

fn row(prefix: String, secret_hash: [u8; 32], permissions: &[&str], expiry: u64, quota: Quota) -> ApiKey {
    ApiKey {
        owner: prefix.clone(),
        prefix,
        secret_hash,
        permissions: permissions.iter().copied().map(str::to_owned).collect(),
        requests_per_minute: quota.requests_per_minute,
        proofs_per_minute: quota.proofs_per_minute,
        origins: Vec::new(),
        expires_at: i64::try_from(expiry).unwrap_or(i64::MAX),
    }
}

/// A key's own limits per minute. 0 means no limit. `None` means the service's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Largest number of requests in a minute.
    pub requests_per_minute: Option<u32>,
    /// Largest number of proofs in a minute.
    pub proofs_per_minute: Option<u32>,
}

/// Writes the two fields of a key's line, or nothing if the key has no own limits.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return Ok(());
        }
        for limit in [self.requests_per_minute, self.proofs_per_minute] {
            f.write_str(":")?;
            if let Some(limit) = limit {
                write!(f, "{limit}")?;
            }
        }
        Ok(())
    }
}

impl Quota {
    /// Parses the two fields of a key's line.
    fn parse(fields: &[&str]) -> Option<Self> {
        let limit = |text: &str| match text {
            "" => Some(None),
            text => text.parse().ok().map(Some),
        };
        match fields {
            [] => Some(Self::default()),
            [requests, proofs] => Some(Self {
                requests_per_minute: limit(requests)?,
                proofs_per_minute: limit(proofs)?,
            }),
            _ => None,
        }
    }
}

/// The keys that a service accepts: those of its configuration, and those of the database. The
/// default has no key.
#[derive(Default)]
pub struct ApiKeys {
    configured: Vec<ApiKey>,
    stored: Option<StoredKeys>,
}

/// The client that sent a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The API key's prefix. Empty if the caller is anonymous.
    pub prefix: String,
    /// The prefix of the client's first API key. Jobs and rate limits belong to the owner, so a key
    /// that replaces another key keeps them. Empty if the caller is anonymous.
    pub owner: String,
    /// The key's own limits.
    pub quota: Quota,
}

impl ApiKeys {
    /// Parses lines separated by commas. `permissions` lists the permissions that the service has.
    /// An empty setting has no keys.
    pub fn parse(setting: &Secret, permissions: &[&str]) -> Result<Self, ApiKeyError> {
        if setting.expose().trim().is_empty() {
            return Ok(Self::default());
        }
        let mut keys: Vec<ApiKey> = Vec::new();
        for (number, line) in (1..).zip(setting.expose().split(',')) {
            let fields: Vec<&str> = line.trim().split(':').collect();
            let [prefix, hash, granted, expiry, quota @ ..] = fields.as_slice() else {
                return Err(ApiKeyError::Malformed { number });
            };
            let expiry = expiry.parse::<u64>();
            let (true, Some(secret_hash), Ok(expiry), Some(quota)) = (
                is_hex(prefix, 2 * PREFIX_BYTES),
                from_hex(hash),
                expiry,
                Quota::parse(quota),
            ) else {
                return Err(ApiKeyError::Malformed { number });
            };
            if let Some(permission) = granted.split('+').find(|name| !permissions.contains(name)) {
                return Err(ApiKeyError::UnknownPermission {
                    number,
                    permission: permission.to_owned(),
                    known: permissions.join(", "),
                });
            }
            if keys.iter().any(|key| key.prefix == *prefix) {
                return Err(ApiKeyError::DuplicatePrefix { number });
            }
            keys.push(ApiKey {
                prefix: (*prefix).to_owned(),
                owner: (*prefix).to_owned(),
                secret_hash,
                permissions: granted.split('+').map(str::to_owned).collect(),
                requests_per_minute: quota.requests_per_minute,
                proofs_per_minute: quota.proofs_per_minute,
                origins: Vec::new(),
                expires_at: i64::try_from(expiry).unwrap_or(i64::MAX),
            });
        }
        Ok(Self {
            configured: keys,
            stored: None,
        })
    }

    /// Accepts the keys of a database as well. A key of the configuration has precedence over a key
    /// with the same prefix. A key of an account whose owner is a key of the configuration is not
    /// accepted.
    #[must_use]
    pub fn with_store(self, store: Store) -> Self {
        let prefixes = self.configured.iter().map(|key| key.prefix.clone());
        Self {
            stored: Some(StoredKeys::new(store, prefixes.collect())),
            ..self
        }
    }

    /// Returns whether there is no key: neither in the configuration nor in the database. Returns
    /// `false` if the database is unavailable, because it may have keys.
    pub async fn is_empty(&self) -> bool {
        let stored = async {
            match &self.stored {
                Some(stored) => stored.is_empty().await,
                None => true,
            }
        };
        self.configured.is_empty() && stored.await
    }

    /// Returns the caller if the `Authorization: Bearer` key of the request has the permission.
    pub async fn authorise(
        &self,
        headers: &HeaderMap,
        permission: &str,
    ) -> Result<Caller, AuthorisationError> {
        let key = self.identify(headers).await?;
        check_permission(&key, permission)?;
        Ok(caller(key))
    }

    /// Fails if the key with this prefix isn't valid any more or doesn't have the permission. A
    /// service calls this for a client that it authorised earlier by its key, for example when the
    /// client opened a websocket.
    pub async fn check_again(&self, prefix: &str, permission: &str) -> Result<(), AuthorisationError> {
        let key = self.find(prefix).await?;
        check_expiry(&key)?;
        check_permission(&key, permission)
    }

    /// Waits until the key with this prefix is no longer valid, or doesn't have the permission.
    /// Returns why. A service calls this for a stream that a key has opened, while [`Self::follow`]
    /// runs.
    pub async fn until_refused(&self, prefix: &str, permission: &str) -> AuthorisationError {
        let mut changes = self.stored.as_ref().map(StoredKeys::changes);
        loop {
            let left = match self.find(prefix).await {
                Err(error) => return error,
                Ok(key) => {
                    let checked = check_expiry(&key).and_then(|()| check_permission(&key, permission));
                    if let Err(error) = checked {
                        return error;
                    }
                    seconds_left(&key)
                }
            };
            let changed = async {
                match &mut changes {
                    // The sender lives as long as the keys.
                    Some(changes) => drop(changes.changed().await),
                    None => std::future::pending().await,
                }
            };
            let wait = Duration::from_secs(left).clamp(MIN_RECHECK, MAX_RECHECK);
            let _ = tokio::time::timeout(wait, changed).await;
        }
    }

    /// Keeps the copy of the stored keys new while streams wait for them. Never returns.
    pub async fn follow(&self) {
        match &self.stored {
            Some(stored) => stored.follow().await,
            None => std::future::pending().await,
        }
    }

    /// Returns the caller, whatever its permissions are. `None` if the request has no valid key.
    pub async fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        self.identify(headers).await.ok().map(caller)
    }

    /// Returns whether a web page of this origin may send its API key. `false` if the database of
    /// keys is unavailable.
    pub async fn page_has_key(&self, origin: &HeaderValue) -> bool {
        match (&self.stored, origin.to_str()) {
            (Some(stored), Ok(origin)) => stored.has_origin(origin).await,
            _ => false,
        }
    }

    /// Returns whether a request has a valid key for web pages, from one of its origins.
    pub async fn is_from_page_of_key(&self, headers: &HeaderMap) -> bool {
        let key = self.identify(headers).await;
        key.is_ok_and(|key| !key.origins.is_empty())
    }

    async fn identify(&self, headers: &HeaderMap) -> Result<ApiKey, AuthorisationError> {
        let given = bearer(headers).ok_or(AuthorisationError::MissingKey)?;
        let (rest, is_for_pages) = match (given.strip_prefix(SCHEME), given.strip_prefix(PAGE_SCHEME)) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Err(AuthorisationError::UnknownKey),
        };
        let (prefix, secret) = rest.split_once('_').ok_or(AuthorisationError::UnknownKey)?;
        let key = self.find(prefix).await?;
        let hash = hash(if is_for_pages { given } else { secret });
        let is_same = bool::from(key.secret_hash.ct_eq(&hash));
        if !is_same || is_for_pages == key.origins.is_empty() {
            return Err(AuthorisationError::UnknownKey);
        }
        check_expiry(&key)?;
        if is_for_pages && !key.origins.iter().any(|origin| is_from(headers, origin)) {
            return Err(AuthorisationError::OtherOrigin { prefix: key.prefix });
        }
        Ok(key)
    }

    async fn find(&self, prefix: &str) -> Result<ApiKey, AuthorisationError> {
        let configured = self.configured.iter().find(|key| key.prefix == prefix);
        let key = match (configured, &self.stored) {
            (Some(key), _) => Some(key.clone()),
            (None, Some(stored)) => stored
                .find(prefix)
                .await
                .map_err(AuthorisationError::Unavailable)?,
            (None, None) => None,
        };
        key.ok_or(AuthorisationError::UnknownKey)
    }
}

/// Returns what a request has in `Authorization: Bearer`.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, credential)| credential.trim_start())
}

fn check_expiry(key: &ApiKey) -> Result<(), AuthorisationError> {
    if is_expired(key) {
        return Err(AuthorisationError::ExpiredKey);
    }
    Ok(())
}

fn check_permission(key: &ApiKey, permission: &str) -> Result<(), AuthorisationError> {
    if key.permissions.iter().any(|granted| granted == permission) {
        return Ok(());
    }
    Err(AuthorisationError::MissingPermission {
        prefix: key.prefix.clone(),
        permission: permission.to_owned(),
    })
}

fn caller(key: ApiKey) -> Caller {
    Caller {
        prefix: key.prefix,
        owner: key.owner,
        quota: Quota {
            requests_per_minute: key.requests_per_minute,
            proofs_per_minute: key.proofs_per_minute,
        },
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Parses the lower-case hexadecimal digits of a SHA-256 hash.
fn from_hex(digits: &str) -> Option<[u8; 32]> {
    if !is_hex(digits, HASH_DIGITS) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const PERMISSIONS: [&str; 2] = ["prove", "admin"];

    fn keys(lines: &str) -> Result<ApiKeys, ApiKeyError> {
        ApiKeys::parse(&Secret::new(lines.to_owned()), &PERMISSIONS)
    }

    /// Without a database, the futures are ready at once.
    fn code(keys: &ApiKeys, key: &str, permission: &str) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
        let caller = keys.authorise(&headers, permission).now_or_never().unwrap();
        caller.map(|caller| caller.prefix).map_err(|error| error.code())
    }

    #[test]
    fn a_key_grants_the_permissions_of_its_line_and_the_line_does_not_contain_the_secret() {
        let new = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
        let keys = keys(&new.line).unwrap();
        let (_, secret) = new.key.rsplit_once('_').unwrap();
        assert!(!new.line.contains(secret));
        assert_eq!(code(&keys, &new.key, "prove").unwrap(), new.line[..8]);
        assert_eq!(code(&keys, &new.key, "admin"), Err("missing_permission"));
    }

    #[test]
    fn the_scheme_is_case_insensitive_and_no_other_scheme_is_accepted() {
        let new = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
        let keys = keys(&new.line).unwrap();
        let is_known = |value: String| {
            let headers = [(header::AUTHORIZATION, value.parse().unwrap())];
            let headers = headers.into_iter().collect();
            keys.caller(&headers).now_or_never().unwrap().is_some()
        };
        assert!(is_known(format!("bearer {}", *new.key)) && is_known(format!("Bearer  {}", *new.key)));
        assert!(!is_known(format!("Basic {}", *new.key)) && !is_known(new.key.to_string()));
    }

    #[test]
    fn a_key_with_one_changed_byte_is_unknown() {
        let new = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
        let keys = keys(&new.line).unwrap();
        for at in 0..new.key.len() {
            let mut other = new.key.as_bytes().to_vec();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(code(&keys, &other, "prove"), Err("unknown_api_key"), "{at}");
        }
        assert_eq!(code(&keys, "", "prove"), Err("unknown_api_key"));
        let headers = HeaderMap::new();
        let without = keys.authorise(&headers, "prove").now_or_never().unwrap();
        assert_eq!(without.unwrap_err().code(), "missing_api_key");
    }

    #[test]
    fn a_key_for_pages_is_accepted_only_from_its_origins_and_not_as_a_key_for_servers() {
        let origins = ["https://app.example.org".parse().unwrap()];
        let new = NewApiKey::for_pages(&["relay"], u64::MAX, &origins);
        let keys = ApiKeys {
            configured: vec![new.row.clone()],
            stored: None,
        };
        let code = |key: &str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let caller = keys.authorise(&headers, "relay").now_or_never().unwrap();
            caller.map(|caller| caller.prefix).map_err(|error| error.code())
        };
        assert_eq!(
            code(&new.key, Some("https://app.example.org")),
            Ok(new.row.prefix.clone())
        );
        for origin in [
            None,
            Some("https://evil.example"),
            Some("null"),
            Some("http://app.example.org"),
        ] {
            assert_eq!(code(&new.key, origin), Err("origin_not_allowed"), "{origin:?}");
        }
        let as_server = new.key.replace(PAGE_SCHEME, SCHEME);
        assert_eq!(
            code(&as_server, Some("https://app.example.org")),
            Err("unknown_api_key")
        );
        // A key for servers can't be sent as one for pages.
        let server = NewApiKey::random(&["relay"], u64::MAX, Quota::default());
        let with_origin = ApiKey {
            origins: new.row.origins.clone(),
            ..server.row
        };
        let keys = ApiKeys {
            configured: vec![with_origin],
            stored: None,
        };
        for key in [server.key.to_string(), server.key.replace(SCHEME, PAGE_SCHEME)] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
            headers.insert(
                header::ORIGIN,
                HeaderValue::from_static("https://app.example.org"),
            );
            let refused = keys.authorise(&headers, "relay").now_or_never().unwrap();
            assert_eq!(refused.unwrap_err(), AuthorisationError::UnknownKey);
        }
    }

    #[test]
    fn a_key_expires() {
        let new = NewApiKey::random(&["prove", "admin"], 1_000, Quota::default());
        assert_eq!(
            code(&keys(&new.line).unwrap(), &new.key, "prove"),
            Err("expired_api_key")
        );
        let new = NewApiKey::random(&["prove", "admin"], u64::MAX, Quota::default());
        assert!(code(&keys(&new.line).unwrap(), &new.key, "admin").is_ok());
        let endless = new.line.replace(&u64::MAX.to_string(), "never");
        assert_eq!(keys(&endless).err(), Some(ApiKeyError::Malformed { number: 1 }));
    }

    #[test]
    fn a_key_is_checked_again_by_its_prefix() {
        let valid = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
        let expired = NewApiKey::random(&["prove"], 1_000, Quota::default());
        let keys = keys(&format!("{},{}", valid.line, expired.line)).unwrap();
        for (prefix, permission, expected) in [
            (&valid.row.prefix, "prove", Ok(())),
            (&valid.row.prefix, "admin", Err("missing_permission")),
            (&expired.row.prefix, "prove", Err("expired_api_key")),
            (&"unknown".to_owned(), "prove", Err("unknown_api_key")),
            (&String::new(), "prove", Err("unknown_api_key")),
        ] {
            let checked = keys.check_again(prefix, permission).now_or_never().unwrap();
            assert_eq!(checked.map_err(|error| error.code()), expected);
        }
    }

    #[test]
    fn a_line_may_have_the_limits_of_its_key() {
        for (requests, proofs, fields) in [
            (None, None, ""),
            (Some(1_000), Some(0), ":1000:0"),
            (None, Some(60), "::60"),
        ] {
            let quota = Quota {
                requests_per_minute: requests,
                proofs_per_minute: proofs,
            };
            let new = NewApiKey::random(&["prove"], u64::MAX, quota);
            assert!(
                new.line.ends_with(&format!("{}{fields}", u64::MAX)),
                "{}",
                new.line
            );
            let keys = keys(&new.line).unwrap();
            let headers = [(
                header::AUTHORIZATION,
                format!("Bearer {}", *new.key).parse().unwrap(),
            )];
            let headers = headers.into_iter().collect();
            let caller = keys.caller(&headers).now_or_never().unwrap().unwrap();
            assert_eq!(caller.quota, quota);
        }
        let line = NewApiKey::random(&["prove"], u64::MAX, Quota::default()).line;
        for wrong in [":", ":1", ":1:2:3", ":x:1", ":-1:1"] {
            let error = keys(&format!("{line}{wrong}")).err();
            assert_eq!(error, Some(ApiKeyError::Malformed { number: 1 }), "{wrong}");
        }
    }

    #[test]
    fn an_empty_list_has_no_keys() {
        for text in ["", " "] {
            assert_eq!(keys(text).unwrap().is_empty().now_or_never(), Some(true));
        }
        assert_eq!(keys(",").err(), Some(ApiKeyError::Malformed { number: 1 }));
    }

    #[test]
    fn a_malformed_list_is_refused_with_the_position_of_the_wrong_line() {
        let line = NewApiKey::random(&["prove"], u64::MAX, Quota::default()).line;
        assert_eq!(
            keys(&format!("{line},x")).err(),
            Some(ApiKeyError::Malformed { number: 2 })
        );
        assert_eq!(
            keys(&format!("{line},{line}")).err(),
            Some(ApiKeyError::DuplicatePrefix { number: 2 })
        );
        let other = line.replace("prove", "fly");
        assert!(matches!(
            keys(&other).err(),
            Some(ApiKeyError::UnknownPermission { number: 1, .. })
        ));
    }
}
