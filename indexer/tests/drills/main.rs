//! Drills of the indexer, on a real chain and a real Postgres. After each the database is, row for row, what a new one is that
//! reads the same chain in one go.

mod circuit;
mod forks;
mod holders;
mod kills;
mod lies;
mod process;
mod rebuild;
mod servers;
mod spoof;
mod support;
mod world;
