//! The metrics that every service has, and the recorder that Prometheus scrapes.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

/// Declares the names of metrics as constants, and a function `describe` that registers their
/// descriptions with the recorder. The documentation of a constant is also the description that
/// Prometheus shows, so that each metric is described once.
///
/// ```
/// bauta_service_common::metric_names! {
///     /// Requests received, by method.
///     pub counter REQUESTS = "requests_total";
///     /// Connections that are open.
///     gauge CONNECTIONS = "connections";
/// }
///
/// describe();
/// metrics::gauge!(CONNECTIONS).set(3);
/// ```
#[macro_export]
macro_rules! metric_names {
    ($($(#[doc = $text:literal])+ $visibility:vis $kind:ident $name:ident = $value:literal;)+) => {
        $($(#[doc = $text])+ $visibility const $name: &str = $value;)+

        /// Registers the description of each metric with the recorder.
        fn describe() {
            $($crate::metric_names!(@describe $kind, $name, concat!($($text),+).trim());)+
        }
    };
    (@describe counter, $name:ident, $text:expr) => { ::metrics::describe_counter!($name, $text) };
    (@describe gauge, $name:ident, $text:expr) => { ::metrics::describe_gauge!($name, $text) };
    (@describe histogram, $name:ident, $text:expr) => { ::metrics::describe_histogram!($name, $text) };
}

metric_names! {
    /// Requests that have ended, by method, route and status.
    pub counter HTTP_REQUESTS = "http_requests_total";
    /// Seconds from the headers of a request to the headers of its response, by method and route.
    pub histogram HTTP_DURATION = "http_request_duration_seconds";
    /// Requests in progress.
    pub gauge HTTP_ACTIVE = "http_requests_active";
    /// 1 if a check of /ready succeeds, otherwise 0.
    pub gauge CHECK_UP = "check_up";
}

/// Upper bounds of every histogram in seconds. Dashboards of operators use 2, 4 and 10.
const BUCKETS: [f64; 19] = [
    0.001, 0.002, 0.004, 0.006, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 10.0,
    15.0, 30.0,
];

/// The content of `/metrics`.
#[derive(Clone)]
pub(crate) struct Metrics {
    recorder: PrometheusHandle,
    process: Collector,
}

impl Metrics {
    /// Returns the recorder of the process. The first call installs it.
    pub(crate) fn install() -> Self {
        static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
        let recorder = RECORDER
            .get_or_init(|| {
                let recorder = PrometheusBuilder::new()
                    .set_buckets(&BUCKETS)
                    .expect("the list of buckets isn't empty")
                    .build_recorder();
                let handle = recorder.handle();
                // If the process has another recorder already, this one stays empty.
                let _ = ::metrics::set_global_recorder(recorder);
                handle
            })
            .clone();
        let process = Collector::default();
        process.describe();
        describe();
        Self { recorder, process }
    }

    /// Renders all metrics in the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        self.process.collect();
        self.recorder.run_upkeep();
        self.recorder.render()
    }

    /// Moves the samples of histograms into their buckets, which bounds their memory.
    pub(crate) fn run_upkeep(&self) {
        self.recorder.run_upkeep();
    }
}
