//! Scope accounts whose element the client derives itself.

use bauta_primitives::Scope;
use solana_address::Address;

use crate::{ClientError, addresses, decode_account};

/// The tag of a cluster. It is the `cluster_tag` in the program's `Config` on that cluster.
///
/// A client pins the tag of its cluster in its own code or configuration. A tag that comes from a
/// node proves nothing: a node that names another cluster's tag could have the client make proofs,
/// and show nullifiers, for a scope of that cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterTag([u8; 32]);

impl ClusterTag {
    /// Solana's mainnet: its genesis hash.
    pub const MAINNET: Self =
        Self(Address::from_str_const("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d").to_bytes());
    /// Solana's devnet: its genesis hash.
    pub const DEVNET: Self =
        Self(Address::from_str_const("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG").to_bytes());
    /// Solana's testnet: its genesis hash.
    pub const TESTNET: Self =
        Self(Address::from_str_const("4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY").to_bytes());
    /// Local chains. Their genesis hash changes at each start, so it can't be the tag.
    pub const LOCAL: Self = Self(*b"bauta local chain\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    /// Creates the tag of another cluster.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes in `Config`.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Derives the `scope` of the protocol for a scope account: the field element that nullifiers
    /// are derived from.
    #[must_use]
    pub fn scope_element(&self, scope_account: &Address) -> Scope {
        Scope::derive(&self.0, bauta::ID.as_array(), scope_account.as_array())
    }
}

/// Decodes the scope account at `address` and compares it with values that the client derives.
///
/// The address and the scope element follow from the pinned tag, the program's address and the
/// account's own fields. A node that gives the account of another scope, or another element, is
/// found out. The node can still give other values for the remaining fields. A client that depends
/// on them compares the answers of several nodes.
///
/// # Errors
/// If the account is not a scope account of the program, is that of another address, or has a scope
/// element other than the derived one.
pub fn decode_scope(
    tag: &ClusterTag,
    address: &Address,
    owner: &Address,
    data: &[u8],
) -> Result<bauta::state::Scope, ClientError> {
    let scope: bauta::state::Scope = decode_account(owner, data)?;
    let derived = addresses::scope(&scope.registry, &scope.creator, scope.nonce).address;
    if derived != *address {
        return Err(ClientError::OtherScope {
            requested: *address,
            received: derived,
        });
    }
    let expected = tag.scope_element(address);
    if scope.scope != expected.to_bytes() {
        return Err(ClientError::ScopeElement {
            scope: *address,
            found: scope.scope,
            expected,
        });
    }
    Ok(scope)
}
