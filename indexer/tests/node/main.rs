//! Tests of the whole indexer with a real node: history, websocket, finality, replicas, startup.

mod commands;
mod contests;
mod contradictions;
mod doubts;
mod failover;
mod faults;
mod live;
mod positions;
mod retention;
mod start;
mod support;
