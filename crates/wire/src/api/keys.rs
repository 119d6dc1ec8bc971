//! API keys of accounts.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Secret;

/// An API key without its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyDocument {
    /// 8 hexadecimal digits that identify the key.
    pub prefix: String,
    /// `server`, or `publishable` for web pages.
    pub kind: Cow<'static, str>,
    /// The name that the account gave the key.
    pub name: String,
    /// What the key may do.
    pub permissions: Vec<String>,
    /// The origins of the pages that may use a publishable key.
    pub origins: Vec<String>,
    /// The prefix that rate limits, jobs and the relay's budgets of the key belong to.
    pub owner: String,
    /// The time of its creation in Unix seconds.
    pub created_at: i64,
    /// The time from which the key is refused in Unix seconds.
    pub expires_at: i64,
}

/// The keys of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyList {
    /// The keys that are valid, the newest first. Then those that expired in the last 30 days. At
    /// most 1,000 keys.
    pub data: Vec<KeyDocument>,
}

/// A new API key. It is shown only once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewKeyDocument {
    /// The key for `Authorization: Bearer`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub api_key: Secret,
    /// What is stored of it.
    pub key: KeyDocument,
}

/// A key to create.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    /// `server`, or `publishable` for web pages.
    #[cfg_attr(feature = "openapi", schema(pattern = "^(server|publishable)$"))]
    pub kind: String,
    /// A name for you.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub name: String,
    /// What the key may do. A publishable key: `read` and `relay`.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 4))]
    pub permissions: Vec<String>,
    /// For a publishable key: the origins of the pages that may use it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 16))]
    pub origins: Vec<String>,
    /// Days until the key expires.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    pub days: u16,
}

/// The next key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotationBody {
    /// Days until the new key expires.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    pub days: u16,
}
