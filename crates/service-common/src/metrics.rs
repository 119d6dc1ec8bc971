//! Metrics that every service has, and the recorder that Prometheus reads from.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

/// Requests answered, by method, route and status.
pub const HTTP_REQUESTS: &str = "http_requests_total";
/// Seconds from a request's headers to its response's, by method and route.
pub const HTTP_DURATION: &str = "http_request_duration_seconds";
/// Requests being worked on.
pub const HTTP_ACTIVE: &str = "http_requests_active";
/// 1 if a check of /ready is well, else 0.
pub const CHECK_UP: &str = "check_up";

/// Upper bounds in seconds of every histogram. Operators' documents name 2, 4 and 10.
const BUCKETS: [f64; 19] = [
    0.001, 0.002, 0.004, 0.006, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 10.0,
    15.0, 30.0,
];

/// What /metrics shows.
#[derive(Clone)]
pub(crate) struct Metrics {
    recorder: PrometheusHandle,
    process: Collector,
}

impl Metrics {
    /// The process's recorder; the first call installs it.
    pub(crate) fn install() -> Self {
        static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
        let recorder = RECORDER
            .get_or_init(|| {
                let recorder = PrometheusBuilder::new()
                    .set_buckets(&BUCKETS)
                    .expect("the list of buckets isn't empty")
                    .build_recorder();
                let handle = recorder.handle();
                // Another recorder of this process was there first: ours then shows nothing, and nothing breaks.
                let _ = ::metrics::set_global_recorder(recorder);
                handle
            })
            .clone();
        let process = Collector::default();
        process.describe();
        ::metrics::describe_counter!(HTTP_REQUESTS, "Requests answered");
        ::metrics::describe_histogram!(
            HTTP_DURATION,
            "Seconds from a request's headers to its response's"
        );
        ::metrics::describe_gauge!(HTTP_ACTIVE, "Requests being worked on");
        ::metrics::describe_gauge!(CHECK_UP, "1 if a check of /ready is well, else 0");
        Self { recorder, process }
    }

    /// The text that Prometheus reads.
    pub(crate) fn render(&self) -> String {
        self.process.collect();
        self.recorder.run_upkeep();
        self.recorder.render()
    }

    /// Moves what histograms collected into their buckets, which bounds their memory.
    pub(crate) fn upkeep(&self) {
        self.recorder.run_upkeep();
    }
}
