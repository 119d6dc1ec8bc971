//! The store against a real Postgres. One program, so that its tests share a server; each has a database of its own.

mod analytics;
mod apply;
mod away;
mod backup;
mod jobs;
mod migrations;
mod roles;
mod schema;
mod support;
mod tree;
mod undo;
mod validity;
mod writers;
