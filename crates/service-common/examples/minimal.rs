//! A minimal service with settings, a check and a few routes. The tests run it as a process.

use std::{process::ExitCode, time::Duration};

use axum::{Router, routing::get, routing::post};
use bauta_service_common::{
    Arguments, Check, HttpSettings, Json, OperationsSettings, Secret, Service, ServiceError, with_fallbacks,
};
use clap::Parser;
use confique::Config;
use serde::Deserialize;

/// Settings of the minimal service.
#[derive(Debug, Config)]
struct Settings {
    /// Port to listen on. 0 chooses a free port.
    #[config(env = "PORT", default = 3001)]
    port: u16,

    /// A secret. The check `password` requires at least 8 characters.
    #[config(env = "PASSWORD")]
    password: Secret,

    /// Limits of HTTP requests and connections.
    #[config(nested)]
    http: HttpSettings,

    /// Logs, spans, metrics and shutdown.
    #[config(nested)]
    operations: OperationsSettings,
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Greeting {
    name: String,
    times: u8,
}

#[tokio::main]
async fn main() -> ExitCode {
    bauta_service_common::exit_code(run().await)
}

async fn run() -> Result<(), ServiceError> {
    let Some(settings) = Cli::parse().arguments.settings::<Settings>()? else {
        return Ok(());
    };
    println!("{settings:?}");
    let service = Service::start("minimal", env!("CARGO_PKG_VERSION"), &settings.operations).await?;
    let password = settings.password.clone();
    service.health().add("password", move || {
        let is_long_enough = password.expose().len() >= 8;
        async move { Check::required(is_long_enough.then_some(()).ok_or("shorter than 8 characters")) }
    });
    let routes = Router::new()
        .route("/greet", post(greet))
        .route("/slow", get(slow))
        .route("/large", get(large))
        .route("/panic", get(panics))
        .merge(service.metrics_route());
    let routes = with_fallbacks(routes);
    service.serve(settings.port, routes, &settings.http).await?;
    service.run().await
}

async fn greet(Json(greeting): Json<Greeting>) -> String {
    format!("hello {}", greeting.name).repeat(greeting.times.into())
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(500)).await;
    "done"
}

/// Returns more bytes than the socket buffers between a server and a client can hold.
async fn large() -> String {
    "x".repeat(64 << 20)
}

async fn panics() -> &'static str {
    panic!("a detail: {}", 4711)
}
