//! The circuits that this service has keys for.

use std::{fs, io, path::PathBuf, sync::Arc, time::Instant};

use axum::http::StatusCode;
use bauta_circuits::{
    CircuitsError, Key, Ownership, PreparedVerifyingKey, Statement, keys::Provenance,
    load_or_setup_development,
};
use bauta_primitives::tree::Depth;
use bauta_prover::{Options, TableSource};
use bauta_service_common::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{metrics, settings::Settings};

/// Statements of the protocol that this service can't prove yet.
const NOT_BUILT: [&str; 4] = ["address", "reputation", "dataset", "policy"];
/// Depths that there are circuits for.
const DEPTHS: [Depth; 2] = [Depth::Ten, Depth::Sixteen];
/// Longest id of a model.
const LONGEST_MODEL: usize = 64;
/// What earlier systems called ownership.
const MEMBERSHIP: &str = "membership-v1";

/// Why a circuit can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A key file can't be read.
    #[error("can't read the key file {}: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A key file is of no circuit that there is.
    #[error("the key file {} is for no circuit of this version: {error}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// Why the last circuit that it was tried for refuses it.
        error: CircuitsError,
    },
    /// There is no key file, or one of published secrets.
    #[error(
        "{what}, and development keys are not allowed: give a ceremony's key in KEY_FILES, or set \
         ALLOW_DEVELOPMENT_KEYS=true where nothing of value is at stake"
    )]
    Development {
        /// Which key.
        what: String,
    },
    /// Two keys for one circuit.
    #[error("KEY_FILES has two keys for {0}: give one")]
    Twice(String),
    /// The key can't be prepared.
    #[error("the key can't be prepared: {0}")]
    Prepare(#[from] CircuitsError),
}

/// A statement at one depth, with its key.
pub struct Circuit {
    /// What others know it by.
    pub description: Description,
    /// Its key, prepared.
    pub key: Key<Ownership>,
    /// The verifying part, prepared.
    pub prepared: Arc<PreparedVerifyingKey>,
}

/// A circuit as `/circuits` shows it.
#[derive(Clone, Serialize, ToSchema)]
pub struct Description {
    /// `statement-vVERSION-depthDEPTH`.
    #[schema(example = "ownership-v1-depth10")]
    pub id: String,
    /// The statement's name.
    pub statement: &'static str,
    /// Counts up with every change of the constraints.
    pub version: u16,
    /// Depth of the registry tree.
    pub depth: u8,
    /// What the leaf's attributes mean.
    pub leaf_format: u16,
    /// SHA-256 of the verifying key: `model_hash` of a proof.
    pub verifying_key_hash: String,
    /// `development` or `ceremony`.
    pub provenance: &'static str,
    /// What everybody who uses a development key has to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
}

/// All circuits of this service, the small ones first.
pub struct Circuits {
    loaded: Vec<Arc<Circuit>>,
    models: PathBuf,
}

