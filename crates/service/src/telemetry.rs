//! Logs.

use std::str::FromStr as _;

use json_subscriber::JsonLayer;
use tracing_subscriber::{EnvFilter, filter::Directive, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{LogFormat, OperationsSettings, ServiceError};

/// The target of what is logged whatever `RUST_LOG` says: who asked for what and how it ended. Its level is `info`.
pub const AUDIT: &str = "audit";

/// Starts logging to standard output. A JSON line has `timestamp`, `level`, `service`, `target`, the event's own fields
/// (`event`, `circuit_id`, `duration_ms`, ...) and those of the spans around it (`request_id`). In a process that logs already, nothing changes.
pub(crate) fn start(service: &'static str, settings: &OperationsSettings) -> Result<(), ServiceError> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| ServiceError::Telemetry(format!("log (RUST_LOG) isn't a filter: {error}")))?
        .add_directive(Directive::from_str(&format!("{AUDIT}=info")).expect("a target's name and a level"));
    let registry = tracing_subscriber::registry().with(filter);
    let started = match settings.log_format {
        LogFormat::Text => registry.with(fmt::layer()).try_init(),
        LogFormat::Json => {
            let mut layer = JsonLayer::stdout();
            layer
                .with_timer("timestamp", fmt::time::SystemTime)
                .with_level("level")
                .with_target("target")
                .with_flattened_event()
                .with_top_level_flattened_span_list();
            layer.add_static_field("service", service.into());
            registry.with(layer).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("this process logs already");
    }
    Ok(())
}
