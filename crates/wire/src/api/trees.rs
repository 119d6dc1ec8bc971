//! Roots, tiles and paths of trees.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::at_most;

/// A root that is valid now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RootDocument {
    /// The root.
    pub root: String,
    /// `current`; `kept`: replaced, but accepted until `valid_until`; `snapshot`: only accepted by
    /// scopes that copied it.
    pub state: Cow<'static, str>,
    /// The time from which a kept root is refused, in Unix seconds.
    pub valid_until: Option<i64>,
    /// The number of the tree change that made the root current.
    pub sequence: String,
    /// The number of leaves ever appended, emptied leaves included.
    pub leaves: String,
}

/// A page of valid roots.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RootPage {
    /// The root at which a member proves in a live scope, unless the leaf is newer.
    pub to_prove: String,
    /// The roots of this page.
    pub data: Vec<RootDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}

/// Largest number of tiles in one request.
pub const MAX_TILES: usize = 64;

/// The hashes of tiles.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TileRequest {
    /// 1 to 64 hashes of tiles, or roots of trees.
    #[serde(deserialize_with = "at_most::<_, _, MAX_TILES>")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 64))]
    pub hashes: Vec<String>,
}

/// A leaf and its path to a root.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PathDocument {
    /// The root.
    pub root: String,
    /// The leaf. Zero if it is empty.
    pub leaf: String,
    /// The three siblings of each level, from the leaf upwards.
    pub siblings: Vec<[String; 3]>,
}

/// A tree that is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoredTreeDocument {
    /// The root. If the next root was published during the upload, and the leaves give that one, it
    /// differs from that of the path.
    pub root: String,
    /// The number of leaves. A tree that is stored already is not read again.
    pub leaves: String,
}
