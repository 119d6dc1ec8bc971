//! The state of the service.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The state of the process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `healthy`. `/ready` says whether the service should receive requests.
    pub status: Cow<'static, str>,
    /// `loaded`, `none` if no circuit is registered, or `unavailable` with the database.
    pub circuits: Cow<'static, str>,
    /// `connected`, or `unavailable`.
    pub database: Cow<'static, str>,
}
