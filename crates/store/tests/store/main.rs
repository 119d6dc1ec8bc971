//! Tests of the store against a real Postgres. They are one program, so that they share a server.
//! Each test has its own database.

mod accounts;
mod analytics;
mod api_keys;
mod apply;
mod audit_seals;
mod backfill;
mod backup;
mod collections;
mod contested;
mod event_log;
mod feature_flags;
mod imports;
mod instances;
mod jobs;
mod limits;
mod migrations;
mod pgbouncer;
mod read;
mod relays;
mod retention;
mod roles;
mod rollback;
mod root_to_prove;
mod scans;
mod schema;
mod support;
mod tree;
mod unreachable;
mod validity;
mod webhooks;
mod writers;
