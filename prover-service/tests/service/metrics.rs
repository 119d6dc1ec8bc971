//! Metrics with the names of earlier systems.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::common::{Running, request};

const CIRCUIT: &str = r#"circuit="ownership-v1-depth10""#;

/// Returns the value of a series.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    let value = line.and_then(|rest| rest.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("{series} isn't in:\n{metrics}"))
}

/// Waits until the metric of the memory agrees with that of another library, and returns the
/// metrics. The service measures every 5 s, and for the first time before the keys are loaded.
async fn with_memory(address: impl Display) -> String {
    let started = Instant::now();
    loop {
        let response = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
        let metrics = response.text().await.unwrap();
        let ratio =
            value(&metrics, "zkp_memory_usage_bytes") / value(&metrics, "process_resident_memory_bytes");
        if (0.5..2.0).contains(&ratio) {
            return metrics;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "the ratio is {ratio}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn every_metric_of_the_contract_is_served_on_both_ports_with_the_right_value() {
    let service = Running::start(&[("METRICS_ON_SERVICE_PORT", "true")]);
    let (status, answer) = service.post("/prove", &request(3)).await;
    assert_eq!(status, 200, "{answer}");
    let mut form =
        json!({"proof": answer["proof"]["proof"], "circuitId": "ownership-v1", "public": answer["public"]});
    assert_eq!(service.post("/verify", &form).await.1["valid"], true);
    form["public"]["context"] = json!(format!("0x{:064x}", 99));
    assert_eq!(service.post("/verify", &form).await.1["valid"], false);

    for address in [service.address, service.metrics] {
        let metrics = with_memory(address).await;
        for (name, kind) in [
            ("arc_prover_proofs_total", "counter"),
            ("arc_prover_proof_duration_seconds", "histogram"),
            ("arc_prover_active_proofs", "gauge"),
            ("arc_prover_queue_depth", "gauge"),
            ("zkp_proof_generation_duration_seconds", "histogram"),
            ("zkp_proof_generation_total", "counter"),
            ("zkp_proof_generation_errors_total", "counter"),
            ("zkp_proof_verification_duration_seconds", "histogram"),
            ("zkp_proof_verification_total", "counter"),
            ("zkp_proof_verification_failures_total", "counter"),
            ("zkp_circuit_load_time_seconds", "gauge"),
            ("zkp_memory_usage_bytes", "gauge"),
            ("zkp_cpu_usage_percent", "gauge"),
            ("zkp_active_provers", "gauge"),
            ("http_requests_total", "counter"),
            ("memory_usage_percent", "gauge"),
            ("proof_generation_duration_seconds", "histogram"),
        ] {
            let line = format!("# TYPE {name} {kind}\n");
            assert!(metrics.contains(&line), "{line} isn't in:\n{metrics}");
        }
        for (series, expected) in [
            (r#"arc_prover_proofs_total{status="success"}"#.to_owned(), 1.0),
            (r#"arc_prover_proofs_total{status="error"}"#.to_owned(), 0.0),
            (format!("zkp_proof_generation_total{{{CIRCUIT}}}"), 1.0),
            (format!("zkp_proof_generation_errors_total{{{CIRCUIT}}}"), 0.0),
            (format!("zkp_proof_verification_total{{{CIRCUIT}}}"), 2.0),
            (
                format!("zkp_proof_verification_failures_total{{{CIRCUIT},cause=\"invalid\"}}"),
                1.0,
            ),
            (
                format!("zkp_proof_verification_failures_total{{{CIRCUIT},cause=\"internal\"}}"),
                0.0,
            ),
            (r#"arc_prover_proofs_total{status="refused"}"#.to_owned(), 0.0),
            ("zkp_proof_verification_duration_seconds_count".to_owned(), 2.0),
            ("zkp_proof_generation_duration_seconds_count".to_owned(), 1.0),
            ("zkp_active_provers".to_owned(), 1.0),
            ("arc_prover_active_proofs".to_owned(), 0.0),
            (
                r#"http_requests_total{method="POST",route="/prove",status="200"}"#.to_owned(),
                1.0,
            ),
        ] {
            let found = value(&metrics, &series);
            assert!((found - expected).abs() < 1e-9, "{series} is {found}");
        }
        // Dashboards of operators use these buckets.
        for bound in ["2", "4", "10"] {
            value(
                &metrics,
                &format!("arc_prover_proof_duration_seconds_bucket{{le=\"{bound}\"}}"),
            );
        }
        assert!(value(&metrics, &format!("zkp_circuit_load_time_seconds{{{CIRCUIT}}}")) > 0.0);
        for percent in ["zkp_cpu_usage_percent", "memory_usage_percent"] {
            assert!((0.0..=100.0).contains(&value(&metrics, percent)), "{percent}");
        }
    }
}

#[tokio::test]
async fn requests_that_a_full_queue_refuses_are_no_errors() {
    let service = Running::start(&[("MAX_CONCURRENT_PROOFS", "1"), ("MAX_WAITING_PROOFS", "1")]);
    let requests: Vec<_> = (0..8).map(request).collect();
    let answers =
        futures_util::future::join_all(requests.iter().map(|body| service.post("/prove", body))).await;
    let refused = answers.iter().filter(|(status, _)| *status == 429).count();
    let refused = u32::try_from(refused).unwrap();
    assert!(refused > 0, "{answers:?}");
    let metrics = service.metrics().await;
    for (series, expected) in [
        (r#"arc_prover_proofs_total{status="refused"}"#.to_owned(), refused),
        (r#"arc_prover_proofs_total{status="error"}"#.to_owned(), 0),
        (format!("zkp_proof_generation_errors_total{{{CIRCUIT}}}"), 0),
        (format!("zkp_proof_generation_total{{{CIRCUIT}}}"), 8 - refused),
    ] {
        let found = value(&metrics, &series);
        assert!((found - f64::from(expected)).abs() < 1e-9, "{series} is {found}");
    }
}
