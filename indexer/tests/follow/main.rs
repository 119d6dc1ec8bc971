//! The follower on a private Postgres, with a recorded chain that can be made to lie. After each trick the database must
//! equal one that was filled by a follower that was told the truth at once.

mod alarm;
mod forks;
mod gaps;
mod rebuild;
mod reconcile;
mod reuse;
mod rules;
mod support;
