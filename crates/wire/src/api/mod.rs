//! The types of the API service.

mod circuits;
mod health;
mod problem;
mod proofs;
mod registries;
mod relay;
mod scopes;
mod trees;

pub use self::{
    circuits::{CircuitDocument, CircuitList},
    health::Health,
    problem::{InvalidFieldDocument, ProblemDocument},
    proofs::{
        AcceptedJobDocument, GenerateBody, GeneratedDocument, JobErrorDocument, ProofInputs,
        ProofJobDocument, SealedPrivate, SealingKeyDocument, VerdictDocument, VerifyBody,
    },
    registries::{RegistryDocument, RegistryPage},
    relay::{
        AcceptedDocument, ConsumerAccountBody, ConsumerBody, ConsumerDocument, FEE_IN_TRANSACTION, FEE_KEY,
        FEE_SPONSORED, IDEMPOTENCY_KEY, RelayBody, RelayDocument, RelayStatusDocument, ToSignDocument,
    },
    scopes::{ScopeDocument, ScopePage},
    trees::{MAX_TILES, PathDocument, RootDocument, RootPage, StoredTreeDocument, TileRequest},
};
