//! Scopes and circuits.

use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Root, Scope as ScopeElement};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::registries::{byte, depth};
use crate::values::{address, bytes32, element, uint64};
use crate::{Address, CircuitStatus, Provenance, ScopeMode, ScopeStatus, Store, StoreError};

/// A scope, as the program's events told it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The database's number for it.
    pub id: i32,
    /// The scope account.
    pub address: Address,
    /// What nullifiers are derived from.
    pub scope: ScopeElement,
    /// Who made it.
    pub creator: Address,
    /// The creator's number for it.
    pub nonce: u64,
    /// Its registry.
    pub registry: Address,
    /// Its circuit.
    pub circuit: Address,
    /// Its auxiliary registry, if any.
    pub auxiliary_registry: Option<Address>,
    /// Who must sign its verifications, if anybody.
    pub gate: Option<Address>,
    /// Which roots it accepts.
    pub mode: ScopeMode,
    /// The root of a snapshot.
    pub root: Option<Root>,
    /// The only accepted claim, if there is one.
    pub required_claim: Option<FieldElement>,
    /// When it opens, Unix seconds.
    pub opens_at: i64,
    /// From when on it takes no verifications, Unix seconds.
    pub closes_at: i64,
    /// Whether its creator ended it.
    pub status: ScopeStatus,
}

/// A circuit, as the program's events told it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Circuit {
    /// The circuit account.
    pub address: Address,
    /// The statement's name.
    pub statement: String,
    /// The statement's version.
    pub version: i32,
    /// Levels of its tree.
    pub depth: Depth,
    /// Its leaf format.
    pub leaf_format: u8,
    /// Where its key comes from.
    pub provenance: Provenance,
    /// Whether it may be used.
    pub status: CircuitStatus,
    /// SHA-256 of the verifying key.
    pub vk_hash: [u8; 32],
    /// SHA-256 of its constraint system.
    pub constraint_system_hash: [u8; 32],
    /// SHA-256 of its ceremony's transcript.
    pub transcript_hash: [u8; 32],
}

const SCOPES: &str =
    "SELECT s.id, s.address, s.scope, s.creator, s.nonce::text AS nonce, s.gate, s.mode, s.root,
        s.required_claim, s.opens_at, s.closes_at, s.status, r.address AS registry, c.address AS circuit,
        a.address AS auxiliary_registry
    FROM scopes s JOIN registries r ON r.id = s.registry_id JOIN circuits c ON c.id = s.circuit_id
    LEFT JOIN registries a ON a.id = s.auxiliary_registry_id";

fn scope(row: &PgRow) -> Result<Scope, StoreError> {
    let optional = |column: &str| row.get::<Option<&[u8]>, _>(column);
    Ok(Scope {
        id: row.get("id"),
        address: address(row.get("address"))?,
        scope: ScopeElement::new(element(row.get("scope"))?),
        creator: address(row.get("creator"))?,
        nonce: uint64(row.get("nonce"))?,
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
    /// One scope.
    pub async fn scope(&self, address: Address) -> Result<Scope, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SCOPES} WHERE s.address = $1")))
            .bind(address.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        scope(&row.ok_or(StoreError::Unknown {
            what: "scope",
            address,
        })?)
    }

    /// All scopes, in order of creation.
    pub async fn scopes(&self) -> Result<Vec<Scope>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{SCOPES} ORDER BY s.id"))).fetch_all(&self.pool);
        rows.await?.iter().map(scope).collect()
    }

    /// All circuits, in order of registration.
    pub async fn circuits(&self) -> Result<Vec<Circuit>, StoreError> {
        let rows = sqlx::query(
            "SELECT address, statement, version, depth, leaf_format, provenance, status, vk_hash, constraint_system_hash,
                    transcript_hash
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
                provenance: Provenance::parse(row.get("provenance"))?,
                status: CircuitStatus::parse(row.get("status"))?,
                vk_hash: bytes32(row.get("vk_hash"))?,
                constraint_system_hash: bytes32(row.get("constraint_system_hash"))?,
                transcript_hash: bytes32(row.get("transcript_hash"))?,
            })
        };
        rows.iter().map(circuit).collect()
    }
}
