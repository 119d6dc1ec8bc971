//! Logs, and spans for a collector.

use std::{
    panic::{self, PanicHookInfo},
    str::FromStr as _,
    thread,
};

use json_subscriber::JsonLayer;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{Directive, dynamic_filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    LogFormat, OperationsSettings, ServiceError,
    spans::{self, Export},
};

/// The target of what is logged whatever `RUST_LOG` says: who asked for what and how it ended. Its level is `info`.
pub const AUDIT: &str = "audit";

/// Starts logging to standard output. A JSON line has `timestamp`, `level`, `service`, `target`, the event's own fields
/// (`event`, `circuit_id`, `duration_ms`, ...) and those of the spans around it (`request_id`). In a process that logs already, nothing changes. Spans go to a collector, if the settings name one.
pub(crate) fn start(
    service: &'static str,
    settings: &OperationsSettings,
) -> Result<Option<Export>, ServiceError> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| ServiceError::Telemetry(format!("log (RUST_LOG) isn't a filter: {error}")))?
        .add_directive(Directive::from_str(&format!("{AUDIT}=info")).expect("a target's name and a level"));
    let export = settings.otlp_endpoint.as_deref();
    let export = export
        .map(|endpoint| Export::start(service, endpoint))
        .transpose()?;
    let spans = export.as_ref().map(|export| {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(export.tracer())
            // Tasks go from thread to thread: a span's parent is the one that tracing knows.
            .with_context_activation(false);
        // Dynamic, so that it is asked each time: what a library's question whether it would be logged (sqlx asks) leaves behind would decide
        // about the next span.
        let own = spans::targets(service);
        layer.with_filter(dynamic_filter_fn(move |metadata, _| {
            spans::is_exported(metadata, &own)
        }))
    });
    // What is logged says nothing about what is exported: then each has a filter of its own.
    let (of_all, of_log) = if spans.is_some() {
        (None, Some(filter))
    } else {
        (Some(filter), None)
    };
    let registry = tracing_subscriber::registry().with(of_all).with(spans);
    let started = match settings.log_format {
        LogFormat::Text => registry.with(fmt::layer().with_filter(of_log)).try_init(),
        LogFormat::Json => {
            let mut layer = JsonLayer::stdout();
            layer
                .with_timer("timestamp", fmt::time::SystemTime)
                .with_level("level")
                .with_target("target")
                .with_flattened_event()
                .with_top_level_flattened_span_list();
            layer.add_static_field("service", service.into());
            registry.with(layer.with_filter(of_log)).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("this process logs already");
    }
    panic::set_hook(Box::new(log_panic));
    Ok(export)
}

/// A line of the log instead of one on standard error. Where it was says enough; the message may hold anything, a secret, too.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(event = "panicked", place, thread = thread::current().name());
}
