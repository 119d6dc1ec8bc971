//! Requests for proofs, and their conversion to the inputs of a statement.
//!
//! ```text
//!   ProveRequest --check--> Task: circuit, inputs, evaluation   or   RequestError
//!                   |
//!                   +-- with `registry`: reads the path from the database
//! ```

mod contract;
pub mod inputs;
mod path;
mod redacted;
mod statements;

use std::sync::Arc;

use bauta_circuits::{AnyInputs, CircuitsError, Evaluation};
use bauta_primitives::{
    Commitment, Context, IdentitySecret, ProofInputs, Root, Scope, sha256,
    statements::InvalidValue,
    tree::{Depth, MembershipPath, Siblings},
};
use bauta_service_common::{InvalidField, InvalidFields, optional_at_most};
use bauta_store::{Store, StoreError};
use bauta_wire::prover::{LeafReference, RequestPublicInputs, SealedInputs};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use self::statements::{field_of, with_own_inputs};
pub use self::{
    contract::{Form, MerkleProof},
    inputs::PrivateInputs,
    path::PathReader,
    redacted::Redacted,
};
use crate::circuits::{Circuit, CircuitError, Circuits};

/// Largest number of requests in a batch.
pub const MAX_BATCH: usize = 64;
/// Largest body of a request in bytes. A complete request takes less than 8 KiB; the rest is for
/// the inputs of models.
pub const MAX_REQUEST_BYTES: usize = 32 << 10;
/// Largest number of inputs of a model.
const MAX_INPUTS: usize = 1024;
/// Largest length of a tag in characters. The description of the routes counts them as well.
const MAX_TAG_LENGTH: usize = 128;
/// Largest length of an address in base58.
const MAX_ADDRESS_LENGTH: usize = 44;
/// The least urgent priority.
const LOWEST_PRIORITY: u8 = 10;

/// Why a request can't be proved.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Fields break their rules.
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    /// The statement, circuit or model can't be used.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The address was revoked.
    #[error("the address was revoked: its handle is in the list of revocations")]
    Revoked,
    /// The request names a registry, but the service has no database.
    #[error(
        "this service has no database (DATABASE_URL) to read a path from: send private.index and private.path"
    )]
    NoDatabase,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InvalidField> for RequestError {
    fn from(field: InvalidField) -> Self {
        Self::Invalid(field.into())
    }
}

impl RequestError {
    /// Returns whether a later attempt, maybe of another worker, may succeed.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Invalid(_) | Self::Revoked => false,
            Self::Circuit(error) => error.is_retryable(),
            Self::NoDatabase | Self::Store(_) => true,
        }
    }

    /// Returns the stable error code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => InvalidField::CODE,
            Self::Circuit(error) => error.code(),
            Self::Revoked => "revoked",
            Self::NoDatabase => "no_database",
            Self::Store(StoreError::Unreachable(_) | StoreError::TimedOut(_)) => "database_away",
            Self::Store(_) => "internal",
        }
    }

    /// Returns the invalid fields, or the error if it is of another kind.
    pub fn invalid_fields(self) -> Result<InvalidFields, Self> {
        match self {
            Self::Invalid(fields) => Ok(fields),
            Self::Circuit(CircuitError::Invalid(field) | CircuitError::UnknownStatement(field)) => {
                Ok(field.into())
            }
            error => Err(error),
        }
    }
}

