//! The circuits that this service has keys for.

use std::{fs, io, path::PathBuf, sync::Arc, time::Instant};

use bauta_circuits::{
    Address, AnyKey, CircuitsError, Ownership, PreparedVerifyingKey, Statement,
    keys::Provenance,
    statements::{self, Visitor, visit_all},
};
use bauta_primitives::tree::Depth;
use bauta_prover::{Options, TableSource};
use bauta_service_common::InvalidField;
use bauta_wire::prover::CircuitDescription;

use crate::{metrics, settings::Settings};

/// Statements of the protocol that this version can't prove.
const NOT_BUILT: [&str; 2] = ["dataset", "policy"];
/// Largest length of a model's id in bytes.
const MAX_MODEL_ID_LENGTH: usize = 64;
/// The id of the ownership statement for clients that don't name a depth.
const OWNERSHIP: &str = "ownership-v1";
/// The ids that earlier systems have for the statement `address`.
const ADDRESS_IDS: [&str; 2] = ["membership-v1", "structure-v1"];

/// Why circuits can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A key file can't be read.
    #[error("can't read the key file {}: {error}", file.display())]
    Read {
        /// The path of the file.
        file: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A key file belongs to no circuit of this version.
    #[error("the key file {} is for no circuit of this version: {error}", file.display())]
    Key {
        /// The path of the file.
        file: PathBuf,
        /// The reason.
        error: CircuitsError,
    },
    /// A development key would be used, but development keys are not allowed.
    #[error(
        "{reason}, and development keys are not allowed: set KEY_FILES to a key from a ceremony, or set \
         ALLOW_DEVELOPMENT_KEYS=true where nothing of value is at stake"
    )]
    Development {
        /// Why a development key would be used.
        reason: String,
    },
    /// Two keys belong to the same circuit.
    #[error("KEY_FILES has two keys for {0}: remove one")]
    DuplicateKey(String),
    /// A key can't be prepared.
    #[error("the key can't be prepared: {0}")]
    Prepare(#[from] CircuitsError),
}

/// Why a request's statement, circuit or model can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CircuitError {
    /// A field of the request breaks its rule.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// This version doesn't know the statement. The field is `statement`.
    #[error(transparent)]
    UnknownStatement(InvalidField),
    /// The statement belongs to the protocol, but this version can't prove it.
    #[error(
        "the statement {statement} isn't built yet: this version proves the statements that /circuits lists"
    )]
    NotBuilt {
        /// The name of the statement.
        statement: String,
    },
    /// The service has no key for the statement with the requested version and depth.
    #[error("this service has no key for {statement} with that version and depth")]
    NoKey {
        /// The name of the statement.
        statement: String,
    },
    /// The service has no circuit with this id.
    #[error("this service has no circuit with that id")]
    UnknownId,
    /// The service has no circuit with this verifying key.
    #[error("this service has no circuit with that verifying key")]
    UnknownVerifyingKey,
    /// The folder of models doesn't have this model.
    #[error("Model '{id}' not found in {}", folder.display())]
    ModelNotFound {
        /// The model's id.
        id: String,
        /// The folder of models.
        folder: PathBuf,
    },
}

impl CircuitError {
    /// Returns whether another worker may be able to prove the request. Workers can have different
    /// keys and versions.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::UnknownStatement(_)
            | Self::NotBuilt { .. }
            | Self::NoKey { .. }
            | Self::UnknownId
            | Self::UnknownVerifyingKey => true,
            Self::Invalid(_) | Self::ModelNotFound { .. } => false,
        }
    }

    /// Returns the stable error code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::UnknownStatement(_) => InvalidField::CODE,
            Self::NotBuilt { .. } => "statement_not_built",
            Self::NoKey { .. } | Self::UnknownId | Self::UnknownVerifyingKey => "unknown_circuit",
            Self::ModelNotFound { .. } => "model_not_found",
        }
    }

    /// Creates the error for a statement of the protocol that this version can't prove.
    pub fn not_built(statement: &str) -> Self {
        Self::NotBuilt {
            statement: statement.to_owned(),
        }
    }
}

