use bauta_service_common::TrustedProxies;
use bauta_store::Store;

use crate::{freshness::FreshnessReader, limits::Limits, verifying_keys::VerifyingKeys};

/// The state that all routes share.
pub struct AppState {
    /// The database.
    pub store: Store,
    /// The slots up to which the database follows the chain.
    pub freshness: FreshnessReader,
    /// The verifying keys of circuits.
    pub verifying_keys: VerifyingKeys,
    /// The rate limits.
    pub limits: Limits,
    /// The proxies that clients' addresses are accepted from.
    pub trusted_proxies: TrustedProxies,
    /// Analytics hide counts below this number.
    pub k: u64,
}
