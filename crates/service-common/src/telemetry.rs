//! Set-up of logs and of the export of spans.

use std::{
    panic::{self, PanicHookInfo},
    str::FromStr as _,
    thread,
};

use json_subscriber::JsonLayer;
use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{Directive, dynamic_filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{LogFormat, OperationsSettings, ServiceError, spans::SpanExporter};

/// The log target of audit records: which client requested what, and with which outcome. Records
/// have the level `info` and are logged with every value of `RUST_LOG`.
pub const AUDIT: &str = "audit";

/// Starts logging to standard output. A JSON line has `timestamp`, `level`, `service`, `target`,
/// the fields of the event (`event`, `circuit_id`, `duration_ms`, ...) and the fields of the
/// enclosing spans (`request_id`). If the process has a logger already, that logger stays. If the
/// settings name a collector, also starts the export of spans.
pub(crate) fn start(
    service: &'static str,
    settings: &OperationsSettings,
) -> Result<Option<SpanExporter>, ServiceError> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| ServiceError::Telemetry(format!("log (RUST_LOG) isn't a filter: {error}")))?
        .add_directive(Directive::from_str(&format!("{AUDIT}=info")).expect("a valid directive"));
    let exporter = settings.otlp_endpoint.as_deref();
    let exporter = exporter
        .map(|endpoint| SpanExporter::start(service, endpoint))
        .transpose()?;
    let spans = exporter.as_ref().map(|exporter| {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(exporter.tracer())
            // Tasks move between threads, so the parent of a span is the one that `tracing` knows.
            .with_context_activation(false);
        // A dynamic filter is evaluated for each span. With a static filter, the state that a
        // library's `enabled` query leaves behind (sqlx has one) would decide about the next span.
        let targets = exported_targets(service);
        layer.with_filter(dynamic_filter_fn(move |metadata, _| {
            is_exported(metadata, &targets)
        }))
    });
    // The log filter must not affect the export, so with an export each layer has its own filter.
    let (global_filter, log_filter) = if spans.is_some() {
        (None, Some(filter))
    } else {
        (Some(filter), None)
    };
    let registry = tracing_subscriber::registry().with(global_filter).with(spans);
    let started = match settings.log_format {
        LogFormat::Text => registry.with(fmt::layer().with_filter(log_filter)).try_init(),
        LogFormat::Json => {
            let mut layer = JsonLayer::stdout();
            layer
                .with_timer("timestamp", fmt::time::SystemTime)
                .with_level("level")
                .with_target("target")
                .with_flattened_event()
                .with_top_level_flattened_span_list();
            layer.add_static_field("service", service.into());
            registry.with(layer.with_filter(log_filter)).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("the process already has a logger");
    }
    panic::set_hook(Box::new(log_panic));
    Ok(exporter)
}

/// Writes the audit records of a command to standard error as JSON lines. A command of an operator
/// has no other log, and its standard output is for its result.
pub fn write_audit_to_stderr(service: &'static str) {
    let mut layer = JsonLayer::stderr();
    layer
        .with_timer("timestamp", fmt::time::SystemTime)
        .with_level("level")
        .with_target("target")
        .with_flattened_event();
    layer.add_static_field("service", service.into());
    let only_audit = EnvFilter::new(format!("{AUDIT}=info"));
    if tracing_subscriber::registry()
        .with(layer.with_filter(only_audit))
        .try_init()
        .is_err()
    {
        tracing::debug!("the process already has a logger");
    }
}

/// Returns the prefixes of the targets whose spans are exported: the service's crate, Bauta's
/// libraries, and the target of request spans.
fn exported_targets(service: &str) -> [String; 3] {
    [service.replace('-', "_"), "bauta_".to_owned(), AUDIT.to_owned()]
}

/// Returns whether a span or event is exported. Events are part of the log and are not exported,
/// and neither are spans of other libraries.
fn is_exported(metadata: &Metadata<'_>, targets: &[String]) -> bool {
    metadata.is_span()
        && targets
            .iter()
            .any(|target| metadata.target().starts_with(target.as_str()))
}

/// Logs the location of a panic, instead of the default output on standard error. The message is
/// not logged, because it may contain a secret.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    tracing::error!(event = "panicked", location, thread = thread::current().name());
}
