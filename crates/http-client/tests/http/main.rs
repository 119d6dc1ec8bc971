//! Tests of the client against a server that records requests and sends prepared responses.

mod calls;
mod retries;
mod schema;
mod server;
