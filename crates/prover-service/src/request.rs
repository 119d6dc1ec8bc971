//! What a proof is asked for with, and how it becomes a statement's inputs.

use std::{fmt, sync::Arc};

use axum::http::StatusCode;
use bauta_circuits::{
    CircuitsError, Evaluation, OwnershipInputs,
    statement::{Inputs, Statement, evaluate},
};
use bauta_primitives::{
    Attributes, Claim, Context, EntryId, FieldElement, IdentitySecret, Root, Scope,
    tree::{Depth, Siblings},
};
use bauta_service::Problem;
use bauta_store::{Address, Store, StoreError};
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    circuits::{Circuit, Circuits, not_built},
    time,
};

/// Longest tag, in bytes.
const LONGEST_TAG: usize = 128;
/// The least urgent priority.
const LAST_PRIORITY: u8 = 10;

/// A request for a proof. No `Debug`: it holds a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProveRequest {
    /// Which statement: a name that `/circuits` lists.
    #[schema(example = "ownership")]
    pub statement: Option<String>,
    /// Which version of it; without one, the one that this service has.
    pub version: Option<u16>,
    /// Depth of the registry's tree; without one, that of the registry, or of the circuit that this service has.
    pub depth: Option<u8>,
    /// What everybody will see.
    pub public: Option<PublicInputs>,
    /// What nobody else may see.
    pub private: Option<PrivateInputs>,
    /// Where the path is read from; else the request brings index and path.
    pub registry: Option<LeafReference>,
    /// Whatever the client wants to find again in the answer; at most 128 bytes.
    pub tag: Option<String>,
    /// 1 (urgent) to 10, 5 if none is given; of jobs alone.
    pub priority: Option<u8>,
    /// Whether to answer with the proof (true, the default) or at once with a job.
    pub wait: Option<bool>,
    /// Of the statement `policy`, which isn't built yet.
    pub model_id: Option<String>,
    /// Of the statement `policy`, which isn't built yet.
    pub inputs: Option<Vec<f64>>,
}

/// Inputs that the proof shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicInputs {
    /// The root to prove at. With `registry` it may be left out: the newest root that a live scope accepts is taken.
    #[schema(value_type = Option<String>)]
    pub root: Option<Root>,
    /// The nullifier's domain.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// What the proof claims.
    #[schema(value_type = String)]
    pub claim: Claim,
    /// Recipient, relayer, expiry and payload.
    #[schema(value_type = String)]
    pub context: Context,
}

/// Inputs that nobody else may see. No `Debug`; the secret is wiped when dropped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateInputs {
    /// The secret behind the leaf's commitment.
    #[schema(value_type = String)]
    pub secret: Witnessed<IdentitySecret>,
    /// Which entry of the registry the leaf is.
    #[schema(value_type = String)]
    pub entry_id: EntryId,
    /// What else the leaf says.
    #[schema(value_type = String)]
    pub attributes: Attributes,
    /// The leaf's position, unless `registry` says it.
    pub index: Option<u64>,
    /// Three siblings for each level, from the leaf upwards, unless `registry` is given.
    #[schema(value_type = Option<Vec<Vec<String>>>)]
    pub path: Option<Vec<Siblings>>,
}

/// A leaf of a registry that the indexer follows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeafReference {
    /// The registry account, base58.
    pub address: String,
    /// The leaf's position.
    pub index: u64,
}

/// A value that is read without ever being repeated in an error.
pub struct Witnessed<T>(pub T);

impl<'de> Deserialize<'de> for Witnessed<IdentitySecret> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Zeroizing<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SECRET_RULE)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Zeroizing::new(text.to_owned()))
            }

            // The defaults of these repeat the value.
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
                Err(E::custom(SECRET_RULE))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
                Err(E::custom(SECRET_RULE))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Err(E::custom(SECRET_RULE))
            }
        }

        // Not `deserialize_str`, whose own error repeats a number.
        let text = deserializer.deserialize_any(Text)?;
        let mut bytes = [0; 32];
        let digits = text.strip_prefix("0x").unwrap_or_default();
        let decoded = hex::decode_to_slice(digits, &mut bytes);
        let secret = decoded
            .map_err(|_| de::Error::custom(SECRET_RULE))
            .and_then(|()| IdentitySecret::from_bytes(&mut bytes).map_err(de::Error::custom));
        bytes.zeroize();
        secret.map(Self)
    }
}

const SECRET_RULE: &str = "must be 0x followed by exactly 64 hexadecimal digits";

/// A request that was found good: the inputs satisfy the statement.
pub struct Task {
    /// Which circuit.
    pub circuit: Arc<Circuit>,
    /// Its inputs.
    pub inputs: OwnershipInputs,
    /// What a proof of them shows.
    pub evaluation: Evaluation,
    /// The client's tag.
    pub tag: Option<String>,
}