/// A statement at one depth, with its key.
pub struct Circuit {
    /// The public description.
    pub description: CircuitDescription,
    /// The prepared proving key.
    pub key: AnyKey,
    /// The prepared verifying key.
    pub prepared: Arc<PreparedVerifyingKey>,
}

/// All circuits of this service, ordered by statement and depth.
pub struct Circuits {
    loaded: Vec<Arc<Circuit>>,
    models_folder: PathBuf,
}

impl Circuits {
    /// Loads and prepares the circuits that the settings name.
    pub fn load(settings: &Settings) -> Result<Self, LoadError> {
        let mut keys = Vec::new();
        for file in &settings.key_files {
            let bytes = fs::read(file).map_err(|error| LoadError::Read {
                file: file.clone(),
                error,
            })?;
            let key = AnyKey::from_bytes(&bytes).map_err(|error| LoadError::Key {
                file: file.clone(),
                error,
            })?;
            let is_development = key.warning().is_some();
            if is_development && !settings.allow_development_keys {
                let reason = format!("{} is a development key", file.display());
                return Err(LoadError::Development { reason });
            }
            keys.push(key);
        }
        if keys.is_empty() {
            if !settings.allow_development_keys {
                let reason = "KEY_FILES is empty".to_owned();
                return Err(LoadError::Development { reason });
            }
            // The keys of other statements take seconds to make, so they are only loaded from
            // files.
            let key = AnyKey::load_or_setup_development(Ownership::NAME, Depth::Ten);
            keys.push(key.expect("ownership is in the list of statements")?);
        }
        let mut circuits = Self {
            loaded: Vec::new(),
            models_folder: settings.models_dir.clone(),
        };
        for key in keys {
            let circuit = Circuit::prepare(key, settings)?;
            if circuits.by_id(&circuit.description.id).is_ok() {
                return Err(LoadError::DuplicateKey(circuit.description.id));
            }
            circuits.loaded.push(Arc::new(circuit));
        }
        let position = |name: &str| statements::NAMES.iter().position(|other| *other == name);
        circuits.loaded.sort_by_key(|circuit| {
            let CircuitDescription { statement, depth, .. } = &circuit.description;
            (position(statement), *depth)
        });
        Ok(circuits)
    }

    /// Returns all circuits.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Circuit>> {
        self.loaded.iter()
    }

    /// Returns the ids of circuits of this version that the service has no key for.
    pub fn missing(&self) -> Vec<String> {
        struct Id;

        impl Visitor for Id {
            type Output = String;

            fn visit<S: Statement>(&mut self, statement: S) -> String {
                circuit_id(S::NAME, S::VERSION, statement.depth() as u8)
            }
        }

        let mut ids = visit_all(&mut Id);
        ids.retain(|id| self.loaded.iter().all(|circuit| circuit.description.id != *id));
        ids
    }

    /// Returns the reason why a request can't be proved with a model. This version can't use
    /// models.
    pub fn refuse_model(&self, id: Option<&str>) -> CircuitError {
        let Some(id) = id else {
            return InvalidField::missing("model_id").into();
        };
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_valid_length = (1..=MAX_MODEL_ID_LENGTH).contains(&id.len());
        if !is_valid_length || id.starts_with('.') || !id.bytes().all(is_allowed) {
            let rule = "must have 1 to 64 letters, digits, -, _ or ., and must not start with a dot";
            return InvalidField::new("model_id", rule).into();
        }
        let folder = &self.models_folder;
        if folder.join(id).exists() || folder.join(format!("{id}.onnx")).exists() {
            return CircuitError::not_built("policy");
        }
        CircuitError::ModelNotFound {
            id: id.to_owned(),
            folder: folder.clone(),
        }
    }

    /// Returns the circuit of a statement. Without a version or depth, returns the circuit with the
    /// smallest depth that matches.
    pub fn find(
        &self,
        statement: &str,
        version: Option<u16>,
        depth: Option<u8>,
    ) -> Result<&Arc<Circuit>, CircuitError> {
        if NOT_BUILT.contains(&statement) {
            return Err(CircuitError::not_built(statement));
        }
        if !statements::NAMES.contains(&statement) {
            let rule = "must be a statement that /circuits lists";
            return Err(CircuitError::UnknownStatement(InvalidField::new(
                "statement",
                rule,
            )));
        }
        self.loaded
            .iter()
            .find(|circuit| {
                let CircuitDescription {
                    statement: name,
                    version: v,
                    depth: d,
                    ..
                } = &circuit.description;
                name == statement
                    && version.is_none_or(|version| version == *v)
                    && depth.is_none_or(|depth| depth == *d)
            })
            .ok_or_else(|| CircuitError::NoKey {
                statement: statement.to_owned(),
            })
    }

    /// Returns the circuit with an id that `/circuits` lists. `ownership-v1` is the circuit of
    /// `ownership` with the smallest depth, and `membership-v1` and `structure-v1` are that of
    /// `address`.
    pub fn by_id(&self, id: &str) -> Result<&Arc<Circuit>, CircuitError> {
        self.with_id(id).next().ok_or(CircuitError::UnknownId)
    }

    /// Returns the circuit with this id and verifying key. An id without a depth is that of the
    /// circuits of all depths.
    pub fn by_id_and_key_hash(&self, id: &str, hash: &[u8; 32]) -> Option<&Arc<Circuit>> {
        self.with_id(id)
            .find(|circuit| circuit.key.header().verifying_key_hash == *hash)
    }

    fn with_id(&self, id: &str) -> impl Iterator<Item = &Arc<Circuit>> {
        let statement = match id {
            OWNERSHIP => Some(Ownership::NAME),
            _ if ADDRESS_IDS.contains(&id) => Some(Address::NAME),
            _ => None,
        };
        self.loaded.iter().filter(move |circuit| {
            circuit.description.id == id || statement == Some(&*circuit.description.statement)
        })
    }

    /// Returns the circuit whose verifying key has this hash.
    pub fn by_key_hash(&self, hash: &[u8; 32]) -> Result<&Arc<Circuit>, CircuitError> {
        let mut circuits = self.loaded.iter();
        let found = circuits.find(|circuit| circuit.key.header().verifying_key_hash == *hash);
        found.ok_or(CircuitError::UnknownVerifyingKey)
    }
}

