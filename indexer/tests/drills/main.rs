//! Drills of the indexer with a real chain and a real Postgres. After each drill the rows of the
//! database equal those of a new database that reads the same chain without interruption.

mod actors;
mod authority;
mod backfill;
mod chain;
mod circuit;
mod faulty_nodes;
mod forks;
mod holders;
mod kills;
mod process;
mod rebuild;
mod servers;
mod spoof;
mod support;
mod upgrade;
