//! Spans that the service exports to a collector.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use bauta_store::testing::TestDatabase;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Attribute,
    trace::v1::Span,
};
use prost::Message;
use serde_json::json;

use crate::{
    common::{Running, command, request, secret, text, with_jobs},
    secrets::assert_absent,
};

/// A collector that stores the requests it receives.
#[derive(Clone, Default)]
pub struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    pub fn routes(&self) -> Router {
        let receive = async |State(Collector(bodies)): State<Collector>, body: Bytes| {
            bodies.lock().unwrap().push(body);
        };
        Router::new()
            .route("/v1/traces", post(receive))
            .with_state(self.clone())
    }

    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = self.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.0.lock().unwrap().clone()
    }

    /// Returns all spans so far, each with the name of its service.
    fn spans(&self) -> Vec<(String, Span)> {
        let mut spans = Vec::new();
        for body in self.bodies() {
            for group in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                let attributes = group.resource.unwrap().attributes;
                let name = attributes
                    .into_iter()
                    .find(|attribute| attribute.key == "service.name");
                let name = match name.unwrap().value.unwrap().value.unwrap() {
                    Attribute::StringValue(name) => name,
                    other => panic!("{other:?}"),
                };
                let group_spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(group_spans.map(|span| (name.clone(), span)));
            }
        }
        spans
    }

    /// Waits until a trace has spans with these names, and returns its spans by name.
    pub async fn trace(&self, id: &str, names: &[&str]) -> HashMap<String, Span> {
        let complete = async {
            loop {
                let spans = self.spans().into_iter().map(|(_, span)| span);
                let trace: HashMap<_, _> = spans
                    .filter(|span| hex::encode(&span.trace_id) == id)
                    .map(|span| (span.name.clone(), span))
                    .collect();
                if names.iter().all(|name| trace.contains_key(*name)) {
                    return trace;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), complete).await;
        waited.unwrap_or_else(|_| panic!("{names:?} of {id} are not among {:?}", self.spans()))
    }
}

#[tokio::test]
async fn a_clients_trace_continues_through_the_queue_to_the_proof_and_never_contains_the_secret() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const CLIENT: &str = "00f067aa0ba902b7";
    let (collector, database) = (Collector::default(), TestDatabase::create().await.unwrap());
    let (endpoint, url) = (collector.listen().await, database.url().unwrap());
    let otlp = [
        ("OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let mut environment = with_jobs(&url, &otlp);
    // The log filter doesn't affect the export.
    environment.push(("RUST_LOG", "info,bauta_service_common::http=off"));
    let mut service_environment = environment.clone();
    service_environment.push(("RUN_JOBS", "false"));
    let service = Running::start(&service_environment);
    let _worker = Running::worker(&environment);

    let traceparent = format!("00-{TRACE}-{CLIENT}-01");
    let mut body = request(3);
    body["wait"] = json!(false);
    let (status, _, accepted) = service
        .post_with("/prove", ("traceparent", &traceparent), &body)
        .await;
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["job_id"].as_str().unwrap();
    assert_eq!(service.result(id).await["state"], "succeeded");
    let trace = collector.trace(TRACE, &["request", "job", "proof"]).await;
    let parent = |name: &str| hex::encode(&trace[name].parent_span_id);
    assert_eq!(parent("request"), CLIENT);
    assert_eq!(parent("job"), hex::encode(&trace["request"].span_id));
    assert_eq!(parent("proof"), hex::encode(&trace["job"].span_id));

    // A request without a trace starts one. A refused request is exported as well.
    let mut bad = request(4);
    bad["private"]["index"] = json!(5);
    assert_eq!(service.post("/prove", &bad).await.0, 400);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    while collector.spans().len() < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (name, span) in collector.spans() {
        assert_eq!(name, "prover-service");
        assert!(
            ["request", "job", "proof"].contains(&span.name.as_str()),
            "{}",
            span.name
        );
    }
    for body in collector.bodies() {
        for index in [3, 4] {
            assert_absent("an export", &body, secret(index));
        }
    }
}

#[tokio::test]
async fn the_service_works_while_the_collector_is_unavailable() {
    let service = Running::start(&[
        ("OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ]);
    for _ in 0..3 {
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    }
    assert_eq!(service.get("/health").await.0, 200);
}

#[tokio::test]
async fn an_invalid_endpoint_is_refused_at_start() {
    for endpoint in ["collector:4318", "grpc://collector", "4318", "http://"] {
        let output = command(&[("OTLP_ENDPOINT", endpoint)]).output().unwrap();
        assert!(!output.status.success(), "{endpoint}");
        assert!(text(&output).contains("OTLP_ENDPOINT"), "{}", text(&output));
    }
}
