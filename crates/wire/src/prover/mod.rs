//! The types of the prover service.

mod jobs;
mod profile;
mod proofs;
mod queue;
mod requests;
mod service;
mod snapshot;
mod stream;
mod tickets;
mod verify;
mod workers;

pub use self::{
    jobs::{Accepted, JobDocument, JobError, JobPage},
    profile::{Case, CircuitType, ProfileRequest, Report},
    proofs::{
        BatchAnswer, ContractAnswer, Metadata, ProofDocument, ProveAnswer, ProveResponse,
        PublicInputsDocument,
    },
    queue::{FailedJob, FailedJobs, QueueStats},
    requests::{LeafReference, ProveBody, RequestPublicInputs, SealedInputs},
    service::{CircuitDescription, CircuitList, Health, SealingKeyAnswer},
    snapshot::{RecentFigures, Resources, Snapshot},
    stream::Progress,
    tickets::{TicketAnswer, TicketRequest},
    verify::{ExpectedOutput, GivenProof, OUTPUT_ELEMENTS, VerifyAnswer, VerifyRequest},
    workers::{Registered, Registration, Worker, WorkerStats},
};
