//! Export of spans to an OpenTelemetry collector (OTLP over HTTP with protobuf), and the
//! propagation of trace contexts.
//!
//! ```text
//!   request (traceparent of the client) --> job (another process, later) --> collector
//! ```

use std::{collections::HashMap, fmt, time::Duration};

use axum::http::{HeaderMap, Uri};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use opentelemetry::{propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_http::{
    Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response, hyper::HyperClient,
};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::ServiceError;

/// Timeout for a request to the collector.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The header of the W3C Trace Context standard.
const TRACEPARENT: &str = "traceparent";

/// Exports spans in batches until it is shut down.
pub(crate) struct SpanExporter(SdkTracerProvider);

impl SpanExporter {
    /// Starts the export to the collector at `http://host:port` or `https://host:port`.
    pub(crate) fn start(service: &'static str, endpoint: &str) -> Result<Self, ServiceError> {
        let address: Option<Uri> = endpoint.parse().ok().filter(|uri: &Uri| uri.host().is_some());
        let exporter = match address.as_ref().and_then(Uri::scheme_str) {
            Some("http") => exporter(endpoint, HttpConnector::new()),
            Some("https") => {
                let roots = HttpsConnectorBuilder::new()
                    .with_native_roots()
                    .map_err(|error| {
                        ServiceError::Telemetry(format!(
                            "OTLP_ENDPOINT uses https, but the system's CAs can't be read: {error}"
                        ))
                    })?;
                exporter(endpoint, roots.https_only().enable_http1().build())
            }
            _ => Err("must be the URL of a collector: http://host:port or https://host:port".to_owned()),
        };
        let refused = |reason| ServiceError::Telemetry(format!("otlp_endpoint (OTLP_ENDPOINT): {reason}"));
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(service).build())
            .with_batch_exporter(exporter.map_err(refused)?)
            .build();
        Ok(Self(provider))
    }

    /// Returns the tracer that exports spans.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("bauta")
    }

    /// Exports the remaining spans and stops.
    pub(crate) async fn shutdown(self) {
        // The provider blocks until its own thread ends, and that thread needs this runtime.
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!(event = "spans_lost", %error);
        }
    }
}

fn exporter<C>(endpoint: &str, connector: C) -> Result<OtlpExporter, String>
where
    C: Connect + Clone + fmt::Debug + Send + Sync + 'static,
{
    let client = RuntimeClient {
        client: HyperClient::new(connector, TIMEOUT, None),
        runtime: Handle::current(),
    };
    OtlpExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| error.to_string())
}

/// An HTTP client for the exporter's thread. That thread has no runtime, and the client needs one.
#[derive(Debug)]
struct RuntimeClient<C: Connect + Clone + Send + Sync + 'static> {
    client: HyperClient<C>,
    runtime: Handle,
}

#[async_trait::async_trait]
impl<C: Connect + Clone + fmt::Debug + Send + Sync + 'static> HttpClient for RuntimeClient<C> {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        sent.await?
    }
}

/// Makes a request's span a child of the client's span, if the request has a `traceparent` header.
pub(crate) fn set_parent_from_headers(span: &Span, headers: &HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
        // Fails only if no spans are exported. Parents have no use then.
        let _ = span.set_parent(parent);
    }
}

/// Returns the `traceparent` of the current span, to send it to another process. `None` if no spans
/// are exported.
#[must_use]
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes a span a child of the span that [`traceparent`] was called in.
pub fn set_parent(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), parent.to_owned())]);
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
}
