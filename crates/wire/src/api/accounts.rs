//! Accounts of wallets.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountDocument {
    /// A keyed hash of the wallet: 32 hexadecimal digits.
    pub id: String,
    /// `owner`, `operator`, `auditor` or `developer`.
    pub roles: Vec<Cow<'static, str>>,
}

/// The roles of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RolesBody {
    /// `owner`, `operator`, `auditor` or `developer`. Empty: none.
    #[cfg_attr(feature = "openapi", schema(max_items = 4))]
    pub roles: Vec<String>,
}

/// A page of accounts that have a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountPage {
    /// The elements of this page.
    pub data: Vec<AccountDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
