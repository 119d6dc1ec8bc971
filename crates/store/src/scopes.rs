//! Scopes and circuits.

use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Root, Scope as ScopeElement};
use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::registries::{byte, depth};
use crate::uint64::uint64;
use crate::values::{address, bytes32, element};
use crate::{CircuitStatus, Provenance, ScopeMode, ScopeStatus, Store, StoreError};

/// A scope according to the program's events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The database's number for the scope.
    pub id: i32,
    /// The scope account.
    pub address: Address,
    /// The field element from which nullifiers are derived.
    pub scope: ScopeElement,
    /// The creator of the scope.
    pub creator: Address,
    /// The number that the creator gave the scope.
    pub nonce: u64,
    /// The registry account.
    pub registry: Address,
    /// The circuit account.
    pub circuit: Address,
    /// The auxiliary registry, if the scope has one.
    pub auxiliary_registry: Option<Address>,
    /// The gate, if the scope has one.
    pub gate: Option<Address>,
    /// The roots that the scope accepts.
    pub mode: ScopeMode,
    /// The root of a snapshot. `None` in a live scope.
    pub root: Option<Root>,
    /// The only claim that the scope accepts. `None`: any claim.
    pub required_claim: Option<FieldElement>,
    /// The time at which the scope opens, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    pub closes_at: i64,
    /// Whether the creator closed the scope early.
    pub status: ScopeStatus,
}

/// A circuit according to the program's events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Circuit {
    /// The circuit account.
    pub address: Address,
    /// The name of the statement.
    pub statement: String,
    /// The version of the statement.
    pub version: i32,
    /// The depth of the trees that the circuit reads.
    pub depth: Depth,
    /// The leaf format, which defines the attributes of a leaf.
    pub leaf_format: u8,
    /// The leaf format of the auxiliary registry whose root the statement includes in its claim. 0
    /// if the statement includes none.
    pub auxiliary_format: u8,
    /// The provenance of the verifying key.
    pub provenance: Provenance,
    /// Whether the circuit is suspended.
    pub status: CircuitStatus,
    /// The time from which the circuit is retired for ever, in Unix seconds, if a retirement is
    /// scheduled.
    pub retires_at: Option<i64>,
    /// The SHA-256 of the verifying key.
    pub vk_hash: [u8; 32],
    /// The SHA-256 of the constraint system.
    pub constraint_system_hash: [u8; 32],
    /// The SHA-256 of the transcript of the ceremony.
    pub transcript_hash: [u8; 32],
}

pub const SELECT: &str =
    "SELECT s.id, s.address, s.scope, s.creator, s.nonce, s.gate, s.mode, s.root, s.required_claim, s.opens_at,
        s.closes_at, s.status, r.address AS registry, c.address AS circuit, a.address AS auxiliary_registry
    FROM scopes s JOIN registries r ON r.id = s.registry_id JOIN circuits c ON c.id = s.circuit_id
    LEFT JOIN registries a ON a.id = s.auxiliary_registry_id";

pub fn scope(row: &PgRow) -> Result<Scope, StoreError> {
    let optional = |column: &str| row.get::<Option<&[u8]>, _>(column);
    Ok(Scope {
        id: row.get("id"),
        address: address(row.get("address"))?,
        scope: ScopeElement::new(element(row.get("scope"))?),
        creator: address(row.get("creator"))?,
        nonce: uint64(row, "nonce")?,
        registry: address(row.get("registry"))?,
        circuit: address(row.get("circuit"))?,
        auxiliary_registry: optional("auxiliary_registry").map(address).transpose()?,
        gate: optional("gate").map(address).transpose()?,
        mode: ScopeMode::parse(row.get("mode"))?,
        root: optional("root").map(element).transpose()?.map(Root::new),
        required_claim: optional("required_claim").map(element).transpose()?,
        opens_at: row.get("opens_at"),
        closes_at: row.get("closes_at"),
        status: ScopeStatus::parse(row.get("status"))?,
    })
}

impl Store {
    /// Returns a scope. Fails with [`StoreError::Unknown`] if it does not exist.
    pub async fn scope(&self, address: Address) -> Result<Scope, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{SELECT} WHERE s.address = $1")))
            .bind(address.to_bytes())
            .fetch_optional(&self.pool)
            .await?;
        scope(&row.ok_or(StoreError::Unknown {
            what: "scope",
            address,
        })?)
    }

    /// Returns all scopes, in the order of their creation.
    pub async fn scopes(&self) -> Result<Vec<Scope>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{SELECT} ORDER BY s.id"))).fetch_all(&self.pool);
        rows.await?.iter().map(scope).collect()
    }

    /// Returns all circuits, in the order of their registration.
    pub async fn circuits(&self) -> Result<Vec<Circuit>, StoreError> {
        let rows = sqlx::query(
            "SELECT address, statement, version, depth, leaf_format, auxiliary_format, provenance, status, retires_at,
                    vk_hash, constraint_system_hash, transcript_hash
             FROM circuits ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        let circuit = |row: &PgRow| {
            Ok(Circuit {
                address: address(row.get("address"))?,
                statement: row.get("statement"),
                version: row.get("version"),
                depth: depth(row)?,
                leaf_format: byte(row, "leaf_format")?,
                auxiliary_format: byte(row, "auxiliary_format")?,
                provenance: Provenance::parse(row.get("provenance"))?,
                status: CircuitStatus::parse(row.get("status"))?,
                retires_at: row.get("retires_at"),
                vk_hash: bytes32(row.get("vk_hash"))?,
                constraint_system_hash: bytes32(row.get("constraint_system_hash"))?,
                transcript_hash: bytes32(row.get("transcript_hash"))?,
            })
        };
        rows.iter().map(circuit).collect()
    }
}
