//! Tests of the follower with a private Postgres and a chain in memory, whose source can give wrong
//! answers. After each fault the database must equal one that was filled from a correct source.

mod backfill;
mod contests;
mod forks;
mod gaps;
mod quarantine;
mod readiness;
mod rebuild;
mod reconcile;
mod refused_reuse;
mod rules;
mod snapshot;
mod support;
