//! The types of the prover service.

mod jobs;
mod proofs;
mod service;
mod verify;

pub use self::{
    jobs::{Accepted, JobDocument, JobError, JobPage},
    proofs::{Metadata, ProofDocument, ProveAnswer, PublicInputsDocument},
    service::{CircuitDescription, CircuitList, Health, SealingKeyAnswer},
    verify::{ExpectedOutput, GivenProof, OUTPUT_ELEMENTS, VerifyAnswer, VerifyRequest},
};