/// A request for a proof, in one of four forms.
// It has no `Debug` implementation, because it contains a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProveRequest {
    /// The statement's name, as `/circuits` lists it.
    #[schema(example = "ownership")]
    pub statement: Option<String>,
    /// The statement's version. By default the version that this service has.
    pub version: Option<u16>,
    /// Depth of the registry's tree. By default the depth of the registry or of the path.
    pub depth: Option<u8>,
    /// The public inputs.
    pub public: Option<RequestPublicInputs>,
    /// The private inputs.
    pub private: Option<PrivateInputs>,
    /// The private inputs, sealed to the key of `/sealing-key`, instead of `private`. Only for
    /// `POST /prove`.
    pub sealed: Option<SealedInputs>,
    /// The leaf whose path is read from the database. Without it, the request must contain the
    /// index and the path.
    pub registry: Option<LeafReference>,
    /// A text that the response repeats. At most 128 characters.
    #[schema(max_length = 128)]
    pub tag: Option<String>,
    /// Priority of a job, from 1 (most urgent) to 10. By default 5. Requests that are not jobs have
    /// no priority.
    #[schema(minimum = 1, maximum = 10)]
    pub priority: Option<u8>,
    /// `true` (default): the response contains the proof. `false`: the service creates a job and
    /// responds immediately.
    pub wait: Option<bool>,
    /// The id by which the client follows the request, instead of the header `x-request-id`. 1 to
    /// 64 letters, digits, `-`, `_` or `.`.
    #[serde(rename = "requestId")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    pub request_id: Option<String>,
    /// Contract form, instead of `public` and `private`: `0x` and the commitment of the holder's
    /// secret in hexadecimal.
    #[serde(rename = "walletHash")]
    #[schema(value_type = Option<String>)]
    pub wallet_hash: Option<Commitment>,
    /// Contract form: the token's mint (base58) or an entry id (`0x` and 64 hexadecimal digits).
    #[serde(rename = "tokenId")]
    pub token_id: Option<String>,
    /// Contract form: the track. It is also the claim.
    #[serde(rename = "trackId")]
    pub track_id: Option<u64>,
    /// Contract form: the position of the leaf, with its path.
    #[serde(rename = "merkleProof")]
    pub merkle_proof: Option<MerkleProof>,
    /// Contract form: the secret whose commitment is `walletHash`. It can't be derived from the
    /// commitment.
    #[schema(value_type = Option<String>)]
    pub secret: Option<Redacted<IdentitySecret>>,
    /// Contract form: the domain of the nullifier.
    #[schema(value_type = Option<String>)]
    pub scope: Option<Scope>,
    /// Contract form: the hash of recipient, relayer, expiry and payload.
    #[schema(value_type = Option<String>)]
    pub context: Option<Context>,
    /// A model in `MODELS_DIR`. It belongs to the statement `policy`, which isn't built yet.
    pub model_id: Option<String>,
    /// Inputs of a model. They belong to the statement `policy`, which isn't built yet.
    #[serde(default, deserialize_with = "optional_at_most::<_, _, MAX_INPUTS>")]
    #[schema(max_items = 1024)]
    pub inputs: Option<Vec<f64>>,
}

/// A checked request: the inputs satisfy the statement.
pub struct Task {
    pub circuit: Arc<Circuit>,
    /// The inputs of its statement.
    pub inputs: AnyInputs,
    /// The public inputs and their digest.
    pub evaluation: Evaluation,
    /// The client's tag.
    pub tag: Option<String>,
}

/// Returns a hash that is equal for equal requests, whatever the order of their fields is. `wait`
/// and `requestId` don't count: a client may repeat a request to wait for its result. The hash
/// can't be reversed, because it covers the member's secret.
pub fn request_hash(body: &Value) -> [u8; 32] {
    let text = match body.as_object() {
        Some(fields) => serde_json::to_string(&HashedFields(fields)).expect("the fields are JSON"),
        None => body.to_string(),
    };
    sha256(text.as_bytes())
}

/// The fields of a request that [`request_hash`] covers, in sorted order.
struct HashedFields<'a>(&'a Map<String, Value>);

impl Serialize for HashedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.iter();
        serializer.collect_map(fields.filter(|(name, _)| !["wait", "requestId"].contains(&name.as_str())))
    }
}

impl ProveRequest {
    /// Returns the form of the request, without a check of its fields.
    pub const fn form(&self) -> Form {
        if self.wallet_hash.is_some() {
            Form::Contract
        } else {
            Form::Bauta
        }
    }

