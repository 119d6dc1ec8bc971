//! The API and the prover service.

use bauta_http::{Api, HttpError, ProverService, Retries, Settings};

use super::Finding::{self, Good, Notice, Problem};
use crate::{context::Context, values::hex32};

const START: &str = "start the service, or correct its URL";
/// The version of this command, which services of the same release have.
const OWN: &str = env!("CARGO_PKG_VERSION");

fn settings() -> Settings {
    Settings {
        retries: Retries::NONE,
        ..Settings::default()
    }
}

fn unreachable(error: &HttpError) -> Finding {
    Problem(error.to_string(), START)
}

/// Checks that an API responds, has its database, and serves the pinned cluster.
pub async fn api(context: &Context, url: &str) -> Finding {
    let api = match Api::with(url, settings()) {
        Ok(api) => api,
        Err(error) => return unreachable(&error),
    };
    let health = match api.health().await {
        Ok(health) => health,
        Err(error) => return unreachable(&error),
    };
    let found = format!(
        "{} is {}, database {}, circuits {}",
        api.host(),
        health.status.escape_debug(),
        health.database.escape_debug(),
        health.circuits.escape_debug()
    );
    if health.status != "healthy" || health.database != "connected" {
        return Problem(
            found,
            "start the database of the service: see its /ready and its log",
        );
    }
    let config = match api.config().await {
        Ok(config) => config,
        Err(error) => {
            return Notice(
                format!("{found}; its cluster is unknown: {error}"),
                "start its indexer",
            );
        }
    };
    let pinned = context.cluster.tag.map(|tag| hex32(&tag.to_bytes()));
    if pinned.is_some_and(|pinned| pinned != config.cluster_tag) || config.program != bauta::ID.to_string() {
        return Problem(
            format!("{found}, but it serves another cluster or another program"),
            "use an API of this cluster",
        );
    }
    Good(found)
}

/// Checks that a prover service responds, is of this version, and has keys.
pub async fn prover(url: &str) -> Finding {
    let service = match ProverService::with(url, settings()) {
        Ok(service) => service,
        Err(error) => return unreachable(&error),
    };
    let (health, circuits) = match (service.health().await, service.circuits().await) {
        (Ok(health), Ok(circuits)) => (health, circuits),
        (Err(error), _) | (_, Err(error)) => return unreachable(&error),
    };
    let found = format!(
        "{} is {}, version {}, {} circuits",
        service.host(),
        health.status.escape_debug(),
        health.version.escape_debug(),
        circuits.circuits.len()
    );
    if health.status != "healthy" {
        return Problem(found, "see the /ready of the service and its log");
    }
    if circuits.circuits.is_empty() {
        return Problem(
            found,
            "give the service the keys of the circuits (docs/prover-service.md)",
        );
    }
    if health.version != OWN {
        return Notice(found, "use the same release of this command and of the service");
    }
    Good(found)
}