impl Circuit {
    fn prepare(key: AnyKey, settings: &Settings) -> Result<Self, LoadError> {
        let started = Instant::now();
        let header = key.header();
        let id = circuit_id(&header.statement, header.version, header.depth);
        if let Some(warning) = key.warning() {
            tracing::warn!(event = "development_key", circuit_id = id, warning);
        }
        let hash = hex::encode(header.verifying_key_hash);
        let file = settings.cache_dir.join(format!("{id}-{}.zkey", &hash[..16]));
        match key.prepare_from(&file, Options::service())? {
            TableSource::File => {}
            TableSource::Computed(saved) => log_computed_tables(&id, "the file doesn't exist", saved),
            TableSource::Recomputed(refusal, saved) => log_computed_tables(&id, &refusal.to_string(), saved),
        }
        let description = CircuitDescription {
            statement: key.statement().into(),
            version: header.version,
            depth: header.depth,
            leaf_format: header.leaf_format,
            verifying_key_hash: format!("0x{hash}"),
            provenance: match header.provenance {
                Provenance::Development => "development".into(),
                Provenance::Ceremony { .. } => "ceremony".into(),
            },
            warning: key.warning().map(Into::into),
            id,
        };
        metrics::record_loaded_circuit(&description.id, started.elapsed());
        let prepared = Arc::new(key.verifying_key().prepare());
        Ok(Self {
            description,
            key,
            prepared,
        })
    }
}

fn circuit_id(statement: &str, version: u16, depth: u8) -> String {
    format!("{statement}-v{version}-depth{depth}")
}

/// Logs why the start took longer than with tables from a file.
fn log_computed_tables(circuit_id: &str, reason: &str, saved: io::Result<()>) {
    let save_error = saved.err().map(|error| error.to_string());
    tracing::info!(event = "tables_computed", circuit_id, reason, save_error);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_worker_may_know_a_statement_that_this_version_does_not_know() {
        let circuits = Circuits {
            loaded: Vec::new(),
            models_folder: PathBuf::new(),
        };
        let error = circuits.find("added_later", None, None).err().unwrap();
        assert!(error.is_retryable());
        assert_eq!(error.code(), InvalidField::CODE);
    }
}