    /// Checks the request completely, so that proving can't fail because of it.
    pub async fn check(self, circuits: &Circuits, store: Option<&Store>) -> Result<Task, RequestError> {
        self.check_with(circuits, store.map(PathReader::new).as_ref())
            .await
    }

    /// Checks the request like [`Self::check`]. `paths` may have read the request's path before.
    pub async fn check_with(
        self,
        circuits: &Circuits,
        paths: Option<&PathReader<'_>>,
    ) -> Result<Task, RequestError> {
        if self.model_id.is_some() || self.inputs.is_some() {
            return Err(circuits.refuse_model(self.model_id.as_deref()).into());
        }
        let mut invalid = Vec::new();
        if self.sealed.is_some() {
            invalid.push(InvalidField::new(
                "sealed",
                "must be a field of a request to POST /prove",
            ));
        }
        let tag_length = self.tag.as_ref().map_or(0, |tag| tag.chars().count());
        if tag_length > MAX_TAG_LENGTH {
            invalid.push(InvalidField::new("tag", "must have at most 128 characters"));
        }
        if self
            .priority
            .is_some_and(|priority| !(1..=LOWEST_PRIORITY).contains(&priority))
        {
            invalid.push(InvalidField::new(
                "priority",
                "must be from 1 (most urgent) to 10",
            ));
        }
        let checked = self.check_form(circuits, paths).await;
        if invalid.is_empty() {
            return checked;
        }
        let others = checked.err().map(RequestError::invalid_fields);
        let others = others.and_then(Result::ok).into_iter().flatten();
        Err(all_of(invalid.into_iter().chain(others)).into())
    }

    async fn check_form(
        mut self,
        circuits: &Circuits,
        paths: Option<&PathReader<'_>>,
    ) -> Result<Task, RequestError> {
        let form = self.convert_contract_form()?;
        let tag = self.tag.take();
        let checked = self.check_inputs(circuits, paths).await;
        let (circuit, inputs, evaluation) = checked.map_err(|error| match error {
            RequestError::Invalid(fields) => fields.map(|field| form.rename_field(field)).into(),
            error => error,
        })?;
        Ok(Task {
            circuit,
            inputs,
            evaluation,
            tag,
        })
    }

    async fn check_inputs(
        self,
        circuits: &Circuits,
        paths: Option<&PathReader<'_>>,
    ) -> Result<(Arc<Circuit>, AnyInputs, Evaluation), RequestError> {
        let missing = self.missing_fields();
        let (Some(statement), Some(public), Some(private)) = (self.statement, self.public, self.private)
        else {
            return Err(all_of(missing).into());
        };
        let source = match (self.registry, private.index, private.path, public.root) {
            (Some(leaf), None, None, _) => PathSource::Database(leaf, paths.ok_or(RequestError::NoDatabase)?),
            (Some(_), ..) => {
                let rule = "must not be combined with registry, which provides the index and the path";
                return Err(InvalidField::new("private.path", rule).into());
            }
            (None, Some(index), Some(path), Some(root)) => PathSource::Request(index, path, root),
            (None, ..) => return Err(all_of(missing).into()),
        };
        let (circuit, path, root) = match source {
            PathSource::Request(index, siblings, root) => {
                let depth = self.depth.or_else(|| depth_of(&siblings));
                let circuit = circuits.find(&statement, self.version, depth)?;
                let path = given_path(circuit.key.depth(), index, siblings)?;
                (circuit, path, root)
            }
            PathSource::Database(leaf, paths) => {
                // An unavailable statement is reported before an unknown registry.
                circuits.find(&statement, self.version, self.depth)?;
                let registry = paths.find_registry(&leaf).await?;
                let depth = self.depth.unwrap_or(registry.depth as u8);
                let circuit = circuits.find(&statement, self.version, Some(depth))?;
                let format = circuit.description.leaf_format;
                let depth = circuit.key.depth();
                let (path, root) = paths
                    .read_path(depth, format, &registry, &leaf, public.root)
                    .await?;
                (circuit, path, root)
            }
        };
        let inputs = ProofInputs {
            secret: private.secret.0,
            entry_id: private.entry_id,
            attributes: private.attributes,
            path,
            root,
            scope: public.scope,
            claim: public.claim,
            context: public.context,
            private: (),
        };
        let inputs = with_own_inputs(&statement, inputs, private.reputation, private.address)?;
        let evaluation = circuit.key.evaluate(&inputs).map_err(|error| match error {
            CircuitsError::Revoked => RequestError::Revoked,
            CircuitsError::Private(InvalidValue { rule, .. }) => {
                InvalidField::new(field_of(&statement, &error), rule).into()
            }
            _ => InvalidField::new(field_of(&statement, &error), error.to_string()).into(),
        })?;
        Ok((circuit.clone(), inputs, evaluation))
    }

