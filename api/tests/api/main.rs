//! Tests of the service as a process, over HTTP.

mod accounts;
mod analytics;
mod audit;
mod browsers;
mod caching;
mod common;
#[path = "../../../prover-service/tests/service/compose_secrets.rs"]
mod compose_secrets;
mod configuration;
mod delegated;
mod eligibility;
mod events;
mod freshness;
mod keys;
mod limits;
mod nodes;
mod ohttp;
mod openapi;
mod operators;
mod pages;
mod privacy;
mod proof_jobs;
mod proving_keys;
mod reads;
mod registrations;
mod relay;
mod revocation;
mod roles;
#[path = "../../../prover-service/tests/service/schemathesis.rs"]
mod schemathesis;
mod subscribers;
mod trees;
mod unavailable;
mod uploads;
mod verifying_keys;
mod webhooks;
mod zkp;
