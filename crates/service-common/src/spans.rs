//! Spans for a collector (OpenTelemetry, OTLP over HTTP with protobuf), where an operator wants them.
//!
//! ```text
//!   request (traceparent of the client) --> job (another process, later) --> collector
//! ```
//!
//! Only spans of Bauta's own crates go out, with the few fields that they have: not the log, whose events belong to spans, and not what
//! libraries say of themselves.

use std::{collections::HashMap, fmt, time::Duration};

use axum::http::{HeaderMap, Uri};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use opentelemetry::{propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_http::{
    Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response, hyper::HyperClient,
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{ServiceError, telemetry::AUDIT};

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What W3C calls the header.
const TRACEPARENT: &str = "traceparent";

/// Sends spans until it is told to end.
pub(crate) struct Export(SdkTracerProvider);

impl Export {
    /// To the collector at `http://host:port` or `https://host:port`.
    pub(crate) fn start(service: &'static str, endpoint: &str) -> Result<Self, ServiceError> {
        let address: Option<Uri> = endpoint.parse().ok().filter(|uri: &Uri| uri.host().is_some());
        let exporter = match address.as_ref().and_then(Uri::scheme_str) {
            Some("http") => exporter(endpoint, HttpConnector::new()),
            Some("https") => {
                let roots = HttpsConnectorBuilder::new()
                    .with_native_roots()
                    .map_err(|error| {
                        ServiceError::Telemetry(format!("https to OTLP_ENDPOINT: the system's CAs: {error}"))
                    })?;
                exporter(endpoint, roots.https_only().enable_http1().build())
            }
            _ => Err("it must be a collector's http://host:port or https://host:port".to_owned()),
        };
        let refused = |reason| ServiceError::Telemetry(format!("otlp_endpoint (OTLP_ENDPOINT): {reason}"));
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build())
            .with_batch_exporter(exporter.map_err(refused)?)
            .build();
        Ok(Self(provider))
    }

    /// Where spans go.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("bauta")
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        // It waits for its own thread, which waits for this runtime.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(event = "spans_lost", %error);
        }
    }
}

fn exporter<C>(endpoint: &str, connector: C) -> Result<SpanExporter, String>
where
    C: Connect + Clone + fmt::Debug + Send + Sync + 'static,
{
    let client = OnRuntime {
        client: HyperClient::new(connector, PATIENCE, None),
        runtime: Handle::current(),
    };
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| error.to_string())
}

/// What the targets of a service's own spans begin with: its crate's name, those of Bauta's libraries, and that of requests.
pub(crate) fn targets(service: &str) -> [String; 3] {
    [service.replace('-', "_"), "bauta_".to_owned(), AUDIT.to_owned()]
}

/// Whether a span or event goes to the collector.
pub(crate) fn is_exported(metadata: &Metadata<'_>, targets: &[String]) -> bool {
    metadata.is_span()
        && targets
            .iter()
            .any(|own| metadata.target().starts_with(own.as_str()))
}

/// The exporter has a thread without a runtime; the client needs one.
#[derive(Debug)]
struct OnRuntime<C: Connect + Clone + Send + Sync + 'static> {
    client: HyperClient<C>,
    runtime: Handle,
}

#[async_trait::async_trait]
impl<C: Connect + Clone + fmt::Debug + Send + Sync + 'static> HttpClient for OnRuntime<C> {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        sent.await?
    }
}

/// Makes a request's span a child of the client's, if the client says which that is (`traceparent`).
pub(crate) fn follow_headers(span: &Span, headers: &HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // Refused where no spans are exported: then nobody asks for parents.
        let _ = span.set_parent(parent);
    }
}

/// The present span for another process, as W3C's `traceparent`; none where no spans are exported.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes a span a child of the one that [`traceparent`] gave.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), parent.to_owned())]);
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
}