    /// Returns the errors for the required fields that are missing. Without a registry, the request
    /// must contain the root and the path.
    fn missing_fields(&self) -> Vec<InvalidField> {
        let Self {
            statement,
            public,
            private,
            registry,
            ..
        } = self;
        let lacks_root = public.as_ref().is_some_and(|public| public.root.is_none());
        let lacks_index = private.as_ref().is_some_and(|private| private.index.is_none());
        let lacks_path = private.as_ref().is_some_and(|private| private.path.is_none());
        let fields = [
            ("statement", statement.is_none()),
            ("public", public.is_none()),
            ("public.root", registry.is_none() && lacks_root),
            ("private", private.is_none()),
            ("private.index", registry.is_none() && lacks_index),
            ("private.path", registry.is_none() && lacks_path),
        ];
        let missing = fields.into_iter().filter(|(_, is_missing)| *is_missing);
        missing.map(|(field, _)| InvalidField::missing(field)).collect()
    }
}

/// Parses an address: 32 bytes in base58. Refuses a longer text before it is decoded, because the
/// time to decode base58 grows with the square of the length.
fn parse_address(text: &str) -> Option<[u8; 32]> {
    if text.len() > MAX_ADDRESS_LENGTH {
        return None;
    }
    let mut address = [0; 32];
    let length = bs58::decode(text).onto(&mut address).ok()?;
    (length == address.len()).then_some(address)
}

/// Returns the error for these fields. There must be at least one.
fn all_of(fields: impl IntoIterator<Item = InvalidField>) -> InvalidFields {
    InvalidFields::of(fields).expect("a check that fails names a field")
}

/// Returns the path that a request contains.
fn given_path(depth: Depth, index: u64, siblings: Vec<Siblings>) -> Result<MembershipPath, InvalidFields> {
    let index = depth.check_index(index);
    // If the index is wrong, the path is checked with another one.
    let first = depth.check_index(0);
    let path = index
        .clone()
        .or(first)
        .and_then(|index| MembershipPath::new(depth, index, siblings));
    match (index, path) {
        (Ok(_), Ok(path)) => Ok(path),
        (index, path) => {
            let index = index.err().map(|error| ("private.index", error.to_string()));
            let path = path
                .err()
                .map(|error| ("private.path", CircuitsError::from(error).to_string()));
            let invalid = [index, path].into_iter().flatten();
            Err(all_of(
                invalid.map(|(field, rule)| InvalidField::new(field, rule)),
            ))
        }
    }
}

/// Where the index and the path come from.
enum PathSource<'a> {
    /// The request contains them, and the root.
    Request(u64, Vec<Siblings>, Root),
    /// The database has them.
    Database(LeafReference, &'a PathReader<'a>),
}

/// Returns the depth of the tree that a path belongs to. `None` if no tree has this depth.
fn depth_of(path: &[Siblings]) -> Option<u8> {
    let levels = u8::try_from(path.len()).ok()?;
    Depth::try_from(levels).ok().map(|depth| depth as u8)
}
