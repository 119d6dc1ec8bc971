//! Tests of the whole indexer with a real node: history, websocket, finality, replicas, startup.

mod failover;
mod live;
mod start;
mod support;