impl ProveRequest {
    /// Checks everything that can be wrong before a proof is begun.
    pub async fn check(self, circuits: &Circuits, store: Option<&Store>) -> Result<Task, Problem> {
        if self.model_id.is_some() || self.inputs.is_some() {
            return Err(not_built("policy"));
        }
        if self.tag.as_ref().is_some_and(|tag| tag.len() > LONGEST_TAG) {
            return Err(Problem::invalid("tag", "must have at most 128 bytes"));
        }
        if self
            .priority
            .is_some_and(|priority| !(1..=LAST_PRIORITY).contains(&priority))
        {
            return Err(Problem::invalid("priority", "must be from 1 (urgent) to 10"));
        }
        let statement = self.statement.ok_or_else(|| missing("statement"))?;
        let public = self.public.ok_or_else(|| missing("public"))?;
        let private = self.private.ok_or_else(|| missing("private"))?;
        let path = match (self.registry, private.index, private.path) {
            (Some(_), None, None) if store.is_none() => {
                return Err(Problem::new(
                    StatusCode::NOT_IMPLEMENTED,
                    "no_database",
                    "this service has no database (DATABASE_URL) to read a path from: give private.index and private.path",
                ));
            }
            (Some(leaf), None, None) => Place::Stored(leaf),
            (Some(_), ..) => {
                return Err(Problem::invalid(
                    "private.path",
                    "must not be given beside registry, where index and path are read from",
                ));
            }
            (None, Some(index), Some(path)) => Place::Given(index, path),
            (None, None, _) => return Err(missing("private.index")),
            (None, _, None) => return Err(missing("private.path")),
        };
        let circuit = circuits.find(&statement, self.version, self.depth)?.clone();
        let depth = circuit.key.statement().depth();
        let (index, path, root) = match path {
            Place::Given(index, path) => (index, path, public.root.ok_or_else(|| missing("public.root"))?),
            Place::Stored(leaf) => {
                let store = store.expect("checked above");
                read_path(store, depth, circuit.description.leaf_format, &leaf, public.root).await?
            }
        };
        let index = depth
            .check_index(index)
            .map_err(|error| Problem::invalid("private.index", error.to_string()))?;
        let inputs = Inputs {
            secret: private.secret.0,
            entry_id: private.entry_id,
            attributes: private.attributes,
            index,
            path,
            root,
            scope: public.scope,
            claim: public.claim,
            context: public.context,
            private: (),
        };
        let evaluation = evaluate(circuit.key.statement(), &inputs).map_err(|error| {
            let field = match error {
                CircuitsError::WrongClaim { .. } => "public.claim",
                _ => "private.path",
            };
            Problem::invalid(field, error.to_string())
        })?;
        Ok(Task {
            circuit,
            inputs,
            evaluation,
            tag: self.tag,
        })
    }
}

/// Where index and path come from.
enum Place {
    Given(u64, Vec<Siblings>),
    Stored(LeafReference),
}

fn missing(field: &'static str) -> Problem {
    Problem::invalid(field, "is missing")
}

/// Index, path and root of a leaf that the indexer knows.
async fn read_path(
    store: &Store,
    depth: Depth,
    leaf_format: u16,
    leaf: &LeafReference,
    root: Option<Root>,
) -> Result<(u64, Vec<Siblings>, Root), Problem> {
    const ADDRESS: &str = "registry.address";
    let address = bs58::decode(&leaf.address).into_vec().ok();
    let address = address
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| Problem::invalid(ADDRESS, "must be an account's address: 32 bytes in base58"))?;
    let registry = store
        .registry(Address(address))
        .await
        .map_err(|error| store_problem(&error))?;
    if registry.depth != depth || u16::from(registry.leaf_format) != leaf_format {
        return Err(Problem::invalid(
            ADDRESS,
            format!(
                "must be a registry of the circuit's depth and leaf format ({} and {leaf_format}); it has {} and {}",
                depth.levels(),
                registry.depth.levels(),
                registry.leaf_format
            ),
        ));
    }
    let now = time::unix_seconds();
    let root = match root {
        Some(root) => root,
        None => {
            store
                .root_to_prove(&registry, now)
                .await
                .map_err(|error| store_problem(&error))?
                .root
        }
    };
    let path = store
        .path(&registry, root, leaf.index, now)
        .await
        .map_err(|error| store_problem(&error))?;
    if path.leaf.element() == FieldElement::ZERO {
        return Err(Problem::invalid(
            "registry.index",
            "must be the position of a leaf; there is none at that root (evicted, or not yet registered)",
        ));
    }
    Ok((leaf.index, path.siblings, root))
}

/// What the store refuses, in the words of a request.
fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unknown { .. } => Problem::invalid("registry.address", error.to_string()),
        StoreError::UnknownRoot { .. }
        | StoreError::RootNotValid { .. }
        | StoreError::TreeNotStored { .. } => Problem::invalid("public.root", error.to_string()),
        StoreError::Value(_) => Problem::invalid("registry.index", error.to_string()),
        StoreError::Unreachable(_) => {
            Problem::unavailable("database_away", "the database can't be reached; try again", error)
        }
        _ => Problem::internal(error),
    }
}
