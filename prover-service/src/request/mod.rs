//! What a proof is asked for with, and how it becomes a statement's inputs.

mod contract;
mod path;
mod witnessed;

use std::sync::Arc;

use axum::http::StatusCode;
use bauta_circuits::{
    CircuitsError, Evaluation,
    statement::{Statement, evaluate},
};
use bauta_primitives::{
    Attributes, Claim, Commitment, Context, EntryId, IdentitySecret, ProofInputs, Root, Scope, sha256,
    tree::{Depth, MembershipPath, Siblings},
};
use bauta_service_common::Problem;
use bauta_store::Store;
use serde::Deserialize;
use utoipa::ToSchema;

use self::path::{find_registry, read_path};
pub use self::{
    contract::{Form, MerkleProof},
    witnessed::Witnessed,
};
use crate::circuits::{Circuit, Circuits};

/// Most requests of a batch.
pub const LARGEST_BATCH: usize = 64;
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
    /// The contract's form, which stands for `public` and `private`: `0x` and the commitment of the holder's secret.
    #[serde(rename = "walletHash")]
    #[schema(value_type = Option<String>)]
    pub wallet_hash: Option<Commitment>,
    /// The contract's form: the token's mint (base58), or an entry id (`0x` and 64 hexadecimal digits).
    #[serde(rename = "tokenId")]
    pub token_id: Option<String>,
    /// The contract's form: the track, which is also the claim.
    #[serde(rename = "trackId")]
    pub track_id: Option<u64>,
    /// The contract's form: where the leaf is.
    #[serde(rename = "merkleProof")]
    pub merkle_proof: Option<MerkleProof>,
    /// The contract's form: the secret behind `walletHash`, which can't be derived from it.
    #[schema(value_type = Option<String>)]
    pub secret: Option<Witnessed<IdentitySecret>>,
    /// The contract's form: the nullifier's domain.
    #[schema(value_type = Option<String>)]
    pub scope: Option<Scope>,
    /// The contract's form: recipient, relayer, expiry and payload.
    #[schema(value_type = Option<String>)]
    pub context: Option<Context>,
    /// Of the statement `policy`, which isn't built yet: a model in `MODELS_DIR`.
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

/// A request that was found good: the inputs satisfy the statement.
pub struct Task {
    /// Which circuit.
    pub circuit: Arc<Circuit>,
    /// Its inputs.
    pub inputs: ProofInputs,
    /// What a proof of them shows.
    pub evaluation: Evaluation,
    /// The client's tag.
    pub tag: Option<String>,
    /// In which words it was asked for.
    pub form: Form,
}

impl Task {
    /// The same for the same request. Of what its proof shows and nothing else; but not of the root, which may be another one when a request with a
    /// registry comes again.
    pub fn request_hash(&self) -> [u8; 32] {
        let bauta_primitives::PublicInputs {
            root: _,
            nullifier,
            scope,
            claim,
            context,
        } = self.evaluation.public;
        let circuit = self.circuit.description.id.as_bytes();
        let tag = self.tag.as_deref().unwrap_or_default().as_bytes();
        let parts = [
            nullifier.to_bytes(),
            scope.to_bytes(),
            claim.to_bytes(),
            context.to_bytes(),
        ];
        sha256(&[circuit, &parts.concat(), tag].concat())
    }
}

impl ProveRequest {
    /// Checks everything that can be wrong before a proof is begun.
    pub async fn check(mut self, circuits: &Circuits, store: Option<&Store>) -> Result<Task, Problem> {
        if self.model_id.is_some() || self.inputs.is_some() {
            return Err(circuits.model(self.model_id.as_deref()));
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
        let form = self.translate()?;
        let tag = self.tag.take();
        let checked = self.check_inputs(circuits, store).await;
        let (circuit, inputs, evaluation) = checked.map_err(|problem| form.rename(problem))?;
        Ok(Task {
            circuit,
            inputs,
            evaluation,
            tag,
            form,
        })
    }

    async fn check_inputs(
        self,
        circuits: &Circuits,
        store: Option<&Store>,
    ) -> Result<(Arc<Circuit>, ProofInputs, Evaluation), Problem> {
        let statement = self.statement.ok_or_else(|| missing("statement"))?;
        let public = self.public.ok_or_else(|| missing("public"))?;
        let private = self.private.ok_or_else(|| missing("private"))?;
        let place = match (self.registry, private.index, private.path) {
            (Some(leaf), None, None) => Place::Stored(leaf, store.ok_or_else(no_store)?),
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
        let (circuit, path, root) = match place {
            Place::Given(index, siblings) => {
                let depth = self.depth.or_else(|| levels(&siblings));
                let circuit = circuits.find(&statement, self.version, depth)?;
                let root = public.root.ok_or_else(|| missing("public.root"))?;
                let depth = circuit.key.statement().depth();
                let index = depth
                    .check_index(index)
                    .map_err(|error| Problem::invalid("private.index", error.to_string()))?;
                let path = MembershipPath::new(depth, index, siblings).map_err(|error| {
                    Problem::invalid("private.path", CircuitsError::from(error).to_string())
                })?;
                (circuit, path, root)
            }
            Place::Stored(leaf, store) => {
                // A statement that can't be proved is said before a registry that isn't known.
                circuits.find(&statement, self.version, self.depth)?;
                let registry = find_registry(store, &leaf).await?;
                let depth = self.depth.unwrap_or(registry.depth as u8);
                let circuit = circuits.find(&statement, self.version, Some(depth))?;
                let format = circuit.description.leaf_format;
                let depth = circuit.key.statement().depth();
                let (path, root) = read_path(store, depth, format, &registry, &leaf, public.root).await?;
                (circuit, path, root)
            }
        };
        let statement = circuit.key.statement();
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
        let evaluation = evaluate(statement, &inputs).map_err(|error| {
            let field = match error {
                CircuitsError::WrongClaim { .. } => "public.claim",
                _ => "private.path",
            };
            Problem::invalid(field, error.to_string())
        })?;
        Ok((circuit.clone(), inputs, evaluation))
    }
}

/// The depth of the tree that a path is of, if there is one.
fn levels(path: &[Siblings]) -> Option<u8> {
    let levels = u8::try_from(path.len()).ok()?;
    Depth::try_from(levels).ok().map(|depth| depth as u8)
}

fn no_store() -> Problem {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "no_database",
        "this service has no database (DATABASE_URL) to read a path from: give private.index and private.path",
    )
}

/// Where index and path come from.
enum Place<'a> {
    Given(u64, Vec<Siblings>),
    Stored(LeafReference, &'a Store),
}

fn missing(field: &'static str) -> Problem {
    Problem::invalid(field, "is missing")
}
