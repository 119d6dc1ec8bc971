//! The whole indexer against a real node: history, websocket, finality, two replicas.

mod failover;
mod live;
mod start;
mod support;