impl Circuits {
    /// Loads and prepares the circuits that the settings name.
    pub fn load(settings: &Settings) -> Result<Self, LoadError> {
        let mut circuits = Vec::new();
        for file in &settings.key_files {
            let bytes = fs::read(file).map_err(|error| LoadError::Read {
                file: file.clone(),
                error,
            })?;
            let key = DEPTHS
                .map(|depth| Key::from_bytes(Ownership::new(depth), &bytes))
                .into_iter()
                .reduce(Result::or)
                .expect("there are two depths")
                .map_err(|error| LoadError::Key {
                    file: file.clone(),
                    error,
                })?;
            let development = key.warning().is_some();
            if development && !settings.allow_development_keys {
                let what = format!("{} is a development key", file.display());
                return Err(LoadError::Development { what });
            }
            circuits.push(key);
        }
        if circuits.is_empty() {
            if !settings.allow_development_keys {
                let what = "KEY_FILES is empty".to_owned();
                return Err(LoadError::Development { what });
            }
            circuits.push(load_or_setup_development(&Ownership::new(Depth::Ten))?);
        }
        let mut loaded = Self {
            loaded: Vec::new(),
            models: settings.models_dir.clone(),
        };
        for key in circuits {
            let circuit = Circuit::prepare(key, settings)?;
            if loaded.by_id(&circuit.description.id).is_ok() {
                return Err(LoadError::Twice(circuit.description.id));
            }
            loaded.loaded.push(Arc::new(circuit));
        }
        loaded.loaded.sort_by_key(|circuit| circuit.description.depth);
        Ok(loaded)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Circuit>> {
        self.loaded.iter()
    }

    /// Ids of circuits of this version that this service has no key for.
    pub fn missing(&self) -> Vec<String> {
        let mut ids = DEPTHS
            .map(|depth| id(Ownership::NAME, Ownership::VERSION, depth as u8))
            .to_vec();
        ids.retain(|id| self.loaded.iter().all(|circuit| circuit.description.id != *id));
        ids
    }

    /// Why a model can't be proved with.
    pub fn model(&self, id: Option<&str>) -> Problem {
        let Some(id) = id else {
            return Problem::invalid("model_id", "is missing");
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=LONGEST_MODEL).contains(&id.len()) || id.starts_with('.') || !id.bytes().all(allowed) {
            return Problem::invalid(
                "model_id",
                "must be 1 to 64 letters, digits, -, _ or ., not beginning with a dot",
            );
        }
        if self.models.join(id).exists() || self.models.join(format!("{id}.onnx")).exists() {
            return not_built("policy");
        }
        let detail = format!("Model '{id}' not found in {}", self.models.display());
        Problem::new(StatusCode::NOT_FOUND, "model_not_found", detail)
    }

    /// The circuit of a statement. Without a version or depth, the smallest that fits.
    pub fn find(
        &self,
        statement: &str,
        version: Option<u16>,
        depth: Option<u8>,
    ) -> Result<&Arc<Circuit>, Problem> {
        if NOT_BUILT.contains(&statement) {
            return Err(not_built(statement));
        }
        if statement != Ownership::NAME {
            return Err(Problem::invalid(
                "statement",
                "must be a statement that /circuits lists",
            ));
        }
        self.loaded
            .iter()
            .find(|circuit| {
                let Description {
                    version: v, depth: d, ..
                } = circuit.description;
                version.is_none_or(|version| version == v) && depth.is_none_or(|depth| depth == d)
            })
            .ok_or_else(|| {
                unknown(format!(
                    "this service has no key for {statement} with that version and depth"
                ))
            })
    }

    /// The circuit with an id of `/circuits`.
    pub fn by_id(&self, id: &str) -> Result<&Arc<Circuit>, Problem> {
        let mut circuits = self.loaded.iter();
        let found = circuits.find(|circuit| circuit.description.id == id || id == MEMBERSHIP);
        found.ok_or_else(|| unknown("this service has no circuit with that id".to_owned()))
    }

    /// The circuit with this verifying key.
    pub fn by_key_hash(&self, hash: &[u8; 32]) -> Result<&Arc<Circuit>, Problem> {
        let mut circuits = self.loaded.iter();
        let found = circuits.find(|circuit| circuit.key.header().verifying_key_hash == *hash);
        found.ok_or_else(|| unknown("this service has no circuit with that verifying key".to_owned()))
    }
}

impl Circuit {
    fn prepare(key: Key<Ownership>, settings: &Settings) -> Result<Self, LoadError> {
        let started = Instant::now();
        let header = key.header();
        let id = id(&header.statement, header.version, header.depth);
        if let Some(warning) = key.warning() {
            tracing::warn!(event = "development_key", circuit_id = id, warning);
        }
        let hash = hex::encode(header.verifying_key_hash);
        let file = settings.cache_dir.join(format!("{id}-{}.zkey", &hash[..16]));
        match key.prepare_from(&file, Options::service())? {
            TableSource::File => {}
            TableSource::Computed(saved) => report(&id, "there were none", saved),
            TableSource::Recomputed(refusal, saved) => report(&id, &refusal.to_string(), saved),
        }
        let description = Description {
            statement: Ownership::NAME,
            version: header.version,
            depth: header.depth,
            leaf_format: header.leaf_format,
            verifying_key_hash: format!("0x{hash}"),
            provenance: match header.provenance {
                Provenance::Development => "development",
                Provenance::Ceremony { .. } => "ceremony",
            },
            warning: key.warning(),
            id,
        };
        metrics::circuit_loaded(&description.id, started.elapsed());
        let prepared = Arc::new(key.verifying_key().prepare());
        Ok(Self {
            description,
            key,
            prepared,
        })
    }
}

fn id(statement: &str, version: u16, depth: u8) -> String {
    format!("{statement}-v{version}-depth{depth}")
}

/// Says why a start was slow.
fn report(circuit_id: &str, reason: &str, saved: io::Result<()>) {
    let unsaved = saved.err().map(|error| error.to_string());
    tracing::info!(event = "tables_computed", circuit_id, reason, unsaved);
}

fn unknown(detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_circuit", detail)
}

/// 501: the statement belongs to the protocol, and this version can't prove it.
pub fn not_built(statement: &str) -> Problem {
    let detail = format!("the statement {statement} isn't built yet: this version proves those of /circuits");
    Problem::new(StatusCode::NOT_IMPLEMENTED, "statement_not_built", detail).with("statement", statement)
}
