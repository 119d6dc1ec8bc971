//! The whole indexer against a real node: history, websocket, finality, two replicas.

mod live;
mod support;
